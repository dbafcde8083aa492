import { z } from "zod";
import { defineDevice, poll } from "../src/device/define.ts";
import { QUALITY } from "../src/model/quality.ts";

/** Full scale of the shunt voltage, in volts, for ADCRANGE 0 and 1. */
const WIDE_V = 0.16384;
const NARROW_V = 0.04096;

interface Shunt {
  readonly shuntOhm: number;
  readonly maxA: number;
}

const narrow = (o: Shunt) => o.shuntOhm * o.maxA <= NARROW_V;
const currentLsb = (o: Shunt) => o.maxA / 2 ** 19;
/** SHUNT_CAL = 13107.2e6 × CURRENT_LSB × R, four times that with ADCRANGE 1. */
const shuntCal = (o: Shunt) => Math.round(13107.2e6 * currentLsb(o) * o.shuntOhm * (narrow(o) ? 4 : 1));

/** Texas Instruments INA228: battery voltage up to 85 V, current through a shunt, charge and energy. */
export const ina228 = defineDevice({
  part: "ina228",
  summary: "85 V battery voltage, current, power, charge and energy",
  source: "Texas Instruments INA228 and INA229 (SLYS023A) data sheets, register maps and table 8-4",
  addresses: Array.from({ length: 16 }, (_, i) => 0x40 + i),
  maxClockHz: 400_000,
  registers: {
    CONFIG: 0x00,
    ADC_CONFIG: 0x01,
    SHUNT_CAL: 0x02,
    VBUS: { at: 0x05, bytes: 3 },
    DIETEMP: 0x06,
    CURRENT: { at: 0x07, bytes: 3 },
    POWER: { at: 0x08, bytes: 3 },
    ENERGY: { at: 0x09, bytes: 5 },
    CHARGE: { at: 0x0a, bytes: 5 },
    DIAG_ALRT: 0x0b,
    MANUFACTURER_ID: 0x3e,
    DEVICE_ID: 0x3f,
  },
  width: { bytes: 2, order: "be" },
  // SHUNT_CAL is reported to wake up as 0x1000: a plausible value, and a wrong one.
  powerOn: {
    ADC_CONFIG: 0xfb68,
    SHUNT_CAL: 0x1000,
    DIAG_ALRT: 0x0001,
    MANUFACTURER_ID: 0x5449,
    DEVICE_ID: 0x2281,
  },
  identity: [
    { reg: "MANUFACTURER_ID", equals: 0x5449 },
    { reg: "DEVICE_ID", mask: 0xfff0, equals: 0x2280 },
  ],
  options: z
    .strictObject({
      shuntOhm: z.number().positive().describe("resistance of the shunt, Ω"),
      /** The largest current to be measured; the count of all current channels follows from it. */
      maxA: z.number().positive().describe("greatest current to be measured, A"),
      everyMs: z.number().min(55).default(100).describe("time between two readings, ms"),
      slowMs: z
        .number()
        .min(55)
        .default(1000)
        .describe("time between two readings of temperature, charge and energy, ms"),
    })
    .refine((o) => o.shuntOhm * o.maxA <= WIDE_V, {
      message: "shuntOhm × maxA must not exceed 0.16384 V, the most the part can measure",
      path: ["maxA"],
    }),
  // No reset, ever: it would zero CHARGE and ENERGY.
  setup: (o) => [
    { reg: "CONFIG", mask: 0x3ff0, value: narrow(o) ? 0x0010 : 0x0000 }, // ADCRANGE
    { reg: "ADC_CONFIG", mask: 0xffff, value: 0xfb6a }, // all, continuous, 1052 µs each, 16 averages: 50.5 ms
    { reg: "SHUNT_CAL", mask: 0x7fff, value: shuntCal(o) },
  ],
  awake: { reg: "ADC_CONFIG", mask: 0xf000, value: 0xf000 },
  read: (o) =>
    poll({
      frames: [
        // First, so that its flags hold for what is read after it.
        { reg: "DIAG_ALRT", bytes: 2, everyMs: o.everyMs },
        { reg: "VBUS", bytes: 3, everyMs: o.everyMs },
        { reg: "CURRENT", bytes: 3, everyMs: o.everyMs },
        { reg: "POWER", bytes: 3, everyMs: o.everyMs },
        { reg: "DIETEMP", bytes: 2, everyMs: o.slowMs },
        { reg: "CHARGE", bytes: 5, everyMs: o.slowMs },
        { reg: "ENERGY", bytes: 5, everyMs: o.slowMs },
      ],
    }),
  flags: [
    // MATHOF: current and power are not valid.
    {
      frame: "DIAG_ALRT",
      byte: 0,
      mask: 0x02,
      equals: 0x02,
      q: QUALITY.suspect | QUALITY.fault,
      channels: ["current", "power"],
    },
    // ENERGYOF and CHARGEOF: the sums have wrapped.
    { frame: "DIAG_ALRT", byte: 0, mask: 0x08, equals: 0x08, q: QUALITY.suspect | QUALITY.fault, channels: ["energy"] },
    { frame: "DIAG_ALRT", byte: 0, mask: 0x04, equals: 0x04, q: QUALITY.suspect | QUALITY.fault, channels: ["charge"] },
    // MEMSTAT 0: the trim memory is damaged, and with it every scale.
    { frame: "DIAG_ALRT", byte: 1, mask: 0x01, equals: 0x00, q: QUALITY.suspect | QUALITY.fault },
  ],
  channels: (o) => ({
    voltage: {
      label: "Battery voltage",
      unit: "V",
      range: [0, 85],
      frame: "VBUS",
      byte: 0,
      encoding: "u20be<<4",
      scale: 195.3125e-6,
      // Below 0.1 V the unit could not run from this battery: the wire is off.
      bands: [{ from: 0, to: 511, q: QUALITY.suspect | QUALITY.fault }],
      plausible: [0, 435_200],
    },
    current: {
      label: "Battery current",
      unit: "A",
      range: [-o.maxA, o.maxA],
      frame: "CURRENT",
      byte: 0,
      encoding: "i20be<<4",
      scale: currentLsb(o),
      clip: [-524_288, 524_287],
    },
    power: {
      label: "Battery power",
      unit: "W",
      range: [0, 85 * o.maxA],
      frame: "POWER",
      byte: 0,
      encoding: "u24be",
      scale: 3.2 * currentLsb(o),
    },
    dieTemp: {
      label: "Power monitor temperature",
      unit: "Cel",
      range: [-40, 125],
      frame: "DIETEMP",
      byte: 0,
      encoding: "i16be",
      scale: 7.8125e-3,
      plausible: [-5120, 19_200], // -40 °C to 150 °C
    },
    charge: {
      label: "Battery charge",
      unit: "C",
      range: [-currentLsb(o) * 2 ** 39, currentLsb(o) * 2 ** 39],
      frame: "CHARGE",
      byte: 0,
      encoding: "i40be",
      scale: currentLsb(o),
    },
    energy: {
      label: "Battery energy",
      unit: "J",
      range: [0, 16 * 3.2 * currentLsb(o) * 2 ** 40],
      frame: "ENERGY",
      byte: 0,
      encoding: "u40be",
      scale: 16 * 3.2 * currentLsb(o),
    },
  }),
});
