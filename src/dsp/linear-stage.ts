import { QUALITY, UNUSABLE } from "../model/quality.ts";
import { type Biquad, settlingSamples } from "./biquad.ts";
import { Cascade } from "./cascade.ts";
import type { Stage } from "./filter.ts";
import { holdMarked, restoreMissing } from "./marked.ts";
import { onPad } from "./pad.ts";
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

  /** A stage that does the work of several one after the other, and most of it in one loop. */
  static join(stages: readonly LinearStage[]): Stage {
    return stages.length === 1
      ? stages[0]!
      : new LinearRun(stages, Cascade.join(stages.map((stage) => stage.#cascade)));
  }

  process(from: StatBlock): StatBlock {
    const block = onPad(from);
    const n = block.n;
    block.stats = false;
    if (n === 0) return block;
    if (this.steady(block)) {
      this.lead(block);
      this.#cascade.run(0, n);
    } else {
      this.#careful(block);
    }
    return block;
  }

  /** Whether a block (of at least one sample) needs no care: all usable, no gap before it, none within, nothing to warm up. */
  steady(block: StatBlock): boolean {
    return (
      this.#settled &&
      this.#warm === 0 &&
      (block.marks & UNUSABLE) === 0 &&
      // The gap is longer than a block, so a block this short hides none.
      block.t[block.n - 1]! - this.#heldMs <= this.#gapMs
    );
  }

  /** Notes the last value of a steady block that came from the stage before, which has run with this one. */
  follow(before: LinearStage, block: StatBlock): void {
    before.#cascade.last(this.#held, 0);
    this.#heldMs = block.t[block.n - 1]!;
  }

  /** Notes the last value of a steady block that is still to be run. */
  lead(block: StatBlock): void {
    this.#held[0] = block.x[block.n - 1]!;
    this.#heldMs = block.t[block.n - 1]!;
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
      this.#cascade.run(i, i + 1);
      if (this.#warm > 0) {
        this.#warm--;
        q[i]! |= QUALITY.warmup;
        block.marks |= QUALITY.warmup;
      }
    }
    restoreMissing(block);
  }
}

/** Linear stages in a row: steady blocks go through all their sections at once. */
class LinearRun implements Stage {
  readonly #stages: readonly LinearStage[];
  readonly #cascade: Cascade;
  /** For how many samples more the past inputs of a stage may be others than the past outputs of the one before. */
  #unlike = 2;

  constructor(stages: readonly LinearStage[], cascade: Cascade) {
    this.#stages = stages;
    this.#cascade = cascade;
  }

  process(from: StatBlock): StatBlock {
    const block = onPad(from);
    const stages = this.#stages;
    block.stats = false;
    if (block.n === 0) return block;
    for (let i = 0; i < stages.length; i++) {
      if (stages[i]!.steady(block)) continue;
      this.#unlike = 2;
      return this.#apart(block);
    }
    if (this.#unlike > 0) {
      this.#unlike -= block.n;
      return this.#apart(block);
    }
    stages[0]!.lead(block);
    this.#cascade.run(0, block.n);
    for (let i = 1; i < stages.length; i++) stages[i]!.follow(stages[i - 1]!, block);
    return block;
  }

  reset(): void {
    for (const stage of this.#stages) stage.reset();
  }

  #apart(block: StatBlock): StatBlock {
    for (let i = 0; i < this.#stages.length; i++) this.#stages[i]!.process(block);
    return block;
  }
}
