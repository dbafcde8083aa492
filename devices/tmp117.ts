import { z } from "zod";
import { defineDevice, poll } from "../src/device/define.ts";
import { QUALITY } from "../src/model/quality.ts";

/** Texas Instruments TMP117: temperature within 0.1 °C. */
export const tmp117 = defineDevice({
  part: "tmp117",
  summary: "temperature within 0.1 °C",
  source: "Texas Instruments SNOSD82D, register map and table 7-1",
  addresses: [0x48, 0x49, 0x4a, 0x4b],
  maxClockHz: 400_000,
  registers: { TEMP_RESULT: 0x00, CONFIGURATION: 0x01, DEVICE_ID: 0x0f },
  width: { bytes: 2, order: "be" },
  powerOn: { TEMP_RESULT: 0x8000, CONFIGURATION: 0x0220, DEVICE_ID: 0x0117 },
  // The revision is in the top four bits.
  identity: { reg: "DEVICE_ID", mask: 0x0fff, equals: 0x0117 },
  options: z.strictObject({ everyMs: z.number().min(1000).default(1000).describe("time between two readings, ms") }),
  setup: () => [{ reg: "CONFIGURATION", mask: 0x0fe0, value: 0x0220 }], // continuous, one a second, 8 averages
  awake: { reg: "CONFIGURATION", mask: 0x0c00, value: 0x0000 },
  read: (o) => poll({ frames: [{ reg: "TEMP_RESULT", bytes: 2, everyMs: o.everyMs }] }),
  channels: {
    temperature: {
      label: "Temperature",
      unit: "Cel",
      range: [-55, 150],
      byte: 0,
      encoding: "i16be",
      scale: 7.8125e-3,
      // No conversion since power-on.
      bands: [{ from: -32_768, to: -32_768, q: QUALITY.missing }],
      plausible: [-7040, 19_200], // -55 °C to 150 °C
    },
  },
});
