import { HEADROOM } from "./stat-block.ts";

/**
 * Running medians of 3 and 5 without a branch that depends on the values: in noise a min/max network mispredicts about once a
 * sample, which costs more than everything else in the chain. Each new sample is compared with the ones before it (the
 * comparison results are kept as bits), and the bits of all pairs in the window look up how many samples ago the median came.
 * Exact on doubles: the result is one of the inputs.
 */

/**
 * The bit that says "the sample `age` ago is below the one `age + d` ago": when the next sample comes, all bits move up by
 * `window - 1` and its own comparisons take the free places.
 */
function bitOf(window: number, age: number, d: number): number {
  return age * (window - 1) + d - 1;
}

/** The bits that still mean something when they have moved up. */
function keptBits(window: number): number {
  let kept = 0;
  for (let age = 1; age < window; age++) {
    for (let d = 1; age + d < window; d++) kept |= 1 << bitOf(window, age, d);
  }
  return kept;
}

/** Where the median of a window lies, counted from the newest sample's place less the headroom, by the bits of all its pairs. */
function medianPlaces(window: number): Uint8Array {
  const table = new Uint8Array(1 << (bitOf(window, window - 2, 1) + 1));
  for (let state = 0; state < table.length; state++) {
    for (let age = 0; age < window; age++) {
      let below = 0;
      for (let other = 0; other < window; other++) {
        if (other < age) below += (state >>> bitOf(window, other, age - other)) & 1;
        else if (other > age) below += 1 - ((state >>> bitOf(window, age, other - age)) & 1);
      }
      if (below === (window - 1) / 2) table[state] = HEADROOM - age;
    }
  }
  return table;
}

const AT3 = medianPlaces(3);
const AT5 = medianPlaces(5);
const KEPT3 = keptBits(3);
const KEPT5 = keptBits(5);

/** Medians of 3 into `out[0..n)`; `h` holds the 2 samples before the block at the end of its headroom, then the block. */
export function median3(h: Float64Array, out: Float64Array, n: number): void {
  let a = h[HEADROOM - 1]!;
  let b = h[HEADROOM - 2]!;
  let state = +(a < b);
  for (let i = 0; i < n; i++) {
    const v = h[i + HEADROOM]!;
    state = ((state << 2) & KEPT3) | (+(v < b) << 1) | +(v < a);
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
  let state = +(a < b) | (+(a < c) << 1) | (+(a < d) << 2) | (+(b < c) << 4) | (+(b < d) << 5) | (+(c < d) << 8);
  let i = 0;
  // Four at once: the names go round instead of the values.
  for (const whole = n - 3; i < whole; i += 4) {
    const v = h[i + HEADROOM]!;
    state = ((state << 4) & KEPT5) | (+(v < d) << 3) | (+(v < c) << 2) | (+(v < b) << 1) | +(v < a);
    out[i] = h[i + AT5[state]!]!;
    const w = h[i + (HEADROOM + 1)]!;
    state = ((state << 4) & KEPT5) | (+(w < c) << 3) | (+(w < b) << 2) | (+(w < a) << 1) | +(w < v);
    out[i + 1] = h[i + 1 + AT5[state]!]!;
    d = h[i + (HEADROOM + 2)]!;
    state = ((state << 4) & KEPT5) | (+(d < b) << 3) | (+(d < a) << 2) | (+(d < v) << 1) | +(d < w);
    out[i + 2] = h[i + 2 + AT5[state]!]!;
    c = d;
    b = h[i + (HEADROOM + 3)]!;
    state = ((state << 4) & KEPT5) | (+(b < a) << 3) | (+(b < v) << 2) | (+(b < w) << 1) | +(b < c);
    out[i + 3] = h[i + 3 + AT5[state]!]!;
    a = b;
    b = c;
    c = w;
    d = v;
  }
  for (; i < n; i++) {
    const v = h[i + HEADROOM]!;
    state = ((state << 4) & KEPT5) | (+(v < d) << 3) | (+(v < c) << 2) | (+(v < b) << 1) | +(v < a);
    out[i] = h[i + AT5[state]!]!;
    d = c;
    c = b;
    b = a;
    a = v;
  }
}
