import { z } from "zod";
import { defineDevice, poll } from "../src/device/define.ts";

/** Texas Instruments TMP105 (register map of the LM75): board temperature. It has no identity; an ADS1115 shares its addresses. */
export const tmp105 = defineDevice({
  part: "tmp105",
  summary: "board temperature, register map of the LM75",
  source: "Texas Instruments TMP105 data sheet, tables 1 to 8",
  addresses: [0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f],
  maxClockHz: 400_000,
  registers: { TEMPERATURE: 0x00, CONFIGURATION: { at: 0x01, bytes: 1 } },
  width: { bytes: 2, order: "be" },
  powerOn: { CONFIGURATION: 0x00 },
  options: z.strictObject({ everyMs: z.number().min(250).default(1000).describe("time between two readings, ms") }),
  // 12 bits (220 ms), no shutdown, no thermostat interrupt.
  setup: () => [{ reg: "CONFIGURATION", mask: 0x63, value: 0x60 }],
  awake: { reg: "CONFIGURATION", mask: 0x01, value: 0x00 },
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
