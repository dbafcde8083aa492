import { z } from "zod";
import { QUALITY, UNUSABLE } from "../../model/quality.ts";
import { defineFilter, type Stage } from "../filter.ts";
import { median3, median5 } from "../median-kernel.ts";
import { SortedWindow } from "../sorted-window.ts";
import type { StatBlock } from "../stat-block.ts";
import { withinRing } from "./rules.ts";

export const median = defineFilter({
  name: "median",
  summary: "Median of the newest `window` samples: removes spikes shorter than half of it, keeps edges.",
  equation: "y[k] = median(x[k − window + 1 … k]); the mean of the middle two when their number is even",
  marked: "Not ranked, but takes its place in the window; its output keeps the mark.",
  short: "window",
  params: z.strictObject({ window: z.int().min(1).max(1024).default(5) }),
  propagate(input, { window }) {
    const wrong = input.rateHz === undefined ? undefined : withinRing(input, (window * 1000) / input.rateHz);
    if (wrong !== undefined) return { error: wrong, key: "window" };
    return { signal: { ...input, stats: false } };
  },
  create: ({ window }, input) => new Median(window, input.capacity),
});

type Kernel = (h: Float64Array, out: Float64Array, n: number) => void;
const KERNELS: Readonly<Record<number, Kernel>> = { 3: median3, 5: median5 };

class Median implements Stage {
  readonly #window: number;
  readonly #kernel: Kernel | undefined;
  /** The samples before the block (NaN where unusable), then the block. Only used with a kernel. */
  readonly #h: Float64Array;
  readonly #sorted: SortedWindow;
  #seen = 0;
  /** How many of the newest samples were usable, up to what the kernel looks back. */
  #sound = 0;

  constructor(window: number, capacity: number) {
    this.#window = window;
    this.#kernel = KERNELS[window];
    this.#h = new Float64Array(this.#kernel === undefined ? 0 : window - 1 + capacity).fill(Number.NaN);
    this.#sorted = new SortedWindow(window);
  }

  process(block: StatBlock): StatBlock {
    block.stats = false;
    const kernel = this.#kernel;
    if (kernel === undefined) {
      this.#ranked(block);
      return block;
    }
    const { x, q, n } = block;
    const h = this.#h;
    const past = this.#window - 1;
    const marked = (block.marks & UNUSABLE) !== 0;
    for (let i = 0; i < n; i++) h[past + i] = x[i]!;
    if (!marked && this.#sound === past) {
      kernel(h, x, n);
    } else {
      for (let i = 0; i < n; i++) {
        const usable = (q[i]! & UNUSABLE) === 0;
        if (!usable) h[past + i] = Number.NaN;
        this.#sound = usable ? Math.min(past, this.#sound + 1) : 0;
      }
      this.#sorted.reset();
      for (let i = 0; i < past; i++) this.#sorted.push(h[i]!);
      this.#ranked(block);
    }
    for (let i = 0; i < past; i++) h[i] = h[n + i]!;
    return block;
  }

  reset(): void {
    this.#h.fill(Number.NaN);
    this.#sorted.reset();
    this.#seen = 0;
    this.#sound = 0;
  }

  #ranked(block: StatBlock): void {
    const { x, q, n } = block;
    for (let i = 0; i < n; i++) {
      const usable = (q[i]! & UNUSABLE) === 0;
      this.#sorted.push(usable ? x[i]! : Number.NaN);
      if ((q[i]! & QUALITY.missing) === 0 && this.#sorted.ranked > 0) x[i] = this.#sorted.median();
      if (this.#seen < this.#window - 1) {
        this.#seen++;
        q[i]! |= QUALITY.warmup;
        block.marks |= QUALITY.warmup;
      }
    }
  }
}
