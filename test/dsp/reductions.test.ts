import { describe, expect, it } from "vitest";
import { type ChainSpec, createChain } from "../../src/dsp/chain.ts";
import type { Signal } from "../../src/dsp/signal.ts";
import { QUALITY, UNUSABLE } from "../../src/model/quality.ts";
import fc from "../properties.ts";
import { blockOf, runIn, type Sample } from "./samples.ts";

const signal: Signal = { unit: "m/s2", rateHz: 100, range: [-1000, 1000], capacity: 64, ringMs: 600_000 };

function run(spec: ChainSpec, xs: readonly number[], q: readonly number[] = [], input: Signal = signal): Sample[] {
  return runIn(createChain([spec], input), blockOf(xs, 0, 10, q), [64]);
}
const sine = (n: number, hz: number, amplitude = 1, rateHz = 100) =>
  Array.from({ length: n }, (_, i) => amplitude * Math.sin((2 * Math.PI * hz * i) / rateHz + 0.3));

describe("fewer samples", () => {
  it("decimate gives mean, extremes and mean square of each group, over its usable samples", () => {
    const sample = fc.record({
      x: fc.double({ min: -100, max: 100, noNaN: true }),
      q: fc.oneof(
        { weight: 4, arbitrary: fc.constant(0) },
        fc.constantFrom(QUALITY.suspect | QUALITY.rate, QUALITY.missing),
      ),
    });
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 100 }), fc.integer({ min: 2, max: 12 }), (all, factor) => {
        const out = run(
          { decimate: factor },
          all.map((s) => s.x),
          all.map((s) => s.q),
        );
        expect(out).toHaveLength(Math.floor(all.length / factor));
        out.forEach((s, k) => {
          const group = all.slice(k * factor, (k + 1) * factor);
          const good = group.filter((g) => (g.q & UNUSABLE) === 0).map((g) => g.x);
          expect(s.t).toBe(((k + 1) * factor - 1) * 10);
          expect(s.stats).toMatchObject({ used: good.length, of: factor });
          if (good.length === 0) {
            expect(s.q & UNUSABLE).not.toBe(0);
            return;
          }
          expect(s.x).toBeCloseTo(good.reduce((a, b) => a + b, 0) / good.length, 9);
          expect(s.stats!.ms).toBeCloseTo(good.reduce((a, b) => a + b * b, 0) / good.length, 7);
          // Adding 0 makes -0 a plain 0: a channel has no signed zero.
          expect([s.stats!.lo + 0, s.stats!.hi + 0]).toEqual([Math.min(...good) + 0, Math.max(...good) + 0]);
          expect(s.q).toBe(group.reduce((bits, g) => bits | g.q, 0) & ~UNUSABLE);
        });
      }),
    );
  });

  it("throttle_average gives one mean for each period in which samples came", () => {
    const out = run({ throttle_average: 30 }, [1, 2, 3, 10, 20, 30, 5]);
    expect(out.map((s) => [s.t, s.x])).toEqual([
      [20, 2],
      [50, 20],
    ]);
  });

  it("deadband reports what moved or has grown old, and the statistics of what it held back", () => {
    const out = run({ deadband: { band: 1, maxAgeMs: 50 } }, [0, 0.5, 1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 9]);
    expect(out.map((s) => s.x)).toEqual([0, 1.1, 1.6, 9]);
    expect(out[1]!.stats).toMatchObject({ lo: 0.5, hi: 1.1, used: 3 });
  });

  it("deadband after a decimation also reports when only an extreme moved", () => {
    const chain = createChain([{ decimate: 2 }, { deadband: { band: 1, maxAgeMs: 1e6 } }], signal);
    expect(runIn(chain, blockOf([0, 0, 0, 0, -5, 5, 0, 0]), [8]).map((s) => s.stats!.hi)).toEqual([0, 5, 0]);
  });

  it("swinging_door keeps every sample within its band of the line through what it reports", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 2, maxLength: 150 }), (walk) => {
        let at = 0;
        const xs = walk.map((d) => {
          at += d / 5;
          return at;
        });
        const band = 1.5;
        // A missing sample ends the line, so that its last corner is reported.
        const out = run({ swinging_door: { band } }, [...xs, 0], [...xs.map(() => 0), QUALITY.missing]);
        const corners = out.slice(0, -1);
        xs.forEach((v, i) => {
          const ms = i * 10;
          const right = corners.find((c) => c.t >= ms)!;
          const left = corners.findLast((c) => c.t <= ms)!;
          const share = right.t === left.t ? 0 : (ms - left.t) / (right.t - left.t);
          expect(Math.abs(left.x + (right.x - left.x) * share - v)).toBeLessThan(band + 1e-9);
        });
      }),
    );
    const ramp = Array.from({ length: 100 }, (_, i) => i * 0.3);
    expect(run({ swinging_door: { band: 0.1 } }, ramp)).toHaveLength(1);
  });

  it("delta passes what moved enough and not too far, by number or share", () => {
    expect(run({ delta: { min: 1 } }, [0, 0.5, 1, 1.5, 3]).map((s) => s.x)).toEqual([0, 1, 3]);
    expect(run({ delta: { min: 0 } }, [1, 1, 2, 2, 1]).map((s) => s.x)).toEqual([1, 2, 1]);
    expect(run({ delta: { min: "10%" } }, [100, 105, 110, 125]).map((s) => s.x)).toEqual([100, 110, 125]);
    expect(run({ delta: { min: 0, max: 5 } }, [1, 50, 2]).map((s) => s.x)).toEqual([1, 2]);
    const turns = run({ delta: { min: 9 } }, [1, 1, 1, 1], [0, QUALITY.missing, QUALITY.missing, 0]);
    expect(turns.map((s) => s.t)).toEqual([0, 10, 30]);
  });

  it("throttle, throttle_with_priority, skip_initial and debounce drop what they say", () => {
    const xs = [0, 1, 2, 3, 4, 5, 6];
    expect(run({ throttle: 30 }, xs).map((s) => s.x)).toEqual([0, 3, 6]);
    const priority = { throttle_with_priority: { periodMs: 40, values: [2] } };
    expect(run(priority, xs, [0, 0, 0, QUALITY.suspect, 0, 0, 0]).map((s) => s.x)).toEqual([0, 2, 3, 6]);
    expect(run({ skip_initial: 5 }, xs).map((s) => s.x)).toEqual([5, 6]);
    const { rateHz: _rate, ...irregular } = signal;
    const block = blockOf([1, 2, 3]);
    block.t.set([0, 5, 100]);
    expect(runIn(createChain([{ debounce: 50 }], irregular), block, [3]).map((s) => [s.t, s.x])).toEqual([[5, 2]]);
    expect(() => run({ debounce: 50 }, xs)).toThrow(/nothing would ever pass/);
  });
});

describe("samples in time", () => {
  it("resample draws a line between neighbours, and none across a gap or a mark", () => {
    const chain = (method: string) => createChain([{ resample: { rateHz: 100, method, maxGapMs: 50 } }], signal);
    const block = blockOf([0, 3, 6, 100, 104]);
    block.t.set([0, 15, 30, 1005, 1025]);
    expect(runIn(chain("linear"), block, [2]).map((s) => [s.t, s.x])).toEqual([
      [0, 0],
      [10, 2],
      [20, 4],
      [30, 6],
      [1010, 101],
      [1020, 103],
    ]);
    expect(runIn(chain("hold"), block, [9]).map((s) => s.x)).toEqual([0, 0, 3, 6, 100, 100]);
    block.q[1] = QUALITY.missing;
    expect(runIn(chain("linear"), block, [9]).map((s) => s.t)).toEqual([0, 15, 30, 1010, 1020]);
  });

  it("heartbeat repeats the last value, and lets new ones pass when it is optimistic", () => {
    const block = blockOf([1, 2]);
    block.t.set([5, 65]);
    const beats = (optimistic: boolean) =>
      runIn(createChain([{ heartbeat: { periodMs: 20, optimistic } }], signal), block, [2]).map((s) => [s.t, s.x]);
    expect(beats(false)).toEqual([
      [20, 1],
      [40, 1],
      [60, 1],
    ]);
    expect(beats(true)).toEqual([[5, 1], ...beats(false), [65, 2]]);
  });

  it("timeout puts a stale value into a silence", () => {
    const block = blockOf([7, 8]);
    block.t.set([0, 500]);
    const put = (value: unknown) =>
      runIn(createChain([{ timeout: { timeoutMs: 100, value } }], signal), block, [2])[1]!;
    expect(put("none")).toMatchObject({ t: 100, x: Number.NaN, q: QUALITY.stale | QUALITY.missing });
    expect(put("last")).toMatchObject({ t: 100, x: 7, q: QUALITY.stale });
    expect(put(0)).toMatchObject({ x: 0, q: QUALITY.stale });
  });
});

describe("totals", () => {
  it("counter goes on past its end and past a reset", () => {
    const out = run({ counter: 100 }, [90, 95, 5, 20, 3, 4]);
    expect(out.map((s) => s.x)).toEqual([0, 5, 15, 30, 33, 34]);
  });

  it("integrator sums trapezoids in the right unit, and nothing over a gap", () => {
    const flow: Signal = { ...signal, unit: "L/h" };
    const block = blockOf([36, 36, 36, 36]);
    block.t.set([0, 1000, 2000, 60_000]);
    const chain = createChain([{ integrator: 5000 }], flow);
    expect(chain.output.unit).toBe("L");
    const out = runIn(chain, block, [4]).map((s) => s.x);
    [0, 0.01, 0.02, 0.02].forEach((want, i) => {
      expect(out[i]).toBeCloseTo(want, 12);
    });
    expect(() => run({ integrator: {} }, [1], [], { ...signal, unit: "kPa" })).toThrow(/kPa/);
  });
});

describe("vibration", () => {
  const one = (spec: ChainSpec, xs: readonly number[]) => run(spec, xs)[0]!.x;

  it("knows a sine by its peak, crest factor, kurtosis, zero crossings and frequency", () => {
    const xs = sine(400, 7, 3);
    const windowMs = 4000;
    expect(one({ peak: { windowMs } }, xs)).toBeCloseTo(3, 1);
    expect(one({ crest_factor: { windowMs } }, xs)).toBeCloseTo(Math.SQRT2, 1);
    expect(one({ kurtosis: { windowMs } }, xs)).toBeCloseTo(1.5, 6);
    expect(one({ zero_crossing_rate: { windowMs } }, xs)).toBeCloseTo(7, 0);
    expect(createChain([{ kurtosis: { windowMs } }], signal).output).toMatchObject({ unit: "1", rateHz: 0.25 });
  });

  it("dominant_frequency is within a hundredth of a hertz of a sine between bins, in noise", () => {
    for (const hz of [3.13, 11.117, 31.9]) {
      const xs = sine(400, hz).map((v, i) => 5 + v + 0.05 * Math.sin(i * i));
      expect(Math.abs(one({ dominant_frequency: { windowMs: 4000 } }, xs) - hz)).toBeLessThan(0.02);
    }
    const two = sine(400, 5, 10).map((v, i) => v + sine(400, 30)[i]!);
    expect(one({ dominant_frequency: { windowMs: 4000, lowHz: 20 } }, two)).toBeCloseTo(30, 1);
  });

  it("band_rms hears what lies in its band and nothing else", () => {
    const band_rms = { lowHz: 15, highHz: 25, windowMs: 4000, order: 8 };
    const inside = run({ band_rms }, sine(800, 20, 2)).at(-1)!.x;
    const outside = run({ band_rms }, sine(800, 3, 2)).at(-1)!.x;
    expect(inside).toBeCloseTo(Math.SQRT2, 1);
    expect(outside).toBeLessThan(0.001);
  });

  it("leaves marked samples out and says when nothing was left", () => {
    const marks = (bits: number) => new Array(100).fill(0).map((_, i) => (i === 50 ? bits : 0));
    const spiked = sine(100, 7).map((v, i) => (i === 50 ? 900 : v));
    expect(run({ peak: 1000 }, spiked, marks(QUALITY.suspect))[0]!.x).toBeLessThanOrEqual(1);
    expect(run({ peak: 1000 }, spiked, new Array(100).fill(QUALITY.suspect))[0]).toMatchObject({
      x: Number.NaN,
      q: QUALITY.suspect | QUALITY.missing,
    });
  });
});
