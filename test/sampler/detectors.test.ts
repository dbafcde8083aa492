import { describe, expect, it } from "vitest";
import type { WatchSpec } from "../../src/sampler/detectors.ts";
import { blast, blowAt, stone } from "../dsp/detect/blows.ts";
import { samplerRig } from "./rig.ts";

const detonation: WatchSpec = {
  kind: "shock",
  name: "detonation",
  severity: "warning",
  capture: false,
  channels: [0],
  axes: ["shock_z"],
  shock: { floor: 600, strikeFloor: 150, k: 12, riseMs: 5, ringSamples: 4, refractoryMs: 250 },
  rotor: { channel: 1, workingRpm: 50 },
};
const slow: WatchSpec = {
  kind: "limit",
  name: "rotor_slow",
  severity: "alarm",
  capture: false,
  channel: 1,
  limit: { side: "under", at: 150, releaseAt: 165, afterMs: 200, releaseAfterMs: 0 },
  resolution: 0.1,
};
const noise = (t: number) => 9.81 + 4 * Math.sin(t * 1.7);

describe("detectors in the loop", () => {
  it("tell a detonation candidate at the instant of its samples, with what the rotor did", () => {
    const rig = samplerRig({ watches: [detonation] });
    rig.run(
      6000,
      (t) => noise(t) + blowAt(blast(5003), t),
      (t) => (t < 5003 ? 200 : 130),
    );
    const events = rig.notes().filter(({ note }) => note.kind === "event");
    expect(events).toHaveLength(1);
    const { note, atMs } = events[0]!;
    if (note.kind !== "event") throw new Error("no event");
    expect(note).toMatchObject({
      name: "detonation_candidate",
      severity: "warning",
      source: "shock",
      detail: { axis: "shock_z", clipped: false, rotorBefore: 200, rotorLeast: 130 },
    });
    expect(Math.abs(note.mono - 5003)).toBeLessThan(2);
    expect(Object.keys(note.detail)).not.toContain("class");
    const end = note.mono + Number(note.detail["durationMs"]);
    expect(atMs - end).toBeLessThan(60);
  });

  it("count rock strikes and tell them together once a minute, at the strongest", () => {
    const rig = samplerRig({ watches: [detonation] });
    const stones = [3000, 4000, 5000, 6000].map((at, i) => stone(at, 250 + 50 * i));
    rig.run(
      70_000,
      (t) => stones.reduce((sum, s) => sum + blowAt(s, t), noise(t)) + blowAt(stone(65_000, 300), t),
      () => 200,
    );
    const events = rig.notes().map(({ note }) => note);
    expect(events).toMatchObject([
      { name: "rock_strikes", severity: "info", detail: { count: 1, total: 1 } },
      { name: "rock_strikes", detail: { count: 4, total: 5 } },
    ]);
    expect(Math.abs(events[1]!.mono - 6000)).toBeLessThan(5);
  });

  it("learn no noise while the rotor stands, so that a stone there is not counted", () => {
    const rig = samplerRig({ watches: [detonation] });
    rig.run(
      6000,
      (t) => noise(t) + blowAt(stone(5003), t),
      () => 0,
    );
    expect(rig.notes()).toEqual([]);
  });

  it("tell when a limit is reached and when it is left again", () => {
    const rig = samplerRig({ watches: [slow] });
    rig.run(8000, noise, (t) => (t >= 3000 && t < 5000 ? 140 : 200));
    expect(rig.notes().map(({ note }) => note)).toMatchObject([
      {
        name: "rotor_slow",
        severity: "alarm",
        source: "adc",
        mono: 3200,
        detail: { state: "under", previous: "normal", value: 140, limit: 150, lastedMs: 200 },
      },
      {
        name: "rotor_slow",
        severity: "info",
        mono: 5000,
        detail: { state: "normal", previous: "under", lastedMs: 2000 },
      },
    ]);
  });
});
