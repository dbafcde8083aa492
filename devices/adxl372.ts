import { z } from "zod";
import { defineDevice, poll } from "../src/device/define.ts";
import { QUALITY } from "../src/model/quality.ts";

/** 100 mg per count of the data sheet (not the 98 mg that ±200 g over 4096 would be). */
const COUNT = 0.1 * 9.80665;

const axis = (label: string, byte: number) =>
  ({
    label,
    unit: "m/s2",
    range: [-2048 * COUNT, 2047 * COUNT],
    byte,
    encoding: "i12be<<4",
    scale: COUNT,
    clip: [-2048, 2047],
    frame: "MAXPEAK_X_H",
  }) as const;

/** Analog Devices ADXL372: ±200 g, of which it keeps the greatest since the last look: no peak is missed. */
export const adxl372 = defineDevice({
  part: "adxl372",
  summary: "±200 g shock, greatest since the last look",
  source: "Analog Devices ADXL372 data sheet and no-OS driver, register map",
  addresses: [0x1d, 0x53],
  maxClockHz: 400_000,
  registers: {
    DEVID_AD: 0x00,
    DEVID_MST: 0x01,
    PARTID: 0x02,
    REVID: 0x03,
    STATUS: 0x04,
    MAXPEAK_X_H: 0x15,
    FIFO_CTL: 0x3a,
    TIMING: 0x3d,
    MEASURE: 0x3e,
    POWER_CTL: 0x3f,
    RESET: 0x41,
  },
  identity: [
    { reg: "DEVID_AD", equals: 0xad },
    { reg: "DEVID_MST", equals: 0x1d },
    { reg: "PARTID", equals: 0xfa },
    // Earlier ones disturb others on the bus.
    { reg: "REVID", least: 3 },
  ],
  options: z.strictObject({ everyMs: z.number().min(10).default(20).describe("time between two readings, ms") }),
  prepare: () => [
    { reg: "POWER_CTL", value: 0x00 },
    { reg: "RESET", value: 0x52, waitMs: 2 },
  ],
  setup: () => [
    { reg: "TIMING", mask: 0xe0, value: 0x60 }, // 3200 Hz
    { reg: "MEASURE", mask: 0x07, value: 0x03 }, // 1600 Hz of bandwidth
    { reg: "FIFO_CTL", mask: 0x3e, value: 0x00 }, // bypass
    { reg: "POWER_CTL", mask: 0x03, value: 0x03 }, // full bandwidth; last
  ],
  awake: { reg: "POWER_CTL", mask: 0x03, value: 0x03 },
  read: (o) =>
    poll({
      frames: [
        { reg: "STATUS", bytes: 1, everyMs: o.everyMs },
        { reg: "MAXPEAK_X_H", bytes: 6, everyMs: o.everyMs },
      ],
    }),
  // ERR_USR_REGS: the settings have been damaged.
  flags: [{ frame: "STATUS", byte: 0, mask: 0x80, equals: 0x80, q: QUALITY.suspect | QUALITY.fault }],
  channels: {
    peakX: axis("Peak shock, fore-aft", 0),
    peakY: axis("Peak shock, left-right", 2),
    peakZ: axis("Peak shock, up-down", 4),
  },
});
