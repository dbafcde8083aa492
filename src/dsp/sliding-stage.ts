import { QUALITY, UNUSABLE } from "../model/quality.ts";
import type { Stage } from "./filter.ts";
import type { Span, WindowParams } from "./filters/window-params.ts";
import { SortedWindow } from "./sorted-window.ts";
import type { StatBlock } from "./stat-block.ts";

/** What stages say that look at a window of samples. */
export const SLIDING_MARKED = "Not counted, but takes its place in the window; its output keeps the mark.";

/**
 * Looks at the newest samples of a channel and writes one value for them: `look` gets the window and the place to write to,
 * and is called only when at least one sample in the window is usable.
 */
export class SlidingStage implements Stage {
  readonly #sorted: SortedWindow;
  readonly #times: Float64Array;
  readonly #span: Span;
  readonly #every: number;
  readonly #first: number;
  readonly #look: (window: SortedWindow, into: Float64Array, i: number) => void;
  /** The instants of a block belong to its source; thinned ones go here. */
  readonly #t: Float64Array;
  #head = 0;
  #full = false;
  #firstMs = Number.NaN;
  #until: number;

  constructor(
    span: Span,
    { sendEvery = 1, sendFirstAt = 1 }: WindowParams,
    capacity: number,
    look: (window: SortedWindow, into: Float64Array, i: number) => void,
  ) {
    this.#span = span;
    this.#every = sendEvery;
    this.#first = sendFirstAt;
    this.#until = sendFirstAt;
    this.#look = look;
    this.#sorted = new SortedWindow(span.capacity);
    this.#times = new Float64Array(span.capacity);
    this.#t = new Float64Array(capacity);
  }

  process(block: StatBlock): StatBlock {
    const { t, x, q, n } = block;
    block.stats = false;
    let kept = 0;
    for (let i = 0; i < n; i++) {
      const bits = q[i]!;
      this.#add(t, x, i, (bits & UNUSABLE) === 0);
      this.#until--;
      if (this.#until > 0) continue;
      this.#until = this.#every;
      // Without a usable sample in the window a suspect one goes through as it is.
      if ((bits & QUALITY.missing) !== 0) x[kept] = Number.NaN;
      else if (this.#sorted.ranked > 0) this.#look(this.#sorted, x, kept);
      else x[kept] = x[i]!;
      q[kept] = this.#full ? bits : bits | QUALITY.warmup;
      if (!this.#full) block.marks |= QUALITY.warmup;
      this.#t[kept] = t[i]!;
      kept++;
    }
    if (this.#every > 1) block.t = this.#t;
    block.n = kept;
    return block;
  }

  reset(): void {
    this.#sorted.reset();
    this.#head = 0;
    this.#full = false;
    this.#firstMs = Number.NaN;
    this.#until = this.#first;
  }

  #add(t: Float64Array, x: Float64Array, i: number, usable: boolean): void {
    const { capacity, ms } = this.#span;
    if (usable) this.#sorted.push(x, i);
    else this.#sorted.skip();
    this.#times[this.#head] = t[i]!;
    this.#head = this.#head + 1 === capacity ? 0 : this.#head + 1;
    if (ms === Infinity) {
      this.#full ||= this.#sorted.length === capacity;
      return;
    }
    if (!(this.#firstMs * 0 === 0)) this.#firstMs = t[i]!;
    while (this.#sorted.length > 1) {
      const oldest = this.#head - this.#sorted.length;
      if (t[i]! - this.#times[oldest < 0 ? oldest + capacity : oldest]! < ms) break;
      this.#sorted.dropOldest();
    }
    this.#full ||= t[i]! - this.#firstMs >= ms;
  }
}
