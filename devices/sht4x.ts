import { z } from "zod";
import { defineDevice, oneShot } from "../src/device/define.ts";
import { sensirionWords } from "../src/device/frame-checks.ts";

/** Sensirion SHT40, SHT41 and SHT45: humidity and temperature, each word with a checksum. */
export const sht4x = defineDevice({
  part: "sht4x",
  summary: "humidity and temperature",
  source: "Sensirion SHT4x data sheet v6.1, commands and conversion",
  addresses: [0x44, 0x45, 0x46],
  maxClockHz: 400_000,
  registers: { READ_SERIAL: 0x89, MEASURE_HIGH: 0xfd },
  // It has no registers; it answers only after a command.
  hello: { reg: "READ_SERIAL" },
  options: z.strictObject({ everyMs: z.number().min(20).default(1000).describe("time between two readings, ms") }),
  setup: () => [],
  read: (o) =>
    oneShot({
      shots: [
        {
          key: "measurement",
          start: { reg: "MEASURE_HIGH" },
          waitMs: 10, // 8.3 ms at the most
          bytes: 6,
          everyMs: o.everyMs,
          check: sensirionWords,
        },
      ],
    }),
  channels: {
    temperature: {
      label: "Temperature",
      unit: "Cel",
      range: [-45, 130],
      byte: 0,
      encoding: "u16be",
      scale: 175 / 65_535,
      offset: -45,
      clip: [0, 65_535],
    },
    humidity: {
      label: "Humidity",
      unit: "%",
      range: [0, 100],
      byte: 3,
      encoding: "u16be",
      scale: 125 / 65_535,
      offset: -6,
      clip: [3145, 55_574], // 0 % and 100 %; what lies beyond is the sensor's own tolerance
    },
  },
});
