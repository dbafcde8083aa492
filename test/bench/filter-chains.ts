import { type Chain, type ChainSpec, createChain } from "../../src/dsp/chain.ts";
import type { Signal } from "../../src/dsp/signal.ts";
import type { StatBlock } from "../../src/dsp/stat-block.ts";
import { type Block, createBlock } from "../../src/model/block.ts";
import { QUALITY } from "../../src/model/quality.ts";
import { AXES, FRAME_BYTES } from "./filter-frames.ts";

const COUNT = 0.049 * 9.80665;
const RATE_HZ = 800;

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
  return {
    run(frames, size) {
      const count = frames.length / FRAME_BYTES;
      for (let at = 0; at < count; at += size) {
        const n = Math.min(size, count - at);
        decode(frames, at, n, index, blocks);
        for (let axis = 0; axis < AXES; axis++) report(axis, chains[axis]!.process(blocks[axis]!));
        index += n;
      }
    },
  };
}

/** Axis by axis, with one column of instants for all. */
function decode(frames: Uint8Array, at: number, n: number, index: number, into: readonly Block[]): void {
  const t = into[0]!.t;
  for (let i = 0; i < n; i++) t[i] = (index + i) * (1000 / RATE_HZ);
  for (let axis = 0; axis < AXES; axis++) decodeAxis(frames, at * FRAME_BYTES + 2 * axis, n, into[axis]!);
}

function decodeAxis(frames: Uint8Array, from: number, n: number, into: Block): void {
  const { x, q } = into;
  let byte = from;
  for (let i = 0; i < n; i++) {
    const raw = ((frames[byte]! | (frames[byte + 1]! << 8)) << 16) >> 16;
    x[i] = COUNT * raw;
    q[i] = raw >= 4080 || raw <= -4080 ? QUALITY.clipped : 0;
    byte += FRAME_BYTES;
  }
  into.n = n;
}
