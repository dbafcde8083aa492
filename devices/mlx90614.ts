import { z } from "zod";
import { defineDevice, poll } from "../src/device/define.ts";
import { smbusPec } from "../src/device/frame-checks.ts";
import { QUALITY } from "../src/model/quality.ts";

/** The error flag of the part: the top bit of a word. */
const ERROR = [{ from: 0x8000, to: 0xffff, q: QUALITY.missing | QUALITY.fault }] as const;

/** Melexis MLX90614: temperature of a surface, without contact. On a 100 kHz bus only. */
export const mlx90614 = defineDevice({
  part: "mlx90614",
  summary: "surface temperature without contact",
  source: "Melexis 3901090614 rev. 13, RAM addresses, conversion and packet error code",
  addresses: [0x5a],
  maxClockHz: 100_000,
  registers: { TA: { at: 0x06, bytes: 3 }, TOBJ1: { at: 0x07, bytes: 3 } },
  width: { bytes: 2, order: "le" },
  hello: { reg: "TA" },
  options: z.strictObject({ everyMs: z.number().min(100).default(500).describe("time between two readings, ms") }),
  setup: () => [],
  read: (o) =>
    poll({
      frames: [
        { reg: "TOBJ1", bytes: 3, everyMs: o.everyMs, check: smbusPec },
        { reg: "TA", bytes: 3, everyMs: o.everyMs, check: smbusPec },
      ],
    }),
  channels: {
    surface: {
      label: "Surface temperature",
      unit: "Cel",
      range: [-70.01, 382.19],
      frame: "TOBJ1",
      byte: 0,
      encoding: "u16le",
      scale: 0.02,
      offset: -273.15,
      bands: ERROR,
      plausible: [0x27ad, 0x7fff],
    },
    ambient: {
      label: "Sensor temperature",
      unit: "Cel",
      range: [-38.19, 125.01],
      frame: "TA",
      byte: 0,
      encoding: "u16le",
      scale: 0.02,
      offset: -273.15,
      bands: ERROR,
      plausible: [0x2de4, 0x4dc4],
    },
  },
});
