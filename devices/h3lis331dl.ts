import { z } from "zod";
import { defineDevice, poll } from "../src/device/define.ts";
import { QUALITY } from "../src/model/quality.ts";

const G = 9.80665;
/** CTRL_REG4[5:4], and mg per 12-bit digit. */
const RANGE = { 100: [0, 49], 200: [1, 98], 400: [3, 195] } as const;
/** CTRL_REG1: normal power, data rate, all axes. */
const RATE = { 50: 0x27, 100: 0x2f } as const;

/** STMicroelectronics H3LIS331DL: up to ±400 g in three axes. It has no FIFO: what the host comes too late for is lost. */
export const h3lis331dl = defineDevice({
  part: "h3lis331dl",
  summary: "±400 g shock, three axes, no FIFO",
  source: "STMicroelectronics H3LIS331DL register map and driver h3lis331dl-pid",
  addresses: [0x18, 0x19],
  maxClockHz: 400_000,
  registers: {
    WHO_AM_I: 0x0f,
    CTRL_REG1: 0x20,
    CTRL_REG2: 0x21,
    CTRL_REG4: 0x23,
    // Bit 7 of the address makes a read go on to the next register.
    STATUS_REG_BURST: 0xa7,
    OUT_X_L_BURST: 0xa8,
  },
  powerOn: { CTRL_REG1: 0x07 },
  identity: { reg: "WHO_AM_I", equals: 0x32 },
  options: z.strictObject({
    rangeG: z.literal([100, 200, 400]).default(400).describe("full scale, g"),
    odrHz: z.literal([50, 100]).default(100).describe("the part's output data rate, samples per second"),
  }),
  setup: (o) => [
    { reg: "CTRL_REG4", mask: 0xf0, value: 0x80 | (RANGE[o.rangeG][0] << 4) }, // whole words only, low byte first
    { reg: "CTRL_REG2", mask: 0xff, value: 0x00 },
    { reg: "CTRL_REG1", mask: 0xff, value: RATE[o.odrHz] },
  ],
  awake: { reg: "CTRL_REG1", mask: 0xe0, value: 0x20 },
  read: (o) =>
    poll({
      frames: [{ reg: "STATUS_REG_BURST", bytes: 7, everyMs: 1000 / o.odrHz, ready: { byte: 0, mask: 0x08 } }],
    }),
  frame: { reg: "OUT_X_L_BURST", bytes: 6 },
  flags: [{ frame: "STATUS_REG_BURST", byte: 0, mask: 0x80, equals: 0x80, q: QUALITY.overrun }],
  // The LIS331DLH answers with the same WHO_AM_I; at 1 g it shows 1024, 512 or 256 digits where this part shows 20 to 5.
  atRest: () => ({
    samples: 32,
    everyMs: 20,
    axes: { shockX: 0, shockY: 2, shockZ: 4 },
    strangers: [
      [230, 280],
      [460, 560],
      [920, 1120],
    ],
  }),
  channels: (o) => {
    const [, mg] = RANGE[o.rangeG];
    const scale = mg * 1e-3 * G;
    const axis = (label: string, byte: number) =>
      ({
        label,
        unit: "m/s2",
        range: [-2048 * scale, 2047 * scale],
        byte,
        encoding: "i12le<<4",
        scale,
        clip: [-2048, 2047],
      }) as const;
    return {
      shockX: axis("Shock, fore-aft", 1),
      shockY: axis("Shock, left-right", 3),
      shockZ: axis("Shock, up-down", 5),
    };
  },
});
