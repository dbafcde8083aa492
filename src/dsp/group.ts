import { QUALITY, UNUSABLE } from "../model/quality.ts";
import { pad } from "./pad.ts";
import type { StatBlock } from "./stat-block.ts";

/** What stages say that make one sample of several. */
export const GROUP_MARKED =
  "Left out of mean, extremes and mean square, and counted. The bits of all samples are joined; missing and suspect only when none was usable.";

const X = pad.x;
const Q = pad.q;

/** Places in the sums of a group: four sums and four sums of squares, then the extremes and the sum of suspect values. */
const SQUARES = 4;
const LEAST = 8;
const MOST = 9;
const DOUBTFUL = 10;

/** Gathers samples of the block on the pad into one with their statistics. */
export class Group {
  /** How many samples were gathered, usable or not. */
  count = 0;
  #used = 0;
  #bits = 0;
  /** How many of the samples are suspect: reported, with their mark, when nothing better came. */
  #doubts = 0;
  /**
   * Every fourth usable sample goes into the same sum: four additions need not wait for each other, and where blocks are cut
   * does not show in the last bit.
   */
  readonly #sums = new Float64Array(11);

  constructor() {
    this.reset();
  }

  /** Takes samples `from` to `to` (exclusive), which each stand for themselves. */
  take(from: number, to: number): void {
    this.count += to - from;
    if (pad.marks === 0) this.#add(from, to);
    else this.#addMarked(from, to);
  }

  /** Writes what was gathered as the next sample of a block, at the instant `t[i]`, and begins anew. */
  emit(out: StatBlock, t: Float64Array, i: number): void {
    const k = out.n++;
    const s = this.#sums;
    const used = this.#used;
    const known = used > 0;
    const mean = known ? (s[0]! + s[1]! + (s[2]! + s[3]!)) / used : Number.NaN;
    const squares = s[SQUARES]! + s[SQUARES + 1]! + (s[SQUARES + 2]! + s[SQUARES + 3]!);
    const settled = known ? UNUSABLE : this.#doubts > 0 ? QUALITY.missing : 0;
    const bits = this.#bits & ~settled;
    out.t[k] = t[i]!;
    out.x[k] = known || this.#doubts === 0 ? mean : s[DOUBTFUL]! / this.#doubts;
    out.q[k] = bits;
    out.marks |= bits;
    out.mean[k] = mean;
    out.ms[k] = known ? squares / used : Number.NaN;
    out.lo[k] = known ? s[LEAST]! : Number.NaN;
    out.hi[k] = known ? s[MOST]! : Number.NaN;
    out.used[k] = used;
    out.of[k] = this.count;
    this.reset();
  }

  reset(): void {
    this.count = 0;
    this.#used = 0;
    this.#bits = 0;
    this.#doubts = 0;
    const s = this.#sums;
    s[0] = 0;
    s[1] = 0;
    s[2] = 0;
    s[3] = 0;
    s[SQUARES] = 0;
    s[SQUARES + 1] = 0;
    s[SQUARES + 2] = 0;
    s[SQUARES + 3] = 0;
    s[LEAST] = Infinity;
    s[MOST] = -Infinity;
    s[DOUBTFUL] = 0;
  }

  #add(from: number, to: number): void {
    let i = from;
    while (i < to && (this.#used & 3) !== 0) this.#addOne(i++);
    const end = i + ((to - i) & ~3);
    if (end > i) this.#addFours(i, end);
    for (i = end; i < to; i++) this.#addOne(i);
  }

  #addOne(i: number): void {
    const s = this.#sums;
    const v = X[i]!;
    const k = this.#used++ & 3;
    s[k]! += v;
    s[SQUARES + k]! += v * v;
    if (v < s[LEAST]!) s[LEAST] = v;
    if (v > s[MOST]!) s[MOST] = v;
  }

  /** A multiple of four samples, at least one. */
  #addFours(from: number, to: number): void {
    const s = this.#sums;
    let s0 = s[0]!;
    let s1 = s[1]!;
    let s2 = s[2]!;
    let s3 = s[3]!;
    let r0 = s[SQUARES]!;
    let r1 = s[SQUARES + 1]!;
    let r2 = s[SQUARES + 2]!;
    let r3 = s[SQUARES + 3]!;
    let least = from;
    let most = from;
    // Which of two is the smaller is even in noise, so no branch asks: extremes are kept as places, moved by the comparison's
    // outcome as a mask. `| 0` tells the compiler that places never grow out of 32 bits.
    for (let i = from; i < to; i = (i + 4) | 0) {
      const a = X[i]!;
      const b = X[(i + 1) | 0]!;
      const c = X[(i + 2) | 0]!;
      const d = X[(i + 3) | 0]!;
      s0 += a;
      s1 += b;
      s2 += c;
      s3 += d;
      r0 += a * a;
      r1 += b * b;
      r2 += c * c;
      r3 += d * d;
      const ab = +(b < a);
      const cd = +(d < c);
      const low = (i + ab) | 0;
      const low2 = (i + 2 + cd) | 0;
      const high = (i + 1 - ab) | 0;
      const high2 = (i + 3 - cd) | 0;
      const lower = (low + ((low2 - low) & -(X[low2]! < X[low]!))) | 0;
      const higher = (high + ((high2 - high) & -(X[high2]! > X[high]!))) | 0;
      least = (least + ((lower - least) & -(X[lower]! < X[least]!))) | 0;
      most = (most + ((higher - most) & -(X[higher]! > X[most]!))) | 0;
    }
    s[0] = s0;
    s[1] = s1;
    s[2] = s2;
    s[3] = s3;
    s[SQUARES] = r0;
    s[SQUARES + 1] = r1;
    s[SQUARES + 2] = r2;
    s[SQUARES + 3] = r3;
    if (X[least]! < s[LEAST]!) s[LEAST] = X[least]!;
    if (X[most]! > s[MOST]!) s[MOST] = X[most]!;
    this.#used += to - from;
  }

  #addMarked(from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const bits = Q[i]!;
      const v = X[i]!;
      this.#bits |= bits;
      if ((bits & UNUSABLE) === 0) this.#addOne(i);
      else if (v * 0 === 0) {
        this.#sums[DOUBTFUL]! += v;
        this.#doubts++;
      }
    }
  }
}
