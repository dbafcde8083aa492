import { describe, expect, it } from "vitest";
import { createJamDetector, type JamChange } from "../../../src/dsp/detect/jam.ts";
import { QUALITY } from "../../../src/model/quality.ts";

const spec = {
  rotorBelowRpm: 100,
  stoppedRpm: 20,
  loadAbove: 22_000,
  releaseRpm: 150,
  afterMs: 500,
  releaseAfterMs: 1000,
};

/** Rotor, load and marks by time in ms, at 5 samples/s. */
function run(
  seconds: number,
  rotor: (t: number) => number,
  load: (t: number) => number,
  q: (t: number) => number = () => 0,
) {
  const told: JamChange[] = [];
  const detect = createJamDetector(spec, (c) => told.push({ ...c }));
  const n = seconds * 5;
  const times = Array.from({ length: n }, (_, i) => i * 200);
  const column = (f: (t: number) => number) => Float64Array.from(times, f);
  detect({
    n,
    t: Float64Array.from(times),
    x: [column(rotor), column(load)],
    q: [Uint16Array.from(times, q), new Uint16Array(n)],
  });
  return told;
}
const during = (t: number, from: number, to: number) => t >= from && t < to;

describe("a rotor held back under load", () => {
  it("is jammed, then stalled, then free again, each once it has lasted", () => {
    const told = run(
      20,
      (t) => (during(t, 5000, 7000) ? 70 : during(t, 7000, 10_000) ? 3 : 200),
      (t) => (during(t, 5000, 10_000) ? 30_000 : 18_000),
    );
    expect(told.map((c) => [c.state, c.tMs])).toEqual([
      ["jammed", 5600],
      ["stalled", 7600],
      ["normal", 11_000],
    ]);
    expect(told[2]).toMatchObject({ released: "load", rotorLeast: 3, loadGreatest: 30_000, sinceMs: 5000 });
  });

  it("is none without load, nor a load without a slow rotor, nor one that passes", () => {
    expect(
      run(
        10,
        () => 0,
        () => 6000,
      ),
    ).toEqual([]);
    expect(
      run(
        10,
        () => 200,
        () => 30_000,
      ),
    ).toEqual([]);
    expect(
      run(
        10,
        (t) => (during(t, 5000, 5400) ? 50 : 200),
        () => 30_000,
      ),
    ).toEqual([]);
  });

  it("is not decided by samples that are marked", () => {
    const slow = (t: number) => (during(t, 5000, 9000) ? 50 : 200);
    for (const bits of [QUALITY.suspect, QUALITY.missing, QUALITY.stale])
      expect(
        run(
          10,
          slow,
          () => 30_000,
          (t) => (during(t, 5000, 9000) ? bits : 0),
        ),
      ).toEqual([]);
  });

  it("that turns again under load is free by its speed", () => {
    const told = run(
      20,
      (t) => (during(t, 5000, 8000) ? 60 : 190),
      () => 30_000,
    );
    expect(told.at(-1)).toMatchObject({ state: "normal", previous: "jammed", released: "rotor", tMs: 9000 });
  });
});
