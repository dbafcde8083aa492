import { QUALITY, UNUSABLE } from "../model/quality.ts";
import type { Stage } from "./filter.ts";
import { onPad, pad } from "./pad.ts";
import { createStatBlock, type StatBlock } from "./stat-block.ts";

const X = pad.x;
const Q = pad.q;

/** What stages say that turn a stretch of samples into one number. */
export const FEATURE_MARKED =
  "Left out of the stretch; the bits of all its samples are joined, suspect and missing only when none was usable.";

/** Turns the first `n` (at least 1) usable samples of a stretch into one number at `into[i]`; NaN when they do not tell. */
export type Feature = (samples: Float64Array, n: number, into: Float64Array, i: number) => void;

/** Collects stretches of `length` samples and reports one number for each, at the instant of its last sample. */
export class FeatureStage implements Stage {
  readonly #feature: Feature;
  readonly #samples: Float64Array;
  readonly #length: number;
  readonly #out: StatBlock;
  #count = 0;
  #usable = 0;
  #bits = 0;

  constructor(feature: Feature, length: number, capacity: number) {
    this.#feature = feature;
    this.#length = length;
    this.#samples = new Float64Array(length);
    this.#out = createStatBlock(capacity);
  }

  process(from: StatBlock): StatBlock {
    const block = onPad(from);
    const { t, n } = block;
    const out = this.#out;
    out.n = 0;
    out.marks = 0;
    if (block.marks === 0) {
      this.#collect(block);
      return out;
    }
    for (let i = 0; i < n; i++) {
      this.#bits |= Q[i]!;
      if ((Q[i]! & UNUSABLE) === 0) this.#samples[this.#usable++] = X[i]!;
      if (++this.#count === this.#length) this.#report(t, i);
    }
    return out;
  }

  reset(): void {
    this.#count = 0;
    this.#usable = 0;
    this.#bits = 0;
  }

  /** Samples that are all good, as many at once as the stretch still takes. */
  #collect({ t, n }: StatBlock): void {
    const samples = this.#samples;
    let i = 0;
    while (i < n) {
      const end = Math.min(n, i + this.#length - this.#count);
      this.#count += end - i;
      let at = this.#usable;
      while (i < end) samples[at++] = X[i++]!;
      this.#usable = at;
      if (this.#count === this.#length) this.#report(t, end - 1);
    }
  }

  #report(t: Float64Array, i: number): void {
    const out = this.#out;
    const k = out.n++;
    let bits = this.#bits & ~UNUSABLE;
    out.x[k] = Number.NaN;
    if (this.#usable > 0) this.#feature(this.#samples, this.#usable, out.x, k);
    if (!(out.x[k]! * 0 === 0)) {
      out.x[k] = Number.NaN;
      bits |= QUALITY.missing | (this.#bits & QUALITY.suspect);
    }
    out.t[k] = t[i]!;
    out.q[k] = bits;
    out.marks |= bits;
    this.reset();
  }
}
