import { z } from "zod";
import { defineDevice, oneShot } from "../src/device/define.ts";
import { sensirionWords } from "../src/device/frame-checks.ts";

/** Sensirion SHT30, SHT31 and SHT35: humidity and temperature, where one is already fitted. */
export const sht3x = defineDevice({
  part: "sht3x",
  summary: "humidity and temperature",
  source: "Sensirion SHT3x-DIS data sheet v4, commands and conversion",
  addresses: [0x44, 0x45],
  maxClockHz: 400_000,
  // Commands of two bytes: the first is the register here, the second its value.
  registers: { MEASURE: 0x24, STATUS: 0x30 },
  hello: { reg: "STATUS", value: 0x41 },
  options: z.strictObject({ everyMs: z.number().min(30).default(1000).describe("time between two readings, ms") }),
  setup: () => [],
  read: (o) =>
    oneShot({
      shots: [
        {
          key: "measurement",
          start: { reg: "MEASURE", value: 0x00 }, // high repeatability; not 0x2C06, which stretches the clock
          waitMs: 16, // 15 ms at the most
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
      scale: 100 / 65_535,
      clip: [0, 65_535],
    },
  },
});
