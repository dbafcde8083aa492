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

const AGE3 = medianTable(3);
const AGE5 = medianTable(5);

/** Medians of 3 into `out[0..n)`; `h` holds the 2 samples before the block, then the block. */
export function median3(h: Float64Array, out: Float64Array, n: number): void {
  let a = h[1]!;
  let b = h[0]!;
  let state = +(a < b);
  for (let i = 0; i < n; i++) {
    const v = h[i + 2]!;
    state = ((state & 1) << 2) | +(v < a) | (+(v < b) << 1);
    out[i] = h[i + 2 - AGE3[state]!]!;
    b = a;
    a = v;
  }
}

/** Medians of 5 into `out[0..n)`; `h` holds the 4 samples before the block, then the block. */
export function median5(h: Float64Array, out: Float64Array, n: number): void {
  let a = h[3]!;
  let b = h[2]!;
  let c = h[1]!;
  let d = h[0]!;
  let state = +(a < b) | (+(a < c) << 1) | (+(a < d) << 2) | (+(b < c) << 4) | (+(b < d) << 5) | (+(c < d) << 7);
  for (let i = 0; i < n; i++) {
    const v = h[i + 4]!;
    state =
      ((state & 0x07) << 4) |
      ((state & 0x30) << 3) |
      ((state & 0x80) << 2) |
      +(v < a) |
      (+(v < b) << 1) |
      (+(v < c) << 2) |
      (+(v < d) << 3);
    out[i] = h[i + 4 - AGE5[state]!]!;
    d = c;
    c = b;
    b = a;
    a = v;
  }
}
