import type { Draft } from "../../src/model/record.ts";
import { FULL_PLAN, FULL_PLAN_DESC } from "../bench/wire-plan.ts";

const head = {
  v: 1,
  boot: "4b3f6c1e-27bd-4c3e-9d2b-0f8a1c2d3e4f",
  mono: 5_123_400.3,
  t: "2026-11-23T07:12:00.000Z",
  trust: "gnss",
  unc: 20,
} as const;

/** One record of every kind, with what is hard about it: holes, bad quality, no time, letters of other scripts. */
export const GOLDEN_COMPACT: readonly Draft[] = [
  { ...head, kind: "desc", hash: FULL_PLAN_DESC, body: FULL_PLAN },
  {
    ...head,
    ...{ kind: "telemetry", desc: FULL_PLAN_DESC, n: 4, dt: 1000 },
    c: {
      "pitch.mean": [1.25, 1.26, null, -0.01],
      "pitch.min": [0.5, 0.5, null, 0.5],
      "pitch.max": [2, 2, 2, 2],
      "shock_z.max": [0.49, 98, 1.47, 0],
      "coolant_temp.mean": [null, null, null, null],
      "fuel_rate.mean": [41.123456789, 41, 41, 41],
      engaged: [0, 1, 1, 1],
    },
    q: { "pitch.mean": [0, 0, 8, 0], "coolant_temp.mean": [8, 8, 8, 8] },
  },
  {
    ...{ v: 1, boot: "boot-of-no-uuid", mono: 12, trust: "none" },
    ...{ kind: "track", desc: FULL_PLAN_DESC, n: 3, at: [0, 200.1, 399.9] },
    c: { lat: [13.1234567, 13.1234568, 13.1234571], lon: [103.7654321, 103.765432, null], alt: [24.01, 24, 23.99] },
  },
  { ...head, kind: "anchor", offsetMs: 1_795_000_000_123.4 },
  { ...head, kind: "outage", from: 100.5, to: 90_000, reason: "sampler-stalled" },
  { ...head, kind: "gap", from: 5, to: 900, reason: "thinned" },
  {
    ...head,
    ...{ kind: "event", name: "detonation_candidate", severity: "alarm", source: "accel" },
    detail: { peak: 1204.5, risen: true, mark: "ផ្ទុះ", none: null },
  },
  {
    ...head,
    ...{ kind: "capture", detector: "blast", triggers: [{ name: "detonation_candidate", at: 0.3 }], peak: 1204.5 },
    channels: {
      shock_z: {
        unit: "m/s2",
        t0: -2000.125,
        dt: 1.25,
        x: [0.49, 0.98, null, 1201.97, -3.43, 0],
        q: [0, 0, 8, 2, 0, 0],
      },
      rotor_speed: { unit: "rpm", t0: -10, at: [0, 99.9, 200.2, 300], every: 4, x: [212.5, 212.4, 180, 175.1], q: 4 },
    },
  },
];
