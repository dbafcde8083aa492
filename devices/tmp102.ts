import { z } from "zod";
import { defineDevice, poll } from "../src/device/define.ts";

/** Texas Instruments TMP102: board temperature. It has no identity; an ADS1115 shares its addresses. */
export const tmp102 = defineDevice({
  part: "tmp102",
  summary: "board temperature",
  source: "Texas Instruments TMP102 data sheet, register map; periph tmp102_test.go",
  addresses: [0x48, 0x49, 0x4a, 0x4b],
  maxClockHz: 400_000,
  registers: { TEMPERATURE: 0x00, CONFIGURATION: 0x01 },
  width: { bytes: 2, order: "be" },
  powerOn: { CONFIGURATION: 0x60a0 },
  options: z.strictObject({ everyMs: z.number().min(250).default(1000).describe("time between two readings, ms") }),
  // 12 bits, four a second, no shutdown.
  setup: () => [{ reg: "CONFIGURATION", mask: 0x61d0, value: 0x6080 }],
  awake: { reg: "CONFIGURATION", mask: 0x0100, value: 0x0000 },
  read: (o) => poll({ frames: [{ reg: "TEMPERATURE", bytes: 2, everyMs: o.everyMs }] }),
  channels: {
    temperature: {
      label: "Temperature",
      unit: "Cel",
      range: [-55, 128],
      byte: 0,
      encoding: "i12be<<4",
      scale: 0.0625,
      plausible: [-880, 2047],
    },
  },
});
