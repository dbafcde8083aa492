import type { StatBlock } from "../../src/dsp/stat-block.ts";
import { type Block, createBlock } from "../../src/model/block.ts";

/** A block of values at a regular rate from `startMs`, all good unless `q` says otherwise. */
export function blockOf(values: readonly number[], startMs = 0, periodMs = 1, q: readonly number[] = []): Block {
  const block = createBlock(values.length);
  values.forEach((v, i) => {
    block.t[i] = startMs + i * periodMs;
    block.x[i] = v;
    block.q[i] = q[i] ?? 0;
  });
  block.n = values.length;
  return block;
}

/** Samples `from` to `to` of a block as a block of its own. */
export function part(block: Block, from: number, to: number): Block {
  const cut = createBlock(Math.max(1, to - from));
  cut.n = to - from;
  cut.t.set(block.t.subarray(from, to));
  cut.x.set(block.x.subarray(from, to));
  cut.q.set(block.q.subarray(from, to));
  return cut;
}

/** One output sample with everything it carries. */
export interface Sample {
  t: number;
  x: number;
  q: number;
  stats?: { lo: number; hi: number; mean: number; ms: number; used: number; of: number };
}

/** Copies a stage's output out of its arrays. */
export function samplesOf(b: StatBlock): Sample[] {
  return Array.from({ length: b.n }, (_, i) => {
    const s: Sample = { t: b.t[i]!, x: b.x[i]!, q: b.q[i]! };
    if (b.stats) {
      s.stats = { lo: b.lo[i]!, hi: b.hi[i]!, mean: b.mean[i]!, ms: b.ms[i]!, used: b.used[i]!, of: b.of[i]! };
    }
    return s;
  });
}

/** The part of a chain that tests drive. */
interface Runs {
  process(block: Block): StatBlock;
}

/** Runs all of a block through a chain in pieces of the given sizes, again and again, and collects what comes out. */
export function runIn(chain: Runs, block: Block, sizes: readonly number[]): Sample[] {
  const out: Sample[] = [];
  let at = 0;
  for (let k = 0; at < block.n; k++) {
    const end = Math.min(block.n, at + Math.max(1, sizes[k % sizes.length]!));
    out.push(...samplesOf(chain.process(part(block, at, end))));
    at = end;
  }
  return out;
}
