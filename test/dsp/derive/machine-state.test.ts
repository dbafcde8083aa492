import { describe, expect, it } from "vitest";
import { MACHINE_STATES } from "../../../src/dsp/derive/machine-state.ts";
import { QUALITY } from "../../../src/model/quality.ts";
import { blockOf } from "../samples.ts";
import { derivedRig, input } from "./rig.ts";

const params = {
  rotor: "rotor",
  engine: "engine",
  load: "load",
  depth: "depth",
  speed: "speed",
  rotorWorksRpm: 150,
  rotorStandsRpm: 30,
  loadDrives: 15_000,
};
const inputs = [
  input("rotor", "rpm", [0, 400], 5),
  input("engine", "rpm", [0, 3000], 5),
  input("load", "kPa", [0, 40_000], 5),
  input("depth", "m", [-0.5, 0.6], 5),
  input("speed", "m/s", [0, 5], 5),
];
/** Rotor, engine, load, depth, speed. */
const DOING: Record<string, readonly number[]> = {
  off: [0, 0, 0, -0.3, 0],
  idle: [0, 900, 3000, -0.3, 0],
  transit: [0, 1500, 6000, -0.3, 0.8],
  working: [200, 1900, 18_000, 0.2, 0.14],
  stalled: [5, 1400, 30_000, 0.2, 0],
};

/** Seconds of each, at 5 samples/s; `marks` by second and input. */
function run(scene: readonly (readonly [string, number])[], marks: (s: number, k: number) => number = () => 0) {
  const r = derivedRig("machine_state", params, inputs);
  const rows = scene.flatMap(([what, s]) => Array.from({ length: 5 * s }, () => DOING[what]!));
  const q = (k: number) => rows.map((_, i) => marks(i / 5, k));
  for (let k = 4; k >= 0; k--)
    r.feed(
      k,
      blockOf(
        rows.map((row) => row[k]!),
        0,
        200,
        q(k),
      ),
    );
  r.settle(1e9);
  return (s: number) => {
    const { x, q } = r.out.find((o) => o.t === s * 1000)!;
    return (q & QUALITY.missing) === 0 ? MACHINE_STATES[x] : "nobody knows";
  };
}

describe("the state of the machine", () => {
  it("is told once it has lasted, a stall sooner than the others", () => {
    const at = run(Object.keys(DOING).map((what) => [what, 10] as const));
    expect(at(1)).toBe("nobody knows");
    expect([2, 12, 22, 32].map(at)).toEqual(["off", "idle", "transit", "working"]);
    expect([11, 21, 31].map(at)).toEqual(["off", "idle", "transit"]);
    expect(at(40)).toBe("working");
    expect(at(41)).toBe("stalled");
  });

  it("does not change for what is shorter than its hold", () => {
    const at = run([
      ["working", 10],
      ["transit", 1],
      ["working", 10],
    ]);
    for (let s = 3; s < 20; s++) expect(at(s)).toBe("working");
  });

  it("is not known where a channel it hangs on has no value, and known where it does not hang on it", () => {
    const noDepth = run([["working", 20]], (s, k) => (k === 3 && s > 10 ? QUALITY.missing : 0));
    expect([9, 14].map(noDepth)).toEqual(["working", "nobody knows"]);
    const noSpeed = run([["working", 20]], (_, k) => (k === 4 ? QUALITY.missing : 0));
    expect(noSpeed(10)).toBe("working");
    const stale = run([["transit", 20]], (_, k) => (k === 4 ? QUALITY.stale : 0));
    expect(stale(10)).toBe("nobody knows");
  });
});
