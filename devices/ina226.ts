import { z } from "zod";
import { defineDevice, poll } from "../src/device/define.ts";
import { QUALITY } from "../src/model/quality.ts";

const currentLsb = (o: { maxA: number }) => o.maxA / 2 ** 15;
/** 0.00512 ÷ (CURRENT_LSB × R), truncated; the small addend keeps a whole result whole. */
const calibrationOf = (o: { maxA: number; shuntOhm: number }) =>
  Math.trunc(0.00512 / (currentLsb(o) * o.shuntOhm) + 1e-9);

/** Texas Instruments INA226: voltage up to 36 V, current and power. Never on a 24 V battery without a clamp. */
export const ina226 = defineDevice({
  part: "ina226",
  summary: "36 V voltage, current and power",
  source: "Texas Instruments SBOS547B, register maps and table 6-1",
  addresses: Array.from({ length: 16 }, (_, i) => 0x40 + i),
  maxClockHz: 400_000,
  registers: {
    CONFIGURATION: 0x00,
    BUS_VOLTAGE: 0x02,
    POWER: 0x03,
    CURRENT: 0x04,
    CALIBRATION: 0x05,
    MASK_ENABLE: 0x06,
    MANUFACTURER_ID: 0xfe,
    DIE_ID: 0xff,
  },
  width: { bytes: 2, order: "be" },
  powerOn: { CONFIGURATION: 0x4127, MANUFACTURER_ID: 0x5449, DIE_ID: 0x2260 },
  identity: [
    { reg: "MANUFACTURER_ID", equals: 0x5449 },
    { reg: "DIE_ID", equals: 0x2260 },
  ],
  options: z
    .strictObject({
      shuntOhm: z.number().positive().describe("resistance of the shunt, Ω"),
      maxA: z.number().positive().describe("greatest current to be measured, A"),
      everyMs: z.number().min(36).default(100).describe("time between two readings, ms"),
    })
    .refine((o) => calibrationOf(o) >= 1 && calibrationOf(o) <= 0x7fff, {
      message: "shuntOhm × maxA must lie between 5.2 mV and 167 V: the calibration register has 15 bits",
      path: ["shuntOhm"],
    }),
  setup: (o) => [
    { reg: "CONFIGURATION", mask: 0x0fff, value: 0x0527 }, // 16 averages, 1.1 ms each, both continuous
    { reg: "CALIBRATION", mask: 0x7fff, value: calibrationOf(o) },
  ],
  awake: { reg: "CONFIGURATION", mask: 0x0007, value: 0x0007 },
  read: (o) =>
    poll({
      frames: [
        // First, so that its flag holds for what is read after it.
        { reg: "MASK_ENABLE", bytes: 2, everyMs: o.everyMs },
        { reg: "BUS_VOLTAGE", bytes: 2, everyMs: o.everyMs },
        { reg: "CURRENT", bytes: 2, everyMs: o.everyMs },
        { reg: "POWER", bytes: 2, everyMs: o.everyMs },
      ],
    }),
  flags: [
    // OVF: current and power are not valid.
    {
      frame: "MASK_ENABLE",
      byte: 1,
      mask: 0x04,
      equals: 0x04,
      q: QUALITY.suspect | QUALITY.fault,
      channels: ["current", "power"],
    },
  ],
  channels: (o) => ({
    voltage: {
      label: "Voltage",
      unit: "V",
      range: [0, 36],
      frame: "BUS_VOLTAGE",
      byte: 0,
      encoding: "u16be",
      scale: 1.25e-3,
      plausible: [0, 28_800],
    },
    current: {
      label: "Current",
      unit: "A",
      range: [-o.maxA, o.maxA],
      frame: "CURRENT",
      byte: 0,
      encoding: "i16be",
      scale: currentLsb(o),
      clip: [-32_768, 32_767],
    },
    power: {
      label: "Power",
      unit: "W",
      range: [0, 36 * o.maxA],
      frame: "POWER",
      byte: 0,
      encoding: "u16be",
      scale: 25 * currentLsb(o),
    },
  }),
});
