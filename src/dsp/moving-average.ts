import { QUALITY, UNUSABLE } from "../model/quality.ts";
import type { Stage } from "./filter.ts";
import { onPad, pad } from "./pad.ts";
import type { StatBlock } from "./stat-block.ts";

const X = pad.x;
const Q = pad.q;

/**
 * Mean of the newest `window` samples in three sums a sample, however long the window. Nothing is ever taken off a sum, so no
 * rounding is left behind: time is cut into frames as long as the window, and a window is the end of the frame before (its
 * sums from each place to its end are kept) and the beginning of this one.
 */
export class MovingAverage implements Stage {
  readonly #window: number;
  /** The newest samples by their place in a frame, 0 where unusable, and 1 where usable. */
  readonly #values: Float64Array;
  readonly #usable: Uint8Array;
  /** Sums of the frame before from each place to its end; 0 at the last. */
  readonly #ends: Float64Array;
  /** The sum of this frame. */
  readonly #sum = new Float64Array(1);
  #place = 0;
  #seen = 0;
  /** How many samples of the window are usable. */
  #count = 0;

  constructor(window: number) {
    this.#window = window;
    this.#values = new Float64Array(window);
    this.#usable = new Uint8Array(window);
    this.#ends = new Float64Array(window + 1);
  }

  process(from: StatBlock): StatBlock {
    const block = onPad(from);
    block.stats = false;
    if ((block.marks & UNUSABLE) === 0 && this.#count === this.#window && finite(block.n)) this.#run(block.n);
    else this.#careful(block);
    return block;
  }

  reset(): void {
    this.#values.fill(0);
    this.#usable.fill(0);
    this.#ends.fill(0);
    this.#sum[0] = 0;
    this.#place = 0;
    this.#seen = 0;
    this.#count = 0;
  }

  /** All usable, in the window and in the block: frame by frame, or what of a frame the block holds. */
  #run(n: number): void {
    const window = this.#window;
    let i = 0;
    while (i < n) {
      const to = Math.min(n, i + window - this.#place);
      this.#within(i, to);
      i = to;
      if (this.#place < window) continue;
      this.#turn();
      this.#place = 0;
      this.#sum[0] = 0;
    }
  }

  /** Samples `from` to `to` (exclusive), which do not go past the end of the frame. */
  #within(from: number, to: number): void {
    const window = this.#window;
    const values = this.#values;
    const ends = this.#ends;
    let place = this.#place;
    let sum = this.#sum[0]!;
    let i = from;
    for (const whole = to - 1; i < whole; i += 2) {
      const a = X[i]!;
      const b = X[i + 1]!;
      values[place] = a;
      values[place + 1] = b;
      sum += a;
      X[i] = (ends[place + 1]! + sum) / window;
      sum += b;
      X[i + 1] = (ends[place + 2]! + sum) / window;
      place += 2;
    }
    if (i < to) {
      const v = X[i]!;
      values[place++] = v;
      sum += v;
      X[i] = (ends[place]! + sum) / window;
    }
    this.#place = place;
    this.#sum[0] = sum;
  }

  #careful(block: StatBlock): void {
    const n = block.n;
    for (let i = 0; i < n; i++) {
      const bits = Q[i]!;
      const usable = (bits & UNUSABLE) === 0 && X[i]! * 0 === 0;
      this.#count += +usable - this.#usable[this.#place]!;
      this.#usable[this.#place] = +usable;
      this.#values[this.#place++] = usable ? X[i]! : 0;
      if (usable) this.#sum[0]! += X[i]!;
      // Without a usable sample in the window a suspect one goes through as it is.
      if ((bits & QUALITY.missing) !== 0) X[i] = Number.NaN;
      else if (this.#count > 0) X[i] = (this.#ends[this.#place]! + this.#sum[0]!) / this.#count;
      if (this.#seen < this.#window - 1) {
        this.#seen++;
        Q[i]! |= QUALITY.warmup;
        block.marks |= QUALITY.warmup;
      }
      if (this.#place === this.#window) {
        this.#turn();
        this.#place = 0;
        this.#sum[0] = 0;
      }
    }
  }

  /** A frame is full: its sums from each place to its end. */
  #turn(): void {
    const values = this.#values;
    const ends = this.#ends;
    let sum = 0;
    for (let k = values.length - 1; k >= 0; k--) {
      sum += values[k]!;
      ends[k] = sum;
    }
  }
}

/** Whether all values are: a number times zero is zero, infinities and NaN give NaN. */
function finite(n: number): boolean {
  let nothing = 0;
  let i = 0;
  for (const whole = n - 3; i < whole; i += 4) nothing += X[i]! * 0 + X[i + 1]! * 0 + (X[i + 2]! * 0 + X[i + 3]! * 0);
  for (; i < n; i++) nothing += X[i]! * 0;
  return nothing === 0;
}
