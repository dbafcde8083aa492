import { LONGEST_BLOCK, pad } from "./pad.ts";

const X = pad.x;
/** Room before the samples. */
const HEADROOM = 4;
/** The samples of a block as they came, behind those before it: a median looks back while outputs take the place of inputs. */
const CAME = new Float64Array(HEADROOM + LONGEST_BLOCK);

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

/**
 * Medians of 3 of the `n` samples on the pad, in place. `past` holds the 2 samples before them, oldest first, and afterwards
 * the last 2 of them.
 */
export function median3(past: Float64Array, n: number): void {
  let b = past[0]!;
  let a = past[1]!;
  CAME[HEADROOM - 2] = b;
  CAME[HEADROOM - 1] = a;
  let state = +(a < b);
  for (let i = 0; i < n; i++) {
    const v = X[i]!;
    CAME[i + HEADROOM] = v;
    state = ((state << 2) & KEPT3) | (+(v < b) << 1) | +(v < a);
    X[i] = CAME[i + AT3[state]!]!;
    b = a;
    a = v;
  }
  past[0] = b;
  past[1] = a;
}

/** The same for medians of 5 and the 4 samples before the block. */
export function median5(past: Float64Array, n: number): void {
  let d = past[0]!;
  let c = past[1]!;
  let b = past[2]!;
  let a = past[3]!;
  CAME[HEADROOM - 4] = d;
  CAME[HEADROOM - 3] = c;
  CAME[HEADROOM - 2] = b;
  CAME[HEADROOM - 1] = a;
  let state = +(a < b) | (+(a < c) << 1) | (+(a < d) << 2) | (+(b < c) << 4) | (+(b < d) << 5) | (+(c < d) << 8);
  let i = 0;
  // Four at once: the names go round instead of the values.
  for (const whole = n - 3; i < whole; i += 4) {
    const v = X[i]!;
    CAME[i + HEADROOM] = v;
    state = ((state << 4) & KEPT5) | (+(v < d) << 3) | (+(v < c) << 2) | (+(v < b) << 1) | +(v < a);
    X[i] = CAME[i + AT5[state]!]!;
    const w = X[i + 1]!;
    CAME[i + (HEADROOM + 1)] = w;
    state = ((state << 4) & KEPT5) | (+(w < c) << 3) | (+(w < b) << 2) | (+(w < a) << 1) | +(w < v);
    X[i + 1] = CAME[i + 1 + AT5[state]!]!;
    d = X[i + 2]!;
    CAME[i + (HEADROOM + 2)] = d;
    state = ((state << 4) & KEPT5) | (+(d < b) << 3) | (+(d < a) << 2) | (+(d < v) << 1) | +(d < w);
    X[i + 2] = CAME[i + 2 + AT5[state]!]!;
    c = d;
    b = X[i + 3]!;
    CAME[i + (HEADROOM + 3)] = b;
    state = ((state << 4) & KEPT5) | (+(b < a) << 3) | (+(b < v) << 2) | (+(b < w) << 1) | +(b < c);
    X[i + 3] = CAME[i + 3 + AT5[state]!]!;
    a = b;
    b = c;
    c = w;
    d = v;
  }
  for (; i < n; i++) {
    const v = X[i]!;
    CAME[i + HEADROOM] = v;
    state = ((state << 4) & KEPT5) | (+(v < d) << 3) | (+(v < c) << 2) | (+(v < b) << 1) | +(v < a);
    X[i] = CAME[i + AT5[state]!]!;
    d = c;
    c = b;
    b = a;
    a = v;
  }
  past[0] = d;
  past[1] = c;
  past[2] = b;
  past[3] = a;
}
