import type { Biquad } from "./biquad.ts";
import { pad } from "./pad.ts";

const X = pad.x;
/** Values of a section: b0, b1, b2, a1, a2, then the last two inputs and the last two outputs, newest first. */
const ROW = 9;
const [U1, U2, Y1, Y2] = [5, 6, 7, 8];

/**
 * A cascade of sections over the block on the pad in place, in direct form I: of the forms it has the shortest path from one
 * output to the next (a product and a difference), and doubles leave no rounding to fear. One section alone waits for that
 * path at every sample; so three go in one loop and fill each other's waits (two gain nothing).
 */
export class Cascade {
  #rows: Float64Array;

  constructor(sections: readonly Biquad[]) {
    this.#rows = Float64Array.from(sections.flatMap(({ b0, b1, b2, a1, a2 }) => [b0, b1, b2, a1, a2, 0, 0, 0, 0]));
  }

  /**
   * One cascade of several: what runs through it runs through each of them, and their states are its own. It may run only
   * while the last two inputs of each are the last two outputs of the one before.
   */
  static join(of: readonly Cascade[]): Cascade {
    const all = new Cascade([]);
    const rows = Float64Array.from(of.flatMap((each) => [...each.#rows]));
    let at = 0;
    for (const each of of) {
      const length = each.#rows.length;
      each.#rows = rows.subarray(at, at + length);
      at += length;
    }
    all.#rows = rows;
    return all;
  }

  /** As though the input had been `x` for ever. */
  settle(x: number): void {
    const rows = this.#rows;
    let u = x;
    for (let r = 0; r < rows.length; r += ROW) {
      const y = (u * (rows[r]! + rows[r + 1]! + rows[r + 2]!)) / (1 + rows[r + 3]! + rows[r + 4]!);
      rows.fill(u, r + U1, r + Y1);
      rows.fill(y, r + Y1, r + ROW);
      u = y;
    }
  }

  /** Samples `from` to `to` (exclusive) of the block on the pad. */
  run(from: number, to: number): void {
    const rows = this.#rows;
    for (let r = 0; r < rows.length; ) {
      if (rows.length - r < 3 * ROW) {
        one(rows, r, from, to);
        r += ROW;
      } else {
        three(rows, r, from, to);
        r += 3 * ROW;
      }
    }
  }

  /** Writes the last output. */
  last(into: Float64Array, i: number): void {
    into[i] = this.#rows[this.#rows.length - ROW + Y1]!;
  }
}

function one(rows: Float64Array, r: number, from: number, to: number): void {
  const b0 = rows[r]!;
  const b1 = rows[r + 1]!;
  const b2 = rows[r + 2]!;
  const a1 = rows[r + 3]!;
  const a2 = rows[r + 4]!;
  let u1 = rows[r + U1]!;
  let u2 = rows[r + U2]!;
  let y1 = rows[r + Y1]!;
  let y2 = rows[r + Y2]!;
  for (let i = from; i < to; i++) {
    const u = X[i]!;
    const y = b0 * u + b1 * u1 + (b2 * u2 - a2 * y2) - a1 * y1;
    X[i] = y;
    u2 = u1;
    u1 = u;
    y2 = y1;
    y1 = y;
  }
  rows[r + U1] = u1;
  rows[r + U2] = u2;
  rows[r + Y1] = y1;
  rows[r + Y2] = y2;
}

/** The output of one is the input of the next: its past is held once. */
function three(rows: Float64Array, r: number, from: number, to: number): void {
  const s = r + ROW;
  const q = s + ROW;
  const b0 = rows[r]!;
  const b1 = rows[r + 1]!;
  const b2 = rows[r + 2]!;
  const a1 = rows[r + 3]!;
  const a2 = rows[r + 4]!;
  const d0 = rows[s]!;
  const d1 = rows[s + 1]!;
  const d2 = rows[s + 2]!;
  const c1 = rows[s + 3]!;
  const c2 = rows[s + 4]!;
  const f0 = rows[q]!;
  const f1 = rows[q + 1]!;
  const f2 = rows[q + 2]!;
  const e1 = rows[q + 3]!;
  const e2 = rows[q + 4]!;
  let u1 = rows[r + U1]!;
  let u2 = rows[r + U2]!;
  let v1 = rows[r + Y1]!;
  let v2 = rows[r + Y2]!;
  let w1 = rows[s + Y1]!;
  let w2 = rows[s + Y2]!;
  let y1 = rows[q + Y1]!;
  let y2 = rows[q + Y2]!;
  for (let i = from; i < to; i++) {
    const u = X[i]!;
    const v = b0 * u + b1 * u1 + (b2 * u2 - a2 * v2) - a1 * v1;
    const w = d0 * v + d1 * v1 + (d2 * v2 - c2 * w2) - c1 * w1;
    const y = f0 * w + f1 * w1 + (f2 * w2 - e2 * y2) - e1 * y1;
    X[i] = y;
    u2 = u1;
    u1 = u;
    v2 = v1;
    v1 = v;
    w2 = w1;
    w1 = w;
    y2 = y1;
    y1 = y;
  }
  rows[r + U1] = u1;
  rows[r + U2] = u2;
  rows[r + Y1] = v1;
  rows[r + Y2] = v2;
  rows[s + U1] = v1;
  rows[s + U2] = v2;
  rows[s + Y1] = w1;
  rows[s + Y2] = w2;
  rows[q + U1] = w1;
  rows[q + U2] = w2;
  rows[q + Y1] = y1;
  rows[q + Y2] = y2;
}
