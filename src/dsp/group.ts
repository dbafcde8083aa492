import { QUALITY, UNUSABLE } from "../model/quality.ts";
import type { StatBlock } from "./stat-block.ts";

/** What stages say that make one sample of several. */
export const GROUP_MARKED =
  "Left out of mean, extremes and mean square, and counted. The bits of all samples are joined; missing and suspect only when none was usable.";

/** Gathers samples into one with their statistics. */
export class Group {
  /** How many samples were gathered, usable or not. */
  count = 0;
  #used = 0;
  #sum = 0;
  #squares = 0;
  #lo = Infinity;
  #hi = -Infinity;
  #bits = 0;
  /** Sum and count of values that are suspect: reported, with their mark, when nothing better came. */
  #doubtful = 0;
  #doubts = 0;

  /** Takes samples `from` to `to` (exclusive) of a block whose samples each stand for themselves. */
  take(block: StatBlock, from: number, to: number): void {
    this.count += to - from;
    if ((block.marks & UNUSABLE) === 0) this.#add(block.x, from, to);
    else this.#addMarked(block, from, to);
    if (block.marks !== 0) for (let i = from; i < to; i++) this.#bits |= block.q[i]!;
  }

  /** Appends what was gathered to a block, at the instant `t[i]`, and begins anew. */
  emit(out: StatBlock, t: Float64Array, i: number): void {
    const k = out.n++;
    const used = this.#used;
    const mean = used > 0 ? this.#sum / used : Number.NaN;
    const settled = used > 0 ? UNUSABLE : this.#doubts > 0 ? QUALITY.missing : 0;
    const bits = this.#bits & ~settled;
    out.t[k] = t[i]!;
    out.x[k] = used > 0 ? mean : this.#doubts > 0 ? this.#doubtful / this.#doubts : Number.NaN;
    out.q[k] = bits;
    out.marks |= bits;
    out.mean[k] = mean;
    out.ms[k] = used > 0 ? this.#squares / used : Number.NaN;
    out.lo[k] = used > 0 ? this.#lo : Number.NaN;
    out.hi[k] = used > 0 ? this.#hi : Number.NaN;
    out.used[k] = used;
    out.of[k] = this.count;
    this.reset();
  }

  reset(): void {
    this.count = 0;
    this.#used = 0;
    this.#sum = 0;
    this.#squares = 0;
    this.#lo = Infinity;
    this.#hi = -Infinity;
    this.#bits = 0;
    this.#doubtful = 0;
    this.#doubts = 0;
  }

  #add(x: Float64Array, from: number, to: number): void {
    let sum = this.#sum;
    let squares = this.#squares;
    let lo = this.#lo;
    let hi = this.#hi;
    let i = from;
    // Which of two is the smaller is even in noise: picked by place, so that only the rarer new extremes are branches.
    for (const whole = to - 3; i < whole; i += 4) {
      const a = x[i]!;
      const b = x[i + 1]!;
      const c = x[i + 2]!;
      const d = x[i + 3]!;
      // One after the other: where blocks are cut shall not show in the last bit.
      sum = sum + a + b + c + d;
      squares = squares + a * a + b * b + c * c + d * d;
      const ab = +(b < a);
      const cd = +(d < c);
      const low = x[i + ab]!;
      const low2 = x[i + 2 + cd]!;
      const high = x[i + 1 - ab]!;
      const high2 = x[i + 3 - cd]!;
      if (low < lo) lo = low;
      if (low2 < lo) lo = low2;
      if (high > hi) hi = high;
      if (high2 > hi) hi = high2;
    }
    for (; i < to; i++) {
      const v = x[i]!;
      sum += v;
      squares += v * v;
      lo = v < lo ? v : lo;
      hi = v > hi ? v : hi;
    }
    this.#used += to - from;
    this.#sum = sum;
    this.#squares = squares;
    this.#lo = lo;
    this.#hi = hi;
  }

  #addMarked(block: StatBlock, from: number, to: number): void {
    const { x, q } = block;
    for (let i = from; i < to; i++) {
      const v = x[i]!;
      if ((q[i]! & UNUSABLE) === 0) this.#add(x, i, i + 1);
      else if (v * 0 === 0) {
        this.#doubtful += v;
        this.#doubts++;
      }
    }
  }
}
