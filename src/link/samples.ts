import type { Block } from "../model/block.ts";

/** Bytes of one sample. */
export const SAMPLE_BYTES = 18;

/** Writes the samples of a block, little-endian: all instants (`f64`), all values (`f64`), all quality bits (`u16`). */
export function writeSamples(view: DataView, at: number, { n, t, x, q }: Block): void {
  for (let i = 0; i < n; i++) {
    view.setFloat64(at + 8 * i, t[i]!, true);
    view.setFloat64(at + 8 * (n + i), x[i]!, true);
    view.setUint16(at + 16 * n + 2 * i, q[i]!, true);
  }
}

/** Reads `n` samples written by `writeSamples`; the view must hold them. */
export function readSamples(view: DataView, at: number, n: number): Block {
  const block: Block = { n, t: new Float64Array(n), x: new Float64Array(n), q: new Uint16Array(n) };
  for (let i = 0; i < n; i++) {
    block.t[i] = view.getFloat64(at + 8 * i, true);
    block.x[i] = view.getFloat64(at + 8 * (n + i), true);
    block.q[i] = view.getUint16(at + 16 * n + 2 * i, true);
  }
  return block;
}
