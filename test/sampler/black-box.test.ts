import { describe, expect, it } from "vitest";
import { captureFields, wireRecord } from "../../src/model/record.ts";
import { type BlackBoxSpec, CAPTURE_TEXT_MAX } from "../../src/sampler/black-box.ts";
import type { WatchSpec } from "../../src/sampler/detectors.ts";
import { blast, blowAt } from "../dsp/detect/blows.ts";
import { PERIOD_MS, samplerRig } from "./rig.ts";

const watch: WatchSpec = {
  kind: "shock",
  name: "detonation",
  severity: "warning",
  capture: true,
  channels: [0],
  axes: ["shock_z"],
  shock: { floor: 600, strikeFloor: 150, k: 12, riseMs: 5, ringSamples: 4, refractoryMs: 250 },
};
const blackBox: BlackBoxSpec = {
  channels: [
    { name: "shock_z", unit: "m/s2", resolution: 0.48, lagMs: 45, span: { beforeMs: 2000, afterMs: 3000 } },
    { name: "rotor_speed", unit: "rpm", resolution: 0.1, lagMs: 25, span: { beforeMs: 10_000, afterMs: 10_000 } },
  ],
  longestMs: 28_000,
};
const noise = (t: number) => 9.81 + 4 * Math.sin(t * 1.7);

function run(blasts: readonly number[], toMs: number, own: Partial<BlackBoxSpec> = {}) {
  const rig = samplerRig({ watches: [watch], blackBox: { ...blackBox, ...own } });
  const acceleration = (t: number) => blasts.reduce((sum, at) => sum + blowAt(blast(at), t), noise(t));
  rig.run(toMs, acceleration, (t) => (t > blasts[0]! ? 130 : 200));
  const notes = rig.frames.flatMap(({ frame, bytes, atMs }) =>
    frame.type === "note" ? [{ note: frame.body, bytes, atMs }] : [],
  );
  const captures = notes.flatMap(({ note, bytes, atMs }) => (note.kind === "capture" ? [{ note, bytes, atMs }] : []));
  return { notes, captures, acceleration };
}

describe("the black box", () => {
  it("keeps every sample of every channel from before a candidate to after it, behind its event", () => {
    const { notes, captures, acceleration } = run([15_003], 27_000);
    expect(notes.map(({ note }) => note.kind)).toEqual(["event", "capture"]);
    const { note, bytes, atMs } = captures[0]!;
    expect(note).toMatchObject({ detector: "detonation", triggers: [{ name: "detonation_candidate", at: 0 }] });
    const fast = note.channels["shock_z"]!;
    const slow = note.channels["rotor_speed"]!;
    expect(fast.x).toHaveLength(5000 / PERIOD_MS);
    expect(slow.x).toHaveLength(400);
    expect(fast.dt).toBeCloseTo(PERIOD_MS, 6);
    expect([fast.every, fast.q, slow.at]).toEqual([undefined, undefined, undefined]);
    fast.x.forEach((v, i) => {
      expect(Math.abs(v! - acceleration(note.mono + fast.t0 + i * PERIOD_MS))).toBeLessThan(1);
    });
    expect(Math.max(...fast.x.map((v) => v!))).toBeCloseTo(note.peak, -2);
    expect(slow.x.filter((v) => v === 200).length).toBeGreaterThan(190);
    expect(slow.x.filter((v) => v === 130).length).toBeGreaterThan(190);
    console.log(
      `${bytes} bytes; sent ${(atMs - (note.mono + 10_000)).toFixed(0)} ms of sample time after its last sample`,
    );
    expect(bytes).toBeLessThan(CAPTURE_TEXT_MAX);
    const { mono, kind, ...said } = note;
    const record = { v: 1, seq: 1, spool: "spool-aaaa", boot: "boot-aaaa", mono, trust: "none", kind, ...said };
    expect(wireRecord.safeParse(record).success).toBe(true);
    expect(Object.keys(said).sort()).toEqual(Object.keys(captureFields).sort());
  });

  it("keeps one capture for two candidates close together, and two for two that are far apart", () => {
    const shared = run([15_003, 18_003], 32_000);
    expect(shared.captures).toHaveLength(1);
    const { note } = shared.captures[0]!;
    expect(note.triggers.map(({ at }) => Math.round(at / 100))).toEqual([0, 30]);
    expect(note.channels["shock_z"]!.x).toHaveLength(8000 / PERIOD_MS);
    const apart = run([15_003, 27_003], 40_000);
    expect(apart.captures.map(({ note: n }) => n.triggers.length)).toEqual([1, 1]);
  });

  it("begins another capture when one would be longer than the rings", () => {
    const { captures } = run([12_003, 15_003, 18_003, 21_003], 36_000);
    expect(captures.map(({ note }) => note.triggers.length)).toEqual([3, 1]);
  });

  it("says so when only the strongest of several samples fit, and still holds the peak", () => {
    const span = { beforeMs: 12_000, afterMs: 12_000 };
    const channels = blackBox.channels.map((ch) => ({ ...ch, span }));
    const { captures } = run([14_003], 28_000, { channels });
    const { note, bytes } = captures[0]!;
    const fast = note.channels["shock_z"]!;
    expect(bytes).toBeLessThan(CAPTURE_TEXT_MAX + 100);
    expect(fast.every).toBe(2);
    expect(fast.x.length).toBe(24_000 / PERIOD_MS / 2);
    expect(Math.max(...fast.x.map((v) => Math.abs(v! - 9.81)))).toBeGreaterThan(note.peak - 5);
  });

  it("keeps nothing for a detector that does not ask for it", () => {
    const rig = samplerRig({ watches: [{ ...watch, capture: false }], blackBox });
    rig.run(
      27_000,
      (t) => noise(t) + blowAt(blast(15_003), t),
      () => 200,
    );
    expect(rig.notes().map(({ note }) => note.kind)).toEqual(["event"]);
  });
});
