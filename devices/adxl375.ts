import { z } from "zod";
import { armedFifo, defineDevice, streamFifo } from "../src/device/define.ts";

/** 49 mg per count, times standard gravity. */
const COUNT = 0.049 * 9.80665;
const SPAN = 200 * 9.80665;
const RATE_CODE = { 100: 0x0a, 200: 0x0b, 400: 0x0c, 800: 0x0d } as const;
/** 780 mg per count of THRESH_ACT, which is 8 bits. */
const thresholdCode = (g: number) => Math.round(g / 0.78);

const axis = (label: string, byte: number) =>
  ({
    label,
    unit: "m/s2",
    range: [-SPAN, SPAN],
    byte,
    encoding: "i16le",
    scale: COUNT,
    clip: 4080,
    plausible: [-4095, 4095],
  }) as const;

/** Analog Devices ADXL375: ±200 g three-axis accelerometer, for shock at the tool carrier. */
export const adxl375 = defineDevice({
  part: "adxl375",
  summary: "±200 g shock, three axes",
  source: "Analog Devices ADXL375 data sheet Rev. B, register map and FIFO",
  addresses: [0x53, 0x1d],
  maxClockHz: 400_000,
  registers: {
    DEVID: 0x00,
    OFSX: 0x1e,
    OFSY: 0x1f,
    OFSZ: 0x20,
    THRESH_ACT: 0x24,
    ACT_INACT_CTL: 0x27,
    BW_RATE: 0x2c,
    POWER_CTL: 0x2d,
    INT_ENABLE: 0x2e,
    INT_MAP: 0x2f,
    INT_SOURCE: 0x30,
    DATA_FORMAT: 0x31,
    DATAX0: 0x32,
    FIFO_CTL: 0x38,
    FIFO_STATUS: 0x39,
  },
  powerOn: { DEVID: 0xe5, BW_RATE: 0x0a },
  identity: { reg: "DEVID", equals: 0xe5 },
  options: z.strictObject({
    /** `stream` delivers every sample; `armed` only what surrounds a shock, at a twentieth of the bus time. */
    mode: z
      .enum(["stream", "armed"])
      .default("stream")
      .describe("stream: every sample; armed: only what surrounds a shock"),
    odrHz: z.literal([100, 200, 400, 800]).default(800).describe("the part's output data rate, samples per second"),
    drainMs: z.number().min(5).max(40).default(20).describe("time between two drains of the FIFO, ms"),
    /** What sets off a capture in `armed`, as a change from rest. */
    thresholdG: z.number().min(0.78).max(198.9).default(20).describe("armed: change that sets it off, in g"),
    /** Samples kept from before the shock, of 32, in `armed`. */
    before: z.int().min(1).max(31).default(8).describe("armed: samples kept from before the shock"),
  }),
  prepare: () => [
    { reg: "POWER_CTL", value: 0x00 },
    { reg: "INT_ENABLE", value: 0x00 },
    // Bypass empties the FIFO.
    { reg: "FIFO_CTL", value: 0x00 },
  ],
  setup: (o) => [
    // The data sheet asks for D3, D1 and D0 set and D4 clear; interrupts active high, right-justified.
    { reg: "DATA_FORMAT", mask: 0xff, value: 0x0b },
    { reg: "BW_RATE", mask: 0x1f, value: RATE_CODE[o.odrHz] },
    { reg: "OFSX", mask: 0xff, value: 0x00 },
    { reg: "OFSY", mask: 0xff, value: 0x00 },
    { reg: "OFSZ", mask: 0xff, value: 0x00 },
    ...(o.mode === "stream"
      ? ([{ reg: "FIFO_CTL", mask: 0xff, value: 0x90 }] as const) // stream, watermark 16
      : ([
          { reg: "THRESH_ACT", mask: 0xff, value: thresholdCode(o.thresholdG) },
          { reg: "ACT_INACT_CTL", mask: 0xff, value: 0xf0 }, // activity, against its reference, all axes
          { reg: "INT_MAP", mask: 0xff, value: 0x00 },
          { reg: "INT_ENABLE", mask: 0xff, value: 0x10 }, // activity alone: any other would set off the FIFO too
          { reg: "FIFO_CTL", mask: 0xff, value: 0xc0 | o.before }, // trigger on INT1
        ] as const)),
    { reg: "POWER_CTL", mask: 0x3f, value: 0x08 }, // measure; last
  ],
  awake: { reg: "POWER_CTL", mask: 0x08, value: 0x08 },
  read: (o) =>
    o.mode === "stream"
      ? streamFifo({
          data: "DATAX0",
          bytes: 8, // to FIFO_STATUS: the FIFO moves on between 0x37 and 0x38
          entries: { byte: 7, mask: 0x3f },
          depth: 32,
          odrHz: o.odrHz,
          drainMs: Math.min(o.drainMs, 16_000 / o.odrHz),
          flush: [
            { reg: "FIFO_CTL", value: 0x00 },
            { reg: "FIFO_CTL", value: 0x90 },
          ],
          overrun: { reg: "INT_SOURCE", mask: 0x01 },
          mode: { reg: "FIFO_CTL", mask: 0xc0, value: 0x80 },
        })
      : armedFifo({
          data: "DATAX0",
          bytes: 6,
          depth: 32,
          odrHz: o.odrHz,
          pollMs: 20,
          status: { reg: "FIFO_STATUS", trigger: 0x80, entries: 0x3f },
          ack: "INT_SOURCE",
          ackMs: 1000,
          rearm: [
            { reg: "FIFO_CTL", value: 0x00 },
            { reg: "FIFO_CTL", value: 0xc0 | o.before },
          ],
          before: o.before,
          thresholdCounts: (thresholdCode(o.thresholdG) * 0.78) / 0.049,
        }),
  frame: { reg: "DATAX0", bytes: 6 },
  // The ADXL345 family answers with the same DEVID; at 1 g it shows 256 counts where this part shows 20.
  atRest: () => ({
    samples: 32,
    everyMs: 5,
    axes: { shockX: 0, shockY: 2, shockZ: 4 },
    strangers: [[220, 290]],
  }),
  stuckAfter: 64,
  channels: {
    shockX: axis("Shock, fore-aft", 0),
    shockY: axis("Shock, left-right", 2),
    shockZ: axis("Shock, up-down", 4),
  },
});
