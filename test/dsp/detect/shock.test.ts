import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { createShockDetector, type Shock, type ShockSpec } from "../../../src/dsp/detect/shock.ts";
import { QUALITY } from "../../../src/model/quality.ts";
import { blast, block, blowAt, fill, normalFrom, randomFrom, stone, type TestBlow } from "./blows.ts";

const PERIOD_MS = 1.25;
const spec: ShockSpec = { floor: 600, strikeFloor: 150, k: 12, riseMs: 5, ringSamples: 4, refractoryMs: 250 };

interface Run {
  readonly blows: readonly TestBlow[];
  readonly seconds: number;
  readonly rms?: number;
  readonly shares?: readonly number[];
  readonly perBlock?: number;
  readonly spoil?: (tMs: number, value: number) => number;
  readonly spec?: Partial<ShockSpec>;
  readonly learning?: boolean;
}

function run({ blows, seconds, rms = 6, shares = [0.6, 0.25, 1], perBlock = 16, spoil, spec: own, learning }: Run) {
  const found: (Shock & { toldMs: number })[] = [];
  let now = 0;
  const detector = createShockDetector({ ...spec, ...own }, shares.length, (s) => found.push({ ...s, toldMs: now }));
  if (learning !== undefined) detector.learning = learning;
  const normal = normalFrom(randomFrom(5));
  const scratch = block(perBlock);
  for (let n = 0; n * perBlock * PERIOD_MS < seconds * 1000; n++) {
    const from = n * perBlock * PERIOD_MS;
    now = from + perBlock * PERIOD_MS;
    shares.forEach((share, axis) => {
      fill(scratch, from, PERIOD_MS, (t) => {
        const v = blows.reduce((sum, b) => sum + share * blowAt(b, t), axis === 2 ? 9.81 : 0) + share * rms * normal();
        return spoil?.(t, v) ?? v;
      });
      detector.process(axis, scratch);
    });
  }
  return { found, counts: detector.counts };
}

describe("the shock detector", () => {
  it("tells a detonation candidate once, at its own instant, from the axis that felt it most", () => {
    const { found, counts } = run({ blows: [blast(5003.3)], seconds: 8 });
    expect(found).toHaveLength(1);
    const [shock] = found;
    expect(shock).toMatchObject({ kind: "detonation_candidate", axis: 2, clipped: false });
    expect(Math.abs(shock!.tMs - 5003.3)).toBeLessThan(2);
    expect(shock!.peak).toBeGreaterThan(1200);
    expect(shock!.peak).toBeLessThan(1560);
    expect(shock!.riseMs).toBeLessThan(3);
    expect(shock!.endMs - shock!.tMs).toBeGreaterThan(20);
    expect(counts).toEqual({ candidates: 1, strikes: 0, spikes: 0, muted: 0 });
  });

  it("tells within 60 ms of sample time after its last sample", () => {
    const { found } = run({ blows: [blast(5003.3)], seconds: 8 });
    console.log(`told ${(found[0]!.toldMs - found[0]!.endMs).toFixed(1)} ms of sample time after the last sample`);
    expect(found[0]!.toldMs - found[0]!.endMs).toBeLessThan(60);
  });

  it("counts what is below the floor as a rock strike, and what is within the noise not at all", () => {
    const { counts } = run({ blows: [stone(4000), stone(6000, 80)], seconds: 8 });
    expect(counts).toEqual({ candidates: 0, strikes: 1, spikes: 0, muted: 0 });
  });

  it("finds its own noise: what is a candidate in quiet is none in noise of that height", () => {
    const blows = [blast(20_000, 700)];
    expect(run({ blows, seconds: 22, rms: 6 }).counts.candidates).toBe(1);
    const loud = run({ blows, seconds: 22, rms: 200 });
    expect(loud.counts.candidates).toBe(0);
    // Negative control: unlearnt, noise is taken for detonations.
    expect(run({ blows, seconds: 22, rms: 300 }).counts.candidates).toBe(0);
    expect(run({ blows, seconds: 22, rms: 300, learning: false }).counts.candidates).toBeGreaterThan(3);
  });

  it("takes neither an outlier of one sample nor a slow push for a detonation", () => {
    const outlier = run({ blows: [], seconds: 6, spoil: (t, v) => (t === 4000 ? 1800 : v) });
    expect(outlier.counts).toEqual({ candidates: 0, strikes: 0, spikes: 1, muted: 0 });
    const push = run({ blows: [{ atMs: 4000, peak: 900, pulseMs: 40, ringHz: 20, decayMs: 20 }], seconds: 6 });
    expect(push.counts).toMatchObject({ candidates: 0, strikes: 1 });
  });

  it("tells no second shock within 250 ms, but a stone never hides a detonation after it", () => {
    expect(run({ blows: [blast(4000), blast(4200)], seconds: 6 }).counts).toMatchObject({ candidates: 1, muted: 1 });
    expect(run({ blows: [blast(4000), blast(4300)], seconds: 6 }).counts).toMatchObject({ candidates: 2, muted: 0 });
    expect(run({ blows: [stone(4000), blast(4150)], seconds: 6 }).counts).toMatchObject({ candidates: 1, strikes: 1 });
  });

  it("says that a peak was clipped", () => {
    const { found } = run({ blows: [blast(4000, 2600)], seconds: 6 });
    expect(found).toMatchObject([{ clipped: true, axis: 2 }]);
    expect(found[0]!.peak).toBeLessThan(1975);
  });

  it("looks past samples that are suspect, and tells a shock although an axis is silent", () => {
    const detector = createShockDetector(spec, 2, () => undefined);
    const scratch = block(16);
    for (let n = 0; n < 400; n++) {
      fill(scratch, n * 20, PERIOD_MS, (t) => blowAt(blast(4000), t) + Math.sin(t));
      if (n === 250) {
        scratch.x[3] = 1900;
        scratch.q[3] = QUALITY.suspect;
      }
      detector.process(0, scratch);
    }
    expect(detector.counts).toEqual({ candidates: 1, strikes: 0, spikes: 0, muted: 0 });
  });

  it("knows only the configured floor while it has learnt no noise", () => {
    const { counts } = run({ blows: [stone(4000), blast(5000)], seconds: 6, learning: false });
    expect(counts).toMatchObject({ candidates: 1, strikes: 0 });
  });

  it("says the same for blocks of one sample and of forty", () => {
    const blows = [blast(4000), stone(4700), stone(5000, 400), blast(5400, 900)];
    const of = (perBlock: number) =>
      run({ blows, seconds: 6, rms: 0, perBlock }).found.map(({ toldMs: _, ...shock }) => shock);
    expect(of(40)).toEqual(of(1));
    expect(of(16)).toEqual(of(1));
    expect(of(1)).toHaveLength(4);
  });

  it("allocates nothing in steady state", () => {
    setFlagsFromString("--expose-gc");
    const collect: () => void = runInNewContext("gc");
    const detector = createShockDetector(spec, 3, () => undefined);
    const scratch = block(32);
    const normal = normalFrom(randomFrom(7));
    const ready = Array.from({ length: 4096 }, normal);
    const go = (from: number) => {
      for (let k = from; k < from + 500; k++) {
        for (let i = 0; i < 32; i++) {
          scratch.t[i] = (32 * k + i) * PERIOD_MS;
          scratch.x[i] = ready[(k * 32 + i) & 4095]! * 6 + (k % 100 === 0 ? 900 * Math.exp(-i / 5) * Math.cos(i) : 0);
        }
        scratch.n = 32;
        for (let axis = 0; axis < 3; axis++) detector.process(axis, scratch);
      }
    };
    let least = Number.POSITIVE_INFINITY;
    for (let stretch = 0; stretch < 100 && least >= 1; stretch++) {
      go(stretch * 1000);
      collect();
      const before = process.memoryUsage().heapUsed;
      go(stretch * 1000 + 500);
      least = Math.min(least, (process.memoryUsage().heapUsed - before) / (500 * 32 * 3));
    }
    console.log(`heap growth ${least.toFixed(3)} bytes a sample`);
    expect(least).toBeLessThan(1);
    // The first stretch alone has ten blows, of which the first comes before any noise is learnt.
    expect(detector.counts.candidates + detector.counts.strikes).toBeGreaterThan(4);
  });
});
