import { z } from "zod";
import { defineDevice, poll } from "../src/device/define.ts";
import { QUALITY } from "../src/model/quality.ts";

/** SENSOR_CONFIG[6:4], and the range of the thermocouple in °C. */
const TYPE = {
  K: [0, -200, 1372],
  J: [1, -150, 1200],
  T: [2, -200, 400],
  N: [3, -150, 1300],
} as const;

/** Microchip MCP9600 and MCP9601: thermocouples, for exhaust and oil. It stretches the clock: on a bus of its own. */
export const mcp9600 = defineDevice({
  part: "mcp9600",
  summary: "thermocouple, hot and cold junction",
  source: "Microchip DS20005426G, register map; erratum DS80000741 on probing",
  addresses: Array.from({ length: 8 }, (_, i) => 0x60 + i),
  maxClockHz: 100_000,
  registers: {
    HOT_JUNCTION: { at: 0x00, bytes: 2 },
    COLD_JUNCTION: { at: 0x02, bytes: 2 },
    STATUS: 0x04,
    SENSOR_CONFIG: 0x05,
    DEVICE_CONFIG: 0x06,
    DEVICE_ID: { at: 0x20, bytes: 2 },
  },
  width: { bytes: 1, order: "be" },
  powerOn: { DEVICE_ID: 0x4010 },
  // 0x40 is an MCP9600, 0x41 an MCP9601; the low byte is the revision.
  identity: { reg: "DEVICE_ID", mask: 0xfe00, equals: 0x4000 },
  options: z.strictObject({
    thermocouple: z.enum(["K", "J", "T", "N"]).default("K").describe("type of the thermocouple"),
    /** Strength of the part's own filter, 0 for none. */
    filter: z.int().min(0).max(7).default(4).describe("strength of the part's own filter, 0 to 7"),
    everyMs: z.number().min(100).default(500).describe("time between two readings, ms"),
  }),
  setup: (o) => [
    { reg: "SENSOR_CONFIG", mask: 0x77, value: (TYPE[o.thermocouple][0] << 4) | o.filter },
    { reg: "DEVICE_CONFIG", mask: 0xff, value: 0x20 }, // 16 bit, normal mode
  ],
  awake: { reg: "DEVICE_CONFIG", mask: 0x03, value: 0x00 },
  read: (o) =>
    poll({
      frames: [
        { reg: "STATUS", bytes: 1, everyMs: o.everyMs },
        { reg: "HOT_JUNCTION", bytes: 2, everyMs: o.everyMs },
        { reg: "COLD_JUNCTION", bytes: 2, everyMs: o.everyMs },
      ],
    }),
  flags: [
    // Open or out of range, and (MCP9601 only) shorted.
    { frame: "STATUS", byte: 0, mask: 0x10, equals: 0x10, q: QUALITY.missing | QUALITY.fault, channels: ["hot"] },
    { frame: "STATUS", byte: 0, mask: 0x20, equals: 0x20, q: QUALITY.missing | QUALITY.fault, channels: ["hot"] },
  ],
  channels: (o) => {
    const [, low, high] = TYPE[o.thermocouple];
    return {
      hot: {
        label: "Thermocouple temperature",
        unit: "Cel",
        range: [low, high],
        frame: "HOT_JUNCTION",
        byte: 0,
        encoding: "i16be",
        scale: 0.0625,
        plausible: [16 * low, 16 * high],
      },
      cold: {
        label: "Cold junction temperature",
        unit: "Cel",
        range: [-40, 125],
        frame: "COLD_JUNCTION",
        byte: 0,
        encoding: "i16be",
        scale: 0.0625,
        plausible: [-640, 2000],
      },
    };
  },
});
