import type { Unit } from "../src/model/units.ts";

/** One use of each derivation, for the plots of the reference: its parameters, and its inputs over 1.6 s by time in s. */
export interface DerivedExample {
  readonly params: Readonly<Record<string, unknown>>;
  readonly inputs: readonly {
    readonly unit: Unit;
    readonly range: readonly [number, number];
    readonly at: (tS: number) => number;
  }[];
}

const wave =
  (hz: number, size: number, around = 0) =>
  (tS: number) =>
    around + size * Math.sin(2 * Math.PI * hz * tS);
const step = (atS: number, from: number, to: number) => (tS: number) => (tS < atS ? from : to);
const ramp = (from: number, to: number) => (tS: number) => from + ((to - from) * tS) / 1.6;
const rpm = (at: (tS: number) => number) => ({ unit: "rpm", range: [0, 3000], at }) as const;
const mps2 = (at: (tS: number) => number) => ({ unit: "m/s2", range: [-40, 40], at }) as const;
const G = 9.80665;
const leaning = [
  mps2((t) => G * Math.sin(0.4 * t)),
  mps2((t) => G * Math.cos(0.4 * t) * Math.sin(0.8 * t)),
  mps2((t) => G * Math.cos(0.4 * t) * Math.cos(0.8 * t)),
];
const axes = { x: "accel_x", y: "accel_y", z: "accel_z" };

export const derivedExamples: Readonly<Record<string, DerivedExample>> = {
  difference: {
    params: { a: "rotor_pickup", b: "rotor_can" },
    inputs: [rpm(wave(1, 40, 200)), rpm(wave(1.2, 40, 200))],
  },
  ratio: {
    params: { a: "rotor_speed", b: "engine_speed", leastB: 400 },
    inputs: [rpm(step(0.8, 200, 140)), rpm(ramp(1900, 300))],
  },
  magnitude: {
    params: { of: ["accel_x", "accel_y"] },
    inputs: [mps2(wave(1, 5)), mps2((t) => 5 * Math.cos(2 * Math.PI * t) * (1 + t))],
  },
  combination: {
    params: { type: "median", of: ["level_left", "level_mid", "level_right"] },
    inputs: [rpm(wave(1, 40, 200)), rpm(ramp(150, 250)), rpm(step(0.8, 300, 100))],
  },
  agreement: {
    params: { of: ["rotor_pickup", "rotor_can"], within: 20 },
    inputs: [rpm((t) => 200 + (t > 0.6 && t < 0.9 ? 60 : 0) + 4 * Math.sin(30 * t)), rpm(() => 200)],
  },
  pitch: { params: axes, inputs: leaning },
  roll: { params: axes, inputs: leaning },
  tilt: { params: axes, inputs: leaning },
  complementary: {
    params: { rate: "gyro_y", angle: "pitch_at_rest", tauS: 0.3 },
    inputs: [
      { unit: "deg/s", range: [-250, 250], at: (t) => (t > 0.4 && t < 0.6 ? 50 : 0) },
      { unit: "deg", range: [-90, 90], at: (t) => Math.min(10, Math.max(0, (t - 0.4) * 50)) + 6 * Math.sin(80 * t) },
    ],
  },
  speed_excess: {
    params: {
      speed: "ground_speed",
      depth: "tool_depth",
      allowed: [
        { depthM: 0, mps: 0.5 },
        { depthM: 0.2, mps: 0.14 },
      ],
    },
    inputs: [
      { unit: "m/s", range: [0, 5], at: step(0.8, 0.14, 0.3) },
      { unit: "m", range: [-0.5, 0.6], at: ramp(0.2, 0) },
    ],
  },
  machine_state: {
    params: {
      rotor: "rotor_speed",
      depth: "tool_depth",
      speed: "ground_speed",
      rotorWorksRpm: 150,
      rotorStandsRpm: 30,
      holdMs: 100,
      stallHoldMs: 50,
    },
    inputs: [
      rpm((t) => (t < 0.3 ? 0 : t < 1.2 ? 200 : 5)),
      { unit: "m", range: [-0.5, 0.6], at: step(0.7, -0.3, 0.2) },
      { unit: "m/s", range: [0, 5], at: (t) => (t > 0.4 && t < 0.7 ? 0.5 : 0) },
    ],
  },
};
