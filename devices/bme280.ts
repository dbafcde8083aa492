import { z } from "zod";
import { defineDevice, oneShot } from "../src/device/define.ts";

/** What a skipped measurement reads as. */
const NO_PRESSURE = 0x80000;
const NO_HUMIDITY = 0x8000;

interface Trim {
  readonly t: readonly [number, number, number];
  readonly p: readonly bigint[];
  readonly h: readonly [number, number, number, number, number, number];
}

const u16 = (b: Uint8Array, at: number) => b[at]! | (b[at + 1]! << 8);
const s16 = (b: Uint8Array, at: number) => (u16(b, at) << 16) >> 16;
const s8 = (b: Uint8Array, at: number) => (b[at]! << 24) >> 24;

/** The constants of one part: 26 bytes from 0x88, then 7 from 0xE1. */
function trimOf(b: Uint8Array): Trim {
  const e1 = 26;
  return {
    t: [u16(b, 0), s16(b, 2), s16(b, 4)],
    p: [BigInt(u16(b, 6)), ...Array.from({ length: 8 }, (_, i) => BigInt(s16(b, 8 + 2 * i)))],
    h: [
      b[25]!,
      s16(b, e1),
      b[e1 + 2]!,
      s8(b, e1 + 3) * 16 + (b[e1 + 4]! & 0x0f),
      s8(b, e1 + 5) * 16 + (b[e1 + 4]! >> 4),
      s8(b, e1 + 6),
    ],
  };
}

/** Bosch data sheet 4.2.3, integer form: the fine temperature that the others need. */
function fineOf(raw: number, { t: [t1, t2, t3] }: Trim): number {
  const first = Math.floor((((raw >> 3) - (t1 << 1)) * t2) / 2048);
  const d = (raw >> 4) - t1;
  return first + Math.floor((Math.floor((d * d) / 4096) * t3) / 16384);
}

const celsius = (fine: number) => ((fine * 5 + 128) >> 8) / 100;

function pascals(raw: number, fine: number, { p }: Trim): number {
  const [p1, p2, p3, p4, p5, p6, p7, p8, p9] = p as [bigint, ...bigint[]];
  const f = BigInt(fine) - 128_000n;
  const offset = f * f * p6! + ((f * p5!) << 17n) + (p4! << 35n);
  const slope = (((1n << 47n) + (((f * f * p3!) >> 8n) + ((f * p2!) << 12n))) * p1) >> 33n;
  if (slope === 0n) return Number.NaN;
  const x = ((((1_048_576n - BigInt(raw)) << 31n) - offset) * 3125n) / slope;
  const squared = (p9! * (x >> 13n) * (x >> 13n)) >> 25n;
  return Number(((x + squared + ((p8! * x) >> 19n)) >> 8n) + (p7! << 4n)) / 256;
}

function percent(raw: number, fine: number, { h: [h1, h2, h3, h4, h5, h6] }: Trim): number {
  const f = fine - 76_800;
  const wet = (((((raw << 14) - (h4 << 20)) | 0) - Math.imul(h5, f) + 16_384) | 0) >> 15;
  const inner = ((Math.imul(Math.imul(f, h6) >> 10, (Math.imul(f, h3) >> 11) + 32_768) >> 10) + 2_097_152) | 0;
  let x = Math.imul(wet, (Math.imul(inner, h2) + 8192) >> 14);
  x = (x - (Math.imul(Math.imul(x >> 15, x >> 15) >> 7, h1) >> 4)) | 0;
  return (Math.max(0, Math.min(419_430_400, x)) >> 12) / 1024;
}

const raw20 = (b: Uint8Array, at: number) => (b[at]! << 12) | (b[at + 1]! << 4) | (b[at + 2]! >> 4);

function decode(frame: Uint8Array, calibration: Uint8Array, values: Float64Array): void {
  const trim = trimOf(calibration);
  const [p, t, h] = [raw20(frame, 0), raw20(frame, 3), (frame[6]! << 8) | frame[7]!];
  const fine = fineOf(t, trim);
  const none = t === NO_PRESSURE;
  values[0] = none ? Number.NaN : celsius(fine);
  values[1] = none || p === NO_PRESSURE ? Number.NaN : pascals(p, fine, trim);
  values[2] = none || h === NO_HUMIDITY ? Number.NaN : percent(h, fine, trim);
}

/** The raw value within `bits` at which a formula that only rises (or only falls) comes nearest to `wanted`. */
function solve(bits: number, wanted: number, rises: boolean, formula: (raw: number) => number): number {
  let low = 0;
  let high = 2 ** bits - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (formula(middle) < wanted === rises) low = middle + 1;
    else high = middle;
  }
  const before = Math.max(0, low - 1);
  return Math.abs(formula(before) - wanted) < Math.abs(formula(low) - wanted) ? before : low;
}

function encode(values: Float64Array, calibration: Uint8Array, frame: Uint8Array): void {
  const trim = trimOf(calibration);
  const [t, p, h] = values as unknown as [number, number, number];
  const rawT = Number.isNaN(t) ? NO_PRESSURE : solve(20, t, true, (raw) => celsius(fineOf(raw, trim)));
  const fine = fineOf(rawT, trim);
  const rawP = Number.isNaN(p) ? NO_PRESSURE : solve(20, p, false, (raw) => pascals(raw, fine, trim));
  const rawH = Number.isNaN(h) ? NO_HUMIDITY : solve(16, h, true, (raw) => percent(raw, fine, trim));
  frame.set([rawP >> 12, (rawP >> 4) & 0xff, (rawP & 0x0f) << 4]);
  frame.set([rawT >> 12, (rawT >> 4) & 0xff, (rawT & 0x0f) << 4], 3);
  frame.set([rawH >> 8, rawH & 0xff], 6);
}

/** Bosch BME280: temperature, pressure and humidity inside the enclosure; a seal that fails shows here first. */
export const bme280 = defineDevice({
  part: "bme280",
  summary: "enclosure temperature, pressure and humidity",
  source: "Bosch BST-BME280 data sheet rev. 1.23, memory map and compensation 4.2.3",
  addresses: [0x76, 0x77],
  maxClockHz: 400_000,
  registers: {
    CALIB00: 0x88,
    ID: 0xd0,
    RESET: 0xe0,
    CALIB26: 0xe1,
    CTRL_HUM: 0xf2,
    CTRL_MEAS: 0xf4,
    CONFIG: 0xf5,
    PRESS_MSB: 0xf7,
  },
  // 0x58 is a BMP280: it has no humidity and is often sold as this part.
  identity: { reg: "ID", equals: 0x60 },
  options: z.strictObject({ everyMs: z.number().min(100).default(1000).describe("time between two readings, ms") }),
  prepare: () => [{ reg: "RESET", value: 0xb6, waitMs: 20 }],
  setup: () => [
    { reg: "CTRL_HUM", mask: 0x07, value: 0x01 }, // humidity once; takes hold with the next write to CTRL_MEAS
    { reg: "CONFIG", mask: 0xfd, value: 0x00 }, // no filter, I2C
  ],
  awake: { reg: "CTRL_HUM", mask: 0x07, value: 0x01 },
  read: (o) =>
    oneShot({
      shots: [
        {
          start: { reg: "CTRL_MEAS", value: 0x25 }, // temperature and pressure once, forced
          waitMs: 10, // 9.3 ms at the most
          reg: "PRESS_MSB",
          bytes: 8,
          everyMs: o.everyMs,
          decode,
          encode,
        },
      ],
      discard: 1, // the first measurement after power-on is wrong
    }),
  calibration: {
    frames: [
      { reg: "CALIB00", bytes: 26 },
      { reg: "CALIB26", bytes: 7 },
    ],
    example: [
      0x10, 0x6e, 0x6c, 0x66, 0x32, 0x00, 0x5d, 0x95, 0xb8, 0xd5, 0xd0, 0x0b, 0x77, 0x1e, 0x9d, 0xff, 0xf9, 0xff, 0xac,
      0x26, 0x0a, 0xd8, 0xbd, 0x10, 0x00, 0x4b, 0x6e, 0x01, 0x00, 0x13, 0x05, 0x00, 0x1e,
    ],
    // Read too soon after power-on the constants are zeros.
    ok: (b) => ![u16(b, 0), u16(b, 6)].some((word) => word === 0 || word === 0xffff),
  },
  channels: {
    temperature: { label: "Enclosure temperature", unit: "Cel", range: [-40, 85], resolution: 0.01 },
    pressure: { label: "Air pressure", unit: "Pa", range: [30_000, 110_000], resolution: 1 },
    humidity: { label: "Enclosure humidity", unit: "%", range: [0, 100], resolution: 0.02 },
  },
});
