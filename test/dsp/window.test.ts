import { describe, expect, it } from "vitest";
import { createChain } from "../../src/dsp/chain.ts";
import type { Signal } from "../../src/dsp/signal.ts";
import { createWindow, WINDOW_STATS, type Window } from "../../src/dsp/window.ts";
import { QUALITY, UNUSABLE } from "../../src/model/quality.ts";
import fc from "../properties.ts";
import { blockOf, part } from "./samples.ts";

const signal: Signal = { unit: "kPa", rateHz: 100, range: [-1e9, 1e9], capacity: 1000 };
const plain = createChain([], signal);

function take(window: Window, rowStartMs: number) {
  const n = window.stats.length;
  const values = new Float64Array(n + 1);
  const bits = new Uint16Array(n + 1);
  const came = window.take(rowStartMs, values, 1, bits, 1);
  const stats = Object.fromEntries(window.stats.map((s, i) => [s, values[i + 1]!]));
  return { came, stats, q: bits[1]!, bits: [...bits.subarray(1)] };
}

function quantile(xs: readonly number[], share: number): number {
  const sorted = xs.toSorted((a, b) => a - b);
  const rank = share * (xs.length - 1);
  const below = sorted[Math.floor(rank)]!;
  return below + (rank % 1) * (sorted[Math.ceil(rank)]! - below);
}

/** The same statistics written plainly, over all samples at once. */
function reference(xs: readonly number[]): Record<string, number> {
  const mean = xs.reduce((a, b) => a + b, 0) / xs.length;
  return {
    mean,
    min: Math.min(...xs),
    max: Math.max(...xs),
    rms: Math.sqrt(xs.reduce((a, b) => a + b * b, 0) / xs.length),
    stdev: Math.sqrt(xs.reduce((a, b) => a + (b - mean) ** 2, 0) / xs.length),
    last: xs.at(-1)!,
    p05: quantile(xs, 0.05),
    p50: quantile(xs, 0.5),
    p95: quantile(xs, 0.95),
    count: xs.length,
  };
}

describe("a window on the row grid", () => {
  it("gives for each row what a plain calculation over its usable samples gives", () => {
    const sample = fc.record({
      x: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      bad: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.constantFrom(QUALITY.suspect, QUALITY.missing)),
    });
    fc.assert(
      fc.property(
        fc.array(sample, { minLength: 1, maxLength: 120 }),
        fc.integer({ min: 1, max: 50 }),
        (samples, cut) => {
          const window = createWindow({ stats: WINDOW_STATS, periodMs: 1000 });
          const block = blockOf(
            samples.map((s) => s.x),
            5000,
            25,
            samples.map((s) => s.bad),
          );
          for (let at = 0; at < block.n; at += cut) {
            window.add(plain.process(part(block, at, Math.min(block.n, at + cut))));
          }
          for (let row = 0; row < Math.ceil(samples.length / 40); row++) {
            const inRow = samples.slice(row * 40, row * 40 + 40);
            const usable = inRow.filter((s) => (s.bad & UNUSABLE) === 0).map((s) => s.x);
            const { came, stats, q } = take(window, 5000 + row * 1000);
            expect(came).toBe(inRow.length);
            expect(stats["good"]).toBeCloseTo(usable.length / inRow.length, 12);
            if (usable.length === 0) {
              expect(q & UNUSABLE).not.toBe(0);
              continue;
            }
            expect(q).toBe(0);
            for (const [name, want] of Object.entries(reference(usable))) {
              const scale = Math.max(1, ...usable.map(Math.abs));
              expect(Math.abs(stats[name]! - want) / scale, name).toBeLessThan(1e-9);
            }
          }
          expect(window.late).toBe(0);
        },
      ),
    );
  });

  it("gives for decimated samples the statistics of all samples they stand for", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -500, max: 500, noNaN: true }), { minLength: 40, maxLength: 40 }), (xs) => {
        const chain = createChain([{ decimate: 8 }, { deadband: { band: 100, maxAgeMs: 1e9 } }], signal);
        const window = createWindow({ stats: WINDOW_STATS, periodMs: 1000 });
        // The deadband holds samples back, so close with one that surely moved.
        window.add(chain.process(blockOf([...xs, ...new Array(8).fill(5000)], 0, 10)));
        const all = [...xs, ...new Array(8).fill(5000)];
        const { stats } = take(window, 0);
        for (const [name, want] of Object.entries(reference(all))) {
          // Quantiles are those of the samples as they come: here, of means.
          if (!name.startsWith("p")) expect(stats[name], name).toBeCloseTo(want, 6);
        }
      }),
    );
  });

  it("keeps the deviation of a small ripple on a large mean", () => {
    const window = createWindow({ stats: ["stdev"], periodMs: 1000 });
    window.add(plain.process(blockOf(Array.from({ length: 1000 }, (_, i) => 1e9 + (i % 2)))));
    expect(take(window, 0).stats["stdev"]).toBeCloseTo(0.5, 9);
  });

  it("says missing, not zero, for a row without samples", () => {
    const window = createWindow({ stats: ["mean", "count", "good"], periodMs: 1000 });
    const { came, stats, bits } = take(window, 3000);
    expect(came).toBe(0);
    expect(stats).toEqual({ mean: Number.NaN, count: 0, good: 0 });
    expect(bits).toEqual([QUALITY.missing, 0, 0]);
  });

  it("joins the reasons of marked samples, and says suspect only when nothing better came", () => {
    const window = createWindow({ stats: ["mean", "good"], periodMs: 1000 });
    const stuck = QUALITY.suspect | QUALITY.stuck;
    window.add(plain.process(blockOf([1, 100, 3, 5], 0, 10, [0, stuck, QUALITY.clipped, QUALITY.missing])));
    window.add(plain.process(blockOf([7, 9], 1000, 10, [stuck, stuck | QUALITY.missing])));
    expect(take(window, 0)).toMatchObject({ stats: { mean: 2, good: 0.5 }, q: QUALITY.stuck | QUALITY.clipped });
    expect(take(window, 1000)).toMatchObject({ stats: { mean: 7, good: 0 }, q: stuck });
  });

  it("counts samples that come after their row was taken, and leaves them out", () => {
    const window = createWindow({ stats: ["mean"], periodMs: 1000 });
    window.add(plain.process(blockOf([1], 500)));
    take(window, 0);
    window.add(plain.process(blockOf([9, 2], 900, 200)));
    expect(window.late).toBe(1);
    expect(take(window, 1000).stats["mean"]).toBe(2);
    expect(take(window, 0).q).toBe(QUALITY.missing);
  });

  it("keeps rows apart when samples of the next ones come before a row is taken", () => {
    const window = createWindow({ stats: ["last"], periodMs: 1000 });
    window.add(plain.process(blockOf([0, 1, 2, 3, 4, 5, 6, 7], 0, 1000)));
    for (let row = 0; row < 8; row++) expect(take(window, row * 1000).stats["last"]).toBe(row);
  });

  it("gives up the oldest rows, and counts them, when nobody takes any", () => {
    const window = createWindow({ stats: ["last"], periodMs: 1000 });
    window.add(plain.process(blockOf([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 0, 1000)));
    expect(window.late).toBe(2);
    expect(take(window, 1000).q).toBe(QUALITY.missing);
    expect(take(window, 2000).stats["last"]).toBe(2);
  });

  it("skips rows nobody took without mixing their samples into others", () => {
    const window = createWindow({ stats: ["count"], periodMs: 1000 });
    window.add(plain.process(blockOf([0, 1, 2], 0, 1000)));
    expect(take(window, 40_000)).toMatchObject({ came: 0 });
    window.add(plain.process(blockOf([3], 41_000)));
    expect(take(window, 41_000)).toMatchObject({ came: 1, stats: { count: 1 } });
    expect(window.late).toBe(3);
  });

  it("anchors the grid anew when instants jump either way by more than a minute", () => {
    const window = createWindow({ stats: ["last"], periodMs: 1000 });
    window.add(plain.process(blockOf([1], 1_000_000)));
    window.add(plain.process(blockOf([2], 5_000)));
    expect(window.jumps).toBe(1);
    expect(take(window, 5_000).stats["last"]).toBe(2);
    window.add(plain.process(blockOf([3], 900_000)));
    expect(window.jumps).toBe(2);
    expect(take(window, 900_000).stats["last"]).toBe(3);
  });

  it("repeats a value that comes only on change for as long as its chain promises, and no longer", () => {
    const window = createWindow({ stats: ["mean", "last", "stdev", "count"], periodMs: 1000, holdMs: 2500 });
    window.add(plain.process(blockOf([4, 6], 100, 10, [0, QUALITY.simulated])));
    take(window, 0);
    const held = { mean: 6, last: 6, stdev: 0, count: 0 };
    expect(take(window, 1000)).toMatchObject({ stats: held, q: QUALITY.simulated });
    expect(take(window, 2000)).toMatchObject({ stats: held });
    expect(take(window, 3000).q).toBe(QUALITY.missing);
  });

  it("does not repeat a value after its source said there is none", () => {
    const window = createWindow({ stats: ["last"], periodMs: 1000, holdMs: 9000 });
    window.add(plain.process(blockOf([4], 0)));
    window.add(plain.process(blockOf([4], 1000, 1, [QUALITY.missing])));
    take(window, 0);
    take(window, 1000);
    expect(take(window, 2000).q).toBe(QUALITY.missing);
  });

  it("keeps quantiles close for rows of many more samples than it keeps", () => {
    const window = createWindow({ stats: ["p05", "p50", "p95"], periodMs: 1000 });
    for (let k = 0; k < 50; k++) {
      const xs = Array.from({ length: 200 }, (_, i) => ((k * 200 + i) * 7919) % 10_007);
      window.add(plain.process(blockOf(xs, k * 20, 0.1)));
    }
    const { stats } = take(window, 0);
    expect(stats["p05"]! / 10_007).toBeCloseTo(0.05, 1);
    expect(stats["p50"]! / 10_007).toBeCloseTo(0.5, 1);
    expect(stats["p95"]! / 10_007).toBeCloseTo(0.95, 1);
  });

  it("measures for how long a value lay above a threshold, row by row, and not over a gap", () => {
    const window = createWindow({ stats: ["above"], periodMs: 1000, above: 5 });
    const block = blockOf([9, 1, 9, 1, 9, 1]);
    block.t.set([100, 350, 900, 1200, 2000, 5000]);
    window.add(plain.process(block));
    expect(take(window, 0).stats["above"]).toBeCloseTo(0.35, 9);
    expect(take(window, 1000).stats["above"]).toBeCloseTo(0.2, 9);
    expect(take(window, 2000).stats["above"]).toBe(0);
    expect(take(window, 3000).q).toBe(QUALITY.missing);
  });
});
