import { HEADROOM } from "./stat-block.ts";

/**
 * Running medians of 3 and 5 without a branch that depends on the values: in noise a min/max network mispredicts about once a
 * sample, which costs more than everything else in the chain. Each new sample is compared with the ones before it (the
 * comparison results are kept as bits), and the bits of all pairs in the window look up how many samples ago the median came.
 * Exact on doubles: the result is one of the inputs.
 */

/** How many samples ago the median of a window came, by the comparison bits of all its pairs, newest sample first. */
function medianTable(window: number): Uint8Array {
  const pairs = (window * (window - 1)) / 2;
  const table = new Uint8Array(1 << pairs);
  // Bit of "the sample `age` ago is below the one `age + d` ago".
  const bit = (age: number, d: number) => age * window - (age * (age + 1)) / 2 + d - 1;
  for (let state = 0; state < table.length; state++) {
    for (let age = 0; age < window; age++) {
      let below = 0;
      for (let other = 0; other < window; other++) {
        if (other < age) below += (state >>> bit(other, age - other)) & 1;
        else if (other > age) below += 1 - ((state >>> bit(age, other - age)) & 1);
      }
      if (below === (window - 1) / 2) table[state] = age;
    }
  }
  return table;
}

const AT3 = medianTable(3).map((age) => HEADROOM - age);
const AT5 = medianTable(5).map((age) => HEADROOM - age);
/** What is left of the comparison bits of a window of 5 when the next sample comes, moved to their new places. */
const KEEP5 = Uint16Array.from({ length: 1024 }, (_, s) => ((s & 0x07) << 4) | ((s & 0x30) << 3) | ((s & 0x80) << 2));

/** Medians of 3 into `out[0..n)`; `h` holds the 2 samples before the block at the end of its headroom, then the block. */
export function median3(h: Float64Array, out: Float64Array, n: number): void {
  let a = h[HEADROOM - 1]!;
  let b = h[HEADROOM - 2]!;
  let state = +(a < b);
  for (let i = 0; i < n; i++) {
    const v = h[i + HEADROOM]!;
    state = ((state & 1) << 2) | (+(v < b) << 1) | +(v < a);
    out[i] = h[i + AT3[state]!]!;
    b = a;
    a = v;
  }
}

/** Medians of 5 into `out[0..n)`; `h` holds the 4 samples before the block at the end of its headroom, then the block. */
export function median5(h: Float64Array, out: Float64Array, n: number): void {
  let a = h[HEADROOM - 1]!;
  let b = h[HEADROOM - 2]!;
  let c = h[HEADROOM - 3]!;
  let d = h[HEADROOM - 4]!;
  let state = +(a < b) | (+(a < c) << 1) | (+(a < d) << 2) | (+(b < c) << 4) | (+(b < d) << 5) | (+(c < d) << 7);
  let i = 0;
  // Four at once: the names go round instead of the values. Each code is built from the oldest pair on.
  for (const whole = n - 3; i < whole; i += 4) {
    const v = h[i + HEADROOM]!;
    state = KEEP5[state]! | (+(v < d) << 3) | (+(v < c) << 2) | (+(v < b) << 1) | +(v < a);
    out[i] = h[i + AT5[state]!]!;
    const w = h[i + (HEADROOM + 1)]!;
    state = KEEP5[state]! | (+(w < c) << 3) | (+(w < b) << 2) | (+(w < a) << 1) | +(w < v);
    out[i + 1] = h[i + 1 + AT5[state]!]!;
    d = h[i + (HEADROOM + 2)]!;
    state = KEEP5[state]! | (+(d < b) << 3) | (+(d < a) << 2) | (+(d < v) << 1) | +(d < w);
    out[i + 2] = h[i + 2 + AT5[state]!]!;
    c = d;
    b = h[i + (HEADROOM + 3)]!;
    state = KEEP5[state]! | (+(b < a) << 3) | (+(b < v) << 2) | (+(b < w) << 1) | +(b < c);
    out[i + 3] = h[i + 3 + AT5[state]!]!;
    a = b;
    b = c;
    c = w;
    d = v;
  }
  for (; i < n; i++) {
    const v = h[i + HEADROOM]!;
    state = KEEP5[state]! | (+(v < d) << 3) | (+(v < c) << 2) | (+(v < b) << 1) | +(v < a);
    out[i] = h[i + AT5[state]!]!;
    d = c;
    c = b;
    b = a;
    a = v;
  }
}
