import { describe, expect, it } from "vitest";
import { derivationList, derivations } from "../../../src/dsp/derive/catalogue.ts";
import { QUALITY } from "../../../src/model/quality.ts";
import fc from "../../properties.ts";
import { blockOf } from "../samples.ts";
import { derivedRig, input } from "./rig.ts";

const accel = ["x", "y", "z"].map((n) => input(n, "m/s2", [-40, 40], 100));
const G = 9.80665;

/** Values of a derivation for inputs sampled at the same instants. */
function values(name: string, params: object, inputs: ReturnType<typeof input>[], columns: readonly number[][]) {
  const r = derivedRig(name, params, inputs);
  for (let at = 0; at < columns[0]!.length; at += 100)
    for (const [k, column] of columns.entries()) r.feed(k, blockOf(column.slice(at, at + 100), at * 10, 10));
  return r.out;
}

describe("every derivation", () => {
  it.each(derivationList)("$name says what it does, as an equation and with marks", (def) => {
    expect(def.summary.length).toBeGreaterThan(10);
    expect(def.equation).toMatch(/[=:]/);
    expect(def.marked.length).toBeGreaterThan(10);
    expect(derivations[def.name]).toBe(def);
  });
});

describe("channels combined", () => {
  const list = (n: number) => Array.from({ length: n }, (_, k) => input(`c${k}`, "kPa", [0, 1000], 100));

  it("as ESPHome's combination equal a plain reference over random values", () => {
    const reference: Record<string, (v: number[]) => number> = {
      mean: (v) => v.reduce((a, b) => a + b, 0) / v.length,
      min: (v) => Math.min(...v),
      max: (v) => Math.max(...v),
      range: (v) => Math.max(...v) - Math.min(...v),
      sum: (v) => v.reduce((a, b) => a + b, 0),
      median: (v) => {
        const s = [...v].sort((a, b) => a - b);
        return (s[(s.length - 1) >> 1]! + s[s.length >> 1]!) / 2;
      },
    };
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 8 }),
        fc.constantFrom(...Object.keys(reference)),
        fc.array(fc.double({ min: 0, max: 1000, noNaN: true }), { minLength: 8, maxLength: 8 }),
        (n, type, v) => {
          const of = list(n).map((i) => i.name);
          const [out] = values(
            "combination",
            { type, of },
            list(n),
            v.slice(0, n).map((x) => [x]),
          );
          expect(out!.x).toBeCloseTo(reference[type]!(v.slice(0, n)), 9);
        },
      ),
    );
    const [out] = values("combination", { type: "linear", of: ["c0", "c1"], factors: [2, -1] }, list(2), [[3], [4]]);
    expect(out!.x).toBe(2);
  });

  it("give a quotient only where the divisor says something", () => {
    const two = list(2);
    const out = values("ratio", { a: "c0", b: "c1", leastB: 10 }, two, [
      [50, 50],
      [100, 5],
    ]);
    expect(out[0]).toMatchObject({ x: 0.5, q: 0 });
    expect(out[1]).toMatchObject({ x: Number.NaN, q: QUALITY.missing });
  });

  it("give the length of a vector", () => {
    expect(values("magnitude", { of: ["x", "y", "z"] }, accel, [[2], [3], [6]])[0]!.x).toBe(7);
  });

  it("must be in one unit", () => {
    const plan = derivations["difference"]!.plan({ a: "a", b: "b" }, [
      input("a", "kPa", [0, 1]),
      input("b", "rpm", [0, 1]),
    ]);
    expect(plan).toMatchObject({ ok: false, key: "b", message: "b is in rpm, but a in kPa" });
  });
});

describe("agreement between sensors", () => {
  const rotor = ["pickup", "can", "belt"].map((n) => input(n, "rpm", [0, 400], 100));

  it("marks the first where the median of all speaks against it, and takes nothing away", () => {
    const out = values("agreement", { of: ["pickup", "can", "belt"], within: 20 }, rotor, [
      [200, 300, 200, 210],
      [201, 201, 320, 195],
      [199, 199, 199, 205],
    ]);
    expect(out.map((o) => o.x)).toEqual([200, 300, 200, 210]);
    expect(out.map((o) => o.q)).toEqual([0, QUALITY.suspect | QUALITY.disagrees, 0, 0]);
  });

  it("marks two that differ, since nobody knows which is wrong", () => {
    const out = values("agreement", { of: ["pickup", "can"], within: 20 }, rotor.slice(0, 2), [
      [200, 200],
      [219, 221],
    ]);
    expect(out.map((o) => o.q)).toEqual([0, QUALITY.suspect | QUALITY.disagrees]);
  });

  it("asks no witness that is marked itself", () => {
    const r = derivedRig("agreement", { of: ["pickup", "can"], within: 20 }, rotor.slice(0, 2));
    r.feed(0, blockOf([200, 200], 0, 10));
    r.feed(1, blockOf([0, 0], 0, 10, [QUALITY.suspect, QUALITY.missing]));
    expect(r.out.map((o) => o.q)).toEqual([0, 0]);
  });
});

describe("tilt from an accelerometer", () => {
  it.each([
    [0, 0],
    [20, 0],
    [0, -35],
    [-12, 25],
    [60, 170],
  ])("gives back pitch %d and roll %d", (p, r) => {
    const [pr, rr] = [(p * Math.PI) / 180, (r * Math.PI) / 180];
    const axes = [[G * Math.sin(pr)], [G * Math.cos(pr) * Math.sin(rr)], [G * Math.cos(pr) * Math.cos(rr)]];
    const of = { x: "x", y: "y", z: "z" };
    expect(values("pitch", of, accel, axes)[0]!.x).toBeCloseTo(p, 9);
    expect(values("roll", of, accel, axes)[0]!.x).toBeCloseTo(r, 9);
    const lean = (Math.acos(Math.cos(pr) * Math.cos(rr)) * 180) / Math.PI;
    expect(values("tilt", of, accel, axes)[0]!.x).toBeCloseTo(lean, 6);
  });
});

describe("the complementary filter", () => {
  const RATE = 100;
  const inputs = [input("gyro", "deg/s", [-250, 250], RATE), input("angle", "deg", [-90, 90], RATE)];
  const run = (rate: (t: number) => number, angle: (t: number) => number, n: number, tauS = 0.5) => {
    const t = Array.from({ length: n }, (_, i) => i / RATE);
    return values("complementary", { rate: "gyro", angle: "angle", tauS }, inputs, [t.map(rate), t.map(angle)]);
  };
  /** Amplitude and phase of the settled output at `hz`. */
  function response(out: readonly { x: number }[], hz: number) {
    const w = (2 * Math.PI * hz) / RATE;
    const period = RATE / hz;
    const n = Math.floor(6000 / period) * period;
    const from = out.length - Math.round(n);
    let [re, im] = [0, 0];
    for (let i = from; i < out.length; i++) {
      re += out[i]!.x * Math.cos(w * i);
      im -= out[i]!.x * Math.sin(w * i);
    }
    return { gain: (2 * Math.hypot(re, im)) / (out.length - from), deg: (Math.atan2(im, re) * 180) / Math.PI };
  }

  it.each([0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20])(
    "matches its analytic response at %f Hz, to the angle and to the rate",
    (hz) => {
      const a = Math.exp(-1 / (RATE * 0.5));
      const w = (2 * Math.PI * hz) / RATE;
      const [den, arg] = [
        Math.hypot(1 - a * Math.cos(w), a * Math.sin(w)),
        Math.atan2(a * Math.sin(w), 1 - a * Math.cos(w)),
      ];
      const tone = (t: number) => 10 * Math.cos(2 * Math.PI * hz * t);
      const onAngle = response(
        run(() => 0, tone, 8000),
        hz,
      );
      const onRate = response(
        run(tone, () => 0, 8000),
        hz,
      );
      const db = (gain: number) => 20 * Math.log10(gain / 10);
      expect(db(onAngle.gain)).toBeCloseTo(20 * Math.log10((1 - a) / den), 1);
      expect(db(onRate.gain)).toBeCloseTo(20 * Math.log10(a / RATE / den), 1);
      for (const { deg } of [onAngle, onRate])
        expect(Math.abs(((deg + (arg * 180) / Math.PI + 540) % 360) - 180)).toBeLessThan(1);
    },
  );

  it("follows a turn at once, ignores shaking, and keeps a bias of the gyroscope within bias · τ", () => {
    const turn = run(
      (t) => (t > 5 && t < 6 ? 20 : 0),
      (t) => (t > 5 ? Math.min(20, 20 * (t - 5)) : 0),
      1000,
    );
    expect(turn.at(-1)!.x).toBeCloseTo(20, 1);
    const shaken = run(
      () => 0,
      (t) => 5 * Math.sin(2 * Math.PI * 20 * t),
      1000,
    );
    expect(Math.max(...shaken.slice(300).map((o) => Math.abs(o.x)))).toBeLessThan(0.12);
    expect(
      run(
        () => 2,
        () => 0,
        1000,
      ).at(-1)!.x,
    ).toBeCloseTo(2 * 0.5, 1);
  });

  it("carries on by the rate alone for ten τ, says so, and then has no value", () => {
    const r = derivedRig("complementary", { rate: "gyro", angle: "angle", tauS: 0.5 }, inputs);
    r.feed(
      1,
      blockOf(
        Array.from({ length: 900 }, () => 10),
        0,
        10,
        Array.from({ length: 900 }, (_, i) => (i < 100 ? 0 : QUALITY.missing)),
      ),
    );
    r.feed(
      0,
      blockOf(
        Array.from({ length: 900 }, () => 0),
        0,
        10,
      ),
    );
    expect(r.out[60]).toMatchObject({ x: 10, q: 0 });
    expect(r.out[0]!.q & QUALITY.warmup).toBe(QUALITY.warmup);
    expect(r.out[300]).toMatchObject({ x: 10, q: QUALITY.stale });
    expect(r.out[700]!.q & QUALITY.missing).toBe(QUALITY.missing);
  });
});

describe("speed for the depth", () => {
  const inputs = [input("speed", "m/s", [0, 5], 5), input("depth", "m", [-0.5, 0.6], 5)];
  const allowed = [
    { depthM: 0, mps: 0.5 },
    { depthM: 0.2, mps: 0.14 },
  ];

  it("is above 0 where the machine is faster than a line between the points allows", () => {
    const out = values("speed_excess", { speed: "speed", depth: "depth", allowed }, inputs, [
      [0.5, 0.32, 0.2, 0.2],
      [-0.3, 0.1, 0.2, 0.4],
    ]);
    const want = [0, 0, 0.06, 0.06];
    for (const [i, { x }] of out.entries()) expect(x).toBeCloseTo(want[i]!, 9);
  });
});
