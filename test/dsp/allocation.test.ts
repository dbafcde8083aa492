import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { type ChainSpec, createChain } from "../../src/dsp/chain.ts";
import { createRing } from "../../src/dsp/ring.ts";
import type { Signal } from "../../src/dsp/signal.ts";
import { createWindow, WINDOW_STATS } from "../../src/dsp/window.ts";
import { type Block, createBlock } from "../../src/model/block.ts";
import { QUALITY } from "../../src/model/quality.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** Blocks of a stretch: few enough that nothing is collected while it is measured. */
const BLOCKS = 500;
/** Bytes a sample: asking for the size of the heap takes some itself, and more on newer Node. One boxed number would be 16. */
const ALLOWED = 1;
const signal: Signal = { unit: "m/s2", rateHz: 800, range: [-2000, 2000], capacity: 32 };

/** Heap growth in bytes a sample, over blocks driven through `step` after it has warmed up. */
function growth(step: (block: Block, k: number) => void, q: number, stretches = 150): number {
  const block = createBlock(32);
  const run = (from: number, count: number) => {
    for (let k = from; k < from + count; k++) {
      for (let i = 0; i < 32; i++) {
        block.t[i] = (32 * k + i) * 1.25;
        block.x[i] = Math.sin((32 * k + i) / 7) * 100 + (i % 5);
        block.q[i] = i % 11 === 0 ? q : 0;
      }
      block.n = 32;
      step(block, k);
    }
  };
  // Steady is what the compiler reaches sooner or later: of many stretches the one that grew least.
  let least = Infinity;
  for (let stretch = 0; stretch < stretches && least >= ALLOWED; stretch++) {
    run(2 * stretch * BLOCKS, BLOCKS);
    collect();
    const before = process.memoryUsage().heapUsed;
    run(2 * stretch * BLOCKS + BLOCKS, BLOCKS);
    least = Math.min(least, (process.memoryUsage().heapUsed - before) / (BLOCKS * 32));
  }
  return least;
}

/** Ring, chain and window as the sampler composes them. */
function pipeline(specs: readonly ChainSpec[]) {
  const ring = createRing(24_000);
  const chain = createChain(specs, signal);
  const window = createWindow({ stats: WINDOW_STATS, periodMs: 1000 });
  const row = new Float64Array(WINDOW_STATS.length);
  const bits = new Uint16Array(WINDOW_STATS.length);
  let taken = 0;
  return (block: Block) => {
    ring.push(block);
    window.add(chain.process(block));
    while (block.t[31]! >= (taken + 2) * 1000) window.take(taken++ * 1000, row, 0, bits, 0);
  };
}

const vibration: ChainSpec[] = [
  { calibrate: { scale: 0.98 } },
  { median: 5 },
  { low_pass: { cutoffHz: 100 } },
  { decimate: 16 },
  { deadband: 2 },
];

describe("the loop in steady state", () => {
  it("allocates nothing for samples that are good", () => {
    expect(growth(pipeline(vibration), 0)).toBeLessThan(ALLOWED);
  });

  it("allocates nothing for samples that are marked", () => {
    expect(growth(pipeline(vibration), QUALITY.suspect | QUALITY.range)).toBeLessThan(ALLOWED);
  });

  it("would be seen to allocate one small object a sample", () => {
    const kept: object[] = [];
    const leak = growth(
      (block) => {
        for (let i = 0; i < block.n; i++) kept[i % 64] = { value: block.x[i]! };
      },
      0,
      5,
    );
    expect(leak).toBeGreaterThan(10);
  });
});
