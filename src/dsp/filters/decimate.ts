import { z } from "zod";
import { QUALITY, UNUSABLE } from "../../model/quality.ts";
import { defineFilter, type Stage } from "../filter.ts";
import { createStatBlock, type StatBlock } from "../stat-block.ts";

export const decimate = defineFilter({
  name: "decimate",
  summary: "One sample for every `factor`: their mean, with their extremes, mean square and share of usable samples.",
  equation: "y[k] = mean(x[k·factor … (k+1)·factor − 1]), at the instant of the last",
  marked:
    "Left out of mean, extremes and mean square, and counted. The bits of all samples are joined; missing and suspect only when none was usable.",
  short: "factor",
  params: z.strictObject({ factor: z.int().min(2).max(4096) }),
  propagate(input, { factor }) {
    if (input.stats === true)
      return { error: "the signal is already decimated: use one decimate with the product of both" };
    const output = { ...input, capacity: Math.ceil(input.capacity / factor), stats: true };
    return { signal: input.rateHz === undefined ? output : { ...output, rateHz: input.rateHz / factor } };
  },
  create: ({ factor }, _input, output) => new Decimate(factor, output.capacity),
});

class Decimate implements Stage {
  readonly #factor: number;
  readonly #out: StatBlock;
  #count = 0;
  #used = 0;
  #sum = 0;
  #squares = 0;
  #lo = Infinity;
  #hi = -Infinity;
  #bits = 0;
  /** Sum and count of values that are suspect: reported, with their mark, when nothing better came. */
  #doubtful = 0;
  #doubts = 0;

  constructor(factor: number, capacity: number) {
    this.#factor = factor;
    this.#out = createStatBlock(capacity);
  }

  process(block: StatBlock): StatBlock {
    const out = this.#out;
    out.n = 0;
    out.marks = 0;
    out.stats = true;
    let i = 0;
    while (i < block.n) {
      const end = Math.min(block.n, i + this.#factor - this.#count);
      if ((block.marks & UNUSABLE) === 0) this.#add(block.x, i, end);
      else this.#addMarked(block, i, end);
      if (block.marks !== 0) for (let k = i; k < end; k++) this.#bits |= block.q[k]!;
      this.#count += end - i;
      i = end;
      if (this.#count === this.#factor) this.#emit(block.t, i - 1);
    }
    return out;
  }

  reset(): void {
    this.#count = 0;
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
    for (let i = from; i < to; i++) {
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

  #emit(t: Float64Array, i: number): void {
    const out = this.#out;
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
    out.of[k] = this.#factor;
    this.reset();
  }
}
