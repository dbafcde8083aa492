import { type Chain, type ChainSpec, createChain } from "../../src/dsp/chain.ts";
import type { Signal } from "../../src/dsp/signal.ts";
import type { StatBlock } from "../../src/dsp/stat-block.ts";
import { type Block, createBlock } from "../../src/model/block.ts";
import { QUALITY } from "../../src/model/quality.ts";
import { AXES, FRAME_BYTES } from "./filter-frames.ts";

const COUNT = 0.049 * 9.80665;
const RATE_HZ = 800;
const FRAME_WORDS = FRAME_BYTES / 2;

/** The default vibration chain, the same as in `c/chain.c`. */
export const VIBRATION: readonly ChainSpec[] = [
  { calibrate: { scale: 0.98, offset: 0.3 } },
  { median: { window: 5 } },
  { low_pass: { cutoffHz: 100, order: 2 } },
  { decimate: { factor: 16 } },
  { deadband: { band: 5, maxAgeMs: 1e12 } },
];

/** Takes what a chain reports of one axis. */
export type Report = (axis: number, out: StatBlock) => void;

/** Frames in bursts through one chain an axis, as the sampler runs them. */
export interface ShockChains {
  run(frames: Uint8Array, burst: number): void;
}

export function createShockChains(burst: number, report: Report): ShockChains {
  const signal: Signal = { unit: "m/s2", rateHz: RATE_HZ, range: [-1962, 1962], capacity: burst };
  const chains: Chain[] = Array.from({ length: AXES }, () => createChain(VIBRATION, signal));
  const t = new Float64Array(burst);
  const blocks: Block[] = Array.from({ length: AXES }, () => ({ ...createBlock(burst), t }));
  let index = 0;
  let words: Uint8Array | undefined;
  let counts: Int16Array = new Int16Array(0);
  return {
    run(frames, size) {
      const count = frames.length / FRAME_BYTES;
      // The frames are little-endian and lie on even bytes, as this machine reads its own words. A view of them is an object:
      // one for all passes, or it would count as what the chains allocate.
      if (frames !== words) counts = new Int16Array(frames.buffer, frames.byteOffset, frames.length / 2);
      words = frames;
      for (let at = 0; at < count; at += size) {
        const n = Math.min(size, count - at);
        decode(counts, at, n, index, blocks);
        for (let axis = 0; axis < AXES; axis++) report(axis, chains[axis]!.process(blocks[axis]!));
        index += n;
      }
    },
  };
}

/** Axis by axis, with one column of instants for all. */
function decode(counts: Int16Array, at: number, n: number, index: number, into: readonly Block[]): void {
  const t = into[0]!.t;
  for (let i = 0; i < n; i++) t[i] = (index + i) * (1000 / RATE_HZ);
  for (let axis = 0; axis < AXES; axis++) decodeAxis(counts, at * FRAME_WORDS + axis, n, into[axis]!);
}

function decodeAxis(counts: Int16Array, from: number, n: number, into: Block): void {
  const { x, q } = into;
  let at = from;
  let i = 0;
  for (const whole = n - 1; i < whole; i += 2) {
    const a = counts[at]!;
    const b = counts[at + FRAME_WORDS]!;
    x[i] = COUNT * a;
    x[i + 1] = COUNT * b;
    q[i] = a >= 4080 || a <= -4080 ? QUALITY.clipped : 0;
    q[i + 1] = b >= 4080 || b <= -4080 ? QUALITY.clipped : 0;
    at += 2 * FRAME_WORDS;
  }
  if (i < n) {
    x[i] = COUNT * counts[at]!;
    q[i] = counts[at]! >= 4080 || counts[at]! <= -4080 ? QUALITY.clipped : 0;
  }
  into.n = n;
}
