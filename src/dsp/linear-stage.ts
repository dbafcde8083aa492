import { QUALITY, UNUSABLE } from "../model/quality.ts";
import { type Biquad, Cascade, settlingSamples } from "./biquad.ts";
import type { Stage } from "./filter.ts";
import { holdMarked, restoreMissing } from "./marked.ts";
import type { StatBlock } from "./stat-block.ts";

/** What every stage made of sections says of marked samples. */
export const LINEAR_MARKED =
  "The last usable value stands in for it, so the time base holds; its output keeps the mark. After a gap longer than it takes to settle the filter starts afresh.";

/**
 * Runs sections over a channel. It starts settled on the first usable value, marks outputs `warmup` until a step would have
 * settled to 1 %, and starts afresh after a gap longer than that (and longer than a block).
 */
export class LinearStage implements Stage {
  readonly #cascade: Cascade;
  readonly #settling: number;
  readonly #gapMs: number;
  #settled = false;
  #warm = 0;
  /** The last usable value, and its instant. */
  readonly #held = new Float64Array(1).fill(Number.NaN);
  #heldMs = Number.NaN;

  constructor(sections: readonly Biquad[], rateHz: number, capacity: number) {
    this.#cascade = new Cascade(sections);
    this.#settling = settlingSamples(sections);
    this.#gapMs = ((Math.max(this.#settling, capacity) + 1) * 1000) / rateHz;
  }

  process(block: StatBlock): StatBlock {
    const n = block.n;
    block.stats = false;
    if (n === 0) return block;
    const endMs = block.t[n - 1]!;
    // The gap is longer than a block, so a block this short hides none.
    if (this.#settled && this.#warm === 0 && (block.marks & UNUSABLE) === 0 && endMs - this.#heldMs <= this.#gapMs) {
      this.#held[0] = block.x[n - 1]!;
      this.#heldMs = endMs;
      this.#cascade.run(block.x, 0, n);
    } else {
      this.#careful(block);
    }
    return block;
  }

  reset(): void {
    this.#settled = false;
    this.#warm = 0;
    this.#held[0] = Number.NaN;
    this.#heldMs = Number.NaN;
  }

  /** Sample by sample: starts, marks, gaps and warm-up. */
  #careful(block: StatBlock): void {
    const { t, x, q, n } = block;
    holdMarked(block, this.#held);
    for (let i = 0; i < n; i++) {
      if ((q[i]! & UNUSABLE) === 0) {
        if (!this.#settled || t[i]! - this.#heldMs > this.#gapMs) {
          this.#cascade.settle(x[i]!);
          this.#settled = true;
          this.#warm = this.#settling;
        }
        this.#heldMs = t[i]!;
      }
      if (!this.#settled) continue;
      this.#cascade.run(x, i, i + 1);
      if (this.#warm > 0) {
        this.#warm--;
        q[i]! |= QUALITY.warmup;
        block.marks |= QUALITY.warmup;
      }
    }
    restoreMissing(block);
  }
}
