import { z } from "zod";
import { QUALITY, UNUSABLE } from "../../model/quality.ts";
import { defineFilter, type Stage } from "../filter.ts";
import { median3, median5 } from "../median-kernel.ts";
import { onPad } from "../pad.ts";
import { SLIDING_MARKED, SlidingStage } from "../sliding-stage.ts";
import { SortedWindow } from "../sorted-window.ts";
import type { StatBlock } from "../stat-block.ts";
import { FIRST_WITHIN_EVERY, firstWithinEvery, spanOf, thinned, windowParams } from "./window-params.ts";

export const median = defineFilter({
  name: "median",
  summary: "Median of the newest samples: removes spikes shorter than half the window, keeps edges.",
  equation: "y[k] = median of the window up to k; the mean of the middle two when their number is even",
  marked: SLIDING_MARKED,
  short: "window",
  params: z.strictObject(windowParams).refine(firstWithinEvery, FIRST_WITHIN_EVERY),
  propagate(input, params) {
    const span = spanOf(input, params, 5);
    return typeof span === "string" ? { error: span, key: "window" } : { signal: thinned(input, params.sendEvery) };
  },
  create(params, input) {
    const span = spanOf(input, params, 5);
    if (typeof span === "string") throw new RangeError(span);
    const kernel = span.ms === Infinity && (params.sendEvery ?? 1) === 1 ? KERNELS[span.capacity] : undefined;
    if (kernel === undefined) return new SlidingStage(span, params, input.capacity, (w, into, i) => w.median(into, i));
    return new KernelMedian(kernel, span.capacity);
  },
});

type Kernel = (past: Float64Array, n: number) => void;
const KERNELS: Readonly<Record<number, Kernel>> = { 3: median3, 5: median5 };

/** The medians of 3 and 5, which vibration goes through, at full speed. */
class KernelMedian implements Stage {
  readonly #window: number;
  readonly #kernel: Kernel;
  readonly #sorted: SortedWindow;
  /** The samples before the block, oldest first, NaN where unusable. */
  readonly #past: Float64Array;
  #seen = 0;
  /** How many of the newest samples were usable, up to what the kernel looks back. */
  #sound = 0;

  constructor(kernel: Kernel, window: number) {
    this.#window = window;
    this.#kernel = kernel;
    this.#sorted = new SortedWindow(window);
    this.#past = new Float64Array(window - 1).fill(Number.NaN);
  }

  process(from: StatBlock): StatBlock {
    const block = onPad(from);
    block.stats = false;
    if ((block.marks & UNUSABLE) === 0 && this.#sound === this.#past.length) this.#kernel(this.#past, block.n);
    else this.#careful(block);
    return block;
  }

  reset(): void {
    this.#past.fill(Number.NaN);
    this.#sorted.reset();
    this.#seen = 0;
    this.#sound = 0;
  }

  /** Starts and marked samples, by rank. */
  #careful(block: StatBlock): void {
    const { x, q, n } = block;
    const past = this.#past;
    this.#sorted.reset();
    for (let i = 0; i < past.length; i++) this.#sorted.push(past, i);
    for (let i = 0; i < n; i++) {
      const usable = (q[i]! & UNUSABLE) === 0;
      past.copyWithin(0, 1);
      past[past.length - 1] = usable ? x[i]! : Number.NaN;
      this.#sound = usable ? Math.min(past.length, this.#sound + 1) : 0;
    }
    this.#rank(block);
  }

  #rank(block: StatBlock): void {
    const { x, q, n } = block;
    for (let i = 0; i < n; i++) {
      const usable = (q[i]! & UNUSABLE) === 0;
      if (usable) this.#sorted.push(x, i);
      else this.#sorted.skip();
      if ((q[i]! & QUALITY.missing) === 0 && this.#sorted.ranked > 0) this.#sorted.median(x, i);
      if (this.#seen < this.#window - 1) {
        this.#seen++;
        q[i]! |= QUALITY.warmup;
        block.marks |= QUALITY.warmup;
      }
    }
  }
}
