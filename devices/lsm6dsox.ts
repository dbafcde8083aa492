import { z } from "zod";
import { defineDevice, streamFifo } from "../src/device/define.ts";

const G = 9.80665;
/** CTRL1_XL[3:2], and mg per count. */
const ACCEL = { 2: [0, 0.061], 4: [2, 0.122], 8: [3, 0.244], 16: [1, 0.488] } as const;
/** CTRL2_G[3:1], and mdps per count. */
const GYRO = { 125: [1, 4.375], 250: [0, 8.75], 500: [2, 17.5], 1000: [4, 35], 2000: [6, 70] } as const;
/** The same code for both sensors and for their batching into the FIFO. */
const RATE = { 26: 2, 52: 3, 104: 4, 208: 5 } as const;

/** What a word can carry; for the gyroscope that is more than the range it is named after. */
const span = (perCount: number): [number, number] => [-32_768 * perCount, 32_764 * perCount];

/** FIFO tags. */
const TAG_GYRO = 1;
const TAG_ACCEL = 2;
/** Words from 0x7FFD on are markers of a sensor that has just been switched on. */
const MARKER = 0x7ffd;

function oddBits(byte: number): boolean {
  let fold = byte ^ (byte >> 4);
  fold ^= fold >> 2;
  return ((fold ^ (fold >> 1)) & 1) !== 0;
}

/** The tag byte has even parity; a word that breaks it, or starts with a marker, holds no measurement. */
function valid(bytes: Uint8Array, at: number): boolean {
  const x = bytes[at + 1]! | (bytes[at + 2]! << 8);
  return !oddBits(bytes[at]!) && (x < MARKER || x > 0x7fff);
}

function seal(bytes: Uint8Array, at: number): void {
  if (oddBits(bytes[at]!)) bytes[at]! ^= 0x01;
}

/** STMicroelectronics LSM6DSOX: acceleration and turning rate in three axes each, for tilt, vibration and roll-over. */
export const lsm6dsox = defineDevice({
  part: "lsm6dsox",
  summary: "acceleration and turning rate, three axes each",
  source: "STMicroelectronics LSM6DSOX data sheet and driver lsm6dsox-pid; Linux st_lsm6dsx_buffer.c for the markers",
  addresses: [0x6a, 0x6b],
  maxClockHz: 400_000,
  registers: {
    FIFO_CTRL1: 0x07,
    FIFO_CTRL2: 0x08,
    FIFO_CTRL3: 0x09,
    FIFO_CTRL4: 0x0a,
    WHO_AM_I: 0x0f,
    CTRL1_XL: 0x10,
    CTRL2_G: 0x11,
    CTRL3_C: 0x12,
    CTRL9_XL: 0x18,
    OUTX_L_A: 0x28,
    FIFO_STATUS1: { at: 0x3a, bytes: 2, order: "le" },
    FIFO_STATUS2: 0x3b,
    FIFO_DATA_OUT_TAG: 0x78,
  },
  powerOn: { WHO_AM_I: 0x6c, CTRL3_C: 0x04, CTRL9_XL: 0xe0 },
  identity: { reg: "WHO_AM_I", equals: 0x6c },
  options: z.strictObject({
    odrHz: z.literal([26, 52, 104, 208]).default(104).describe("the part's output data rate, samples per second"),
    accelG: z.literal([2, 4, 8, 16]).default(8).describe("full scale of acceleration, g"),
    gyroDps: z.literal([125, 250, 500, 1000, 2000]).default(500).describe("full scale of rotation, °/s"),
    drainMs: z.number().min(10).max(500).default(50).describe("time between two drains of the FIFO, ms"),
  }),
  prepare: () => [
    { reg: "CTRL3_C", value: 0x01, waitMs: 10 }, // software reset
    { reg: "FIFO_CTRL4", value: 0x00 }, // bypass empties the FIFO
  ],
  setup: (o) => [
    { reg: "CTRL9_XL", mask: 0x02, value: 0x02 }, // I3C off
    { reg: "CTRL3_C", mask: 0xff, value: 0x44 }, // whole words only, addresses count up
    { reg: "CTRL1_XL", mask: 0xff, value: (RATE[o.odrHz] << 4) | (ACCEL[o.accelG][0] << 2) },
    { reg: "CTRL2_G", mask: 0xff, value: (RATE[o.odrHz] << 4) | (GYRO[o.gyroDps][0] << 1) },
    { reg: "FIFO_CTRL1", mask: 0xff, value: 0x14 }, // watermark 20 words
    { reg: "FIFO_CTRL2", mask: 0xff, value: 0x00 },
    { reg: "FIFO_CTRL3", mask: 0xff, value: (RATE[o.odrHz] << 4) | RATE[o.odrHz] },
    { reg: "FIFO_CTRL4", mask: 0xff, value: 0x06 }, // continuous
  ],
  awake: { reg: "FIFO_CTRL4", mask: 0x07, value: 0x06 },
  read: (o) =>
    streamFifo({
      data: "FIFO_DATA_OUT_TAG",
      bytes: 7,
      entries: { reg: "FIFO_STATUS1", bytes: 2, mask: 0x03ff },
      depth: 512,
      odrHz: o.odrHz,
      drainMs: o.drainMs,
      perRead: 4,
      tag: { byte: 0, mask: 0xf8, shift: 3 },
      valid,
      seal,
      flush: [
        { reg: "FIFO_CTRL4", value: 0x00 },
        { reg: "FIFO_CTRL4", value: 0x06 },
      ],
      overrun: { reg: "FIFO_STATUS2", mask: 0x40 },
      mode: { reg: "FIFO_CTRL4", mask: 0x07, value: 0x06 },
    }),
  frame: { reg: "OUTX_L_A", bytes: 6 },
  // The LSM6DSO32 answers with the same WHO_AM_I and shows half the counts at 1 g.
  atRest: (o) => ({
    samples: 32,
    everyMs: 10,
    axes: { accelX: 0, accelY: 2, accelZ: 4 },
    strangers: [[450 / ACCEL[o.accelG][1], 550 / ACCEL[o.accelG][1]]],
  }),
  stuckAfter: 64,
  channels: (o) => {
    const accel = (label: string, byte: number) =>
      ({
        label,
        unit: "m/s2",
        range: span(ACCEL[o.accelG][1] * 1e-3 * G),
        byte,
        encoding: "i16le",
        scale: ACCEL[o.accelG][1] * 1e-3 * G,
        clip: [-32_768, MARKER - 1],
        tag: TAG_ACCEL,
      }) as const;
    const gyro = (label: string, byte: number) =>
      ({
        label,
        unit: "deg/s",
        range: span(GYRO[o.gyroDps][1] * 1e-3),
        byte,
        encoding: "i16le",
        scale: GYRO[o.gyroDps][1] * 1e-3,
        clip: [-32_768, MARKER - 1],
        tag: TAG_GYRO,
      }) as const;
    return {
      accelX: accel("Acceleration, fore-aft", 1),
      accelY: accel("Acceleration, left-right", 3),
      accelZ: accel("Acceleration, up-down", 5),
      gyroX: gyro("Turning rate, roll", 1),
      gyroY: gyro("Turning rate, pitch", 3),
      gyroZ: gyro("Turning rate, yaw", 5),
    };
  },
});
