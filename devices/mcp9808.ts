import { z } from "zod";
import { defineDevice, poll } from "../src/device/define.ts";

/** Microchip MCP9808: contact temperature within 0.25 °C. */
export const mcp9808 = defineDevice({
  part: "mcp9808",
  summary: "contact temperature within 0.25 °C",
  source: "Microchip DS20005095B, register map; the sign as its text says, not as its code example does",
  addresses: Array.from({ length: 8 }, (_, i) => 0x18 + i),
  maxClockHz: 400_000,
  registers: { CONFIG: 0x01, TA: 0x05, MANUFACTURER_ID: 0x06, DEVICE_ID: 0x07, RESOLUTION: { at: 0x08, bytes: 1 } },
  width: { bytes: 2, order: "be" },
  powerOn: { MANUFACTURER_ID: 0x0054, DEVICE_ID: 0x0400, RESOLUTION: 0x03 },
  identity: [
    { reg: "MANUFACTURER_ID", equals: 0x0054 },
    { reg: "DEVICE_ID", mask: 0xff00, equals: 0x0400 },
  ],
  options: z.strictObject({ everyMs: z.number().min(250).default(1000).describe("time between two readings, ms") }),
  setup: () => [
    { reg: "CONFIG", mask: 0x0100, value: 0x0000 }, // converts all the time
    { reg: "RESOLUTION", mask: 0x03, value: 0x03 }, // 0.0625 °C, 250 ms
  ],
  awake: { reg: "CONFIG", mask: 0x0100, value: 0x0000 },
  read: (o) => poll({ frames: [{ reg: "TA", bytes: 2, everyMs: o.everyMs }] }),
  channels: {
    temperature: {
      label: "Temperature",
      unit: "Cel",
      range: [-40, 125],
      byte: 0,
      encoding: "i13be", // above it three alarm bits
      scale: 0.0625,
      plausible: [-640, 2000],
    },
  },
});
