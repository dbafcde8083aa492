import { z } from "zod";
import { QUALITY, UNUSABLE } from "../../model/quality.ts";
import { defineFilter, type Stage } from "../filter.ts";
import { median3, median5 } from "../median-kernel.ts";
import { SortedWindow } from "../sorted-window.ts";
import { HEADROOM, type StatBlock } from "../stat-block.ts";
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
  readonly #sorted: SortedWindow;
  /** The samples before the block, oldest first, NaN where unusable; kept for a kernel only. */
  readonly #past: Float64Array;
  #seen = 0;
  /** How many of the newest samples were usable, up to what the kernel looks back. */
  #sound = 0;
  /** Where the next output goes: the kernel reads one array and writes another, and they change places. */
  #whole: Float64Array;
  #x: Float64Array;

  constructor(window: number, capacity: number) {
    this.#window = window;
    this.#kernel = KERNELS[window];
    this.#sorted = new SortedWindow(window);
    this.#past = new Float64Array(this.#kernel === undefined ? 0 : window - 1).fill(Number.NaN);
    this.#whole = new Float64Array(HEADROOM + capacity);
    this.#x = this.#whole.subarray(HEADROOM);
  }

  process(block: StatBlock): StatBlock {
    block.stats = false;
    if (this.#kernel === undefined) this.#rank(block);
    else if ((block.marks & UNUSABLE) === 0 && this.#sound === this.#past.length) this.#run(block, this.#kernel);
    else this.#careful(block);
    return block;
  }

  reset(): void {
    this.#past.fill(Number.NaN);
    this.#sorted.reset();
    this.#seen = 0;
    this.#sound = 0;
  }

  #run(block: StatBlock, kernel: Kernel): void {
    const { whole, x, n } = block;
    const past = this.#past;
    const size = past.length;
    for (let i = 0; i < size; i++) {
      whole[HEADROOM - size + i] = past[i]!;
    }
    for (let i = 0; i < size; i++) past[i] = whole[HEADROOM + n - size + i]!;
    kernel(whole, this.#x, n);
    block.whole = this.#whole;
    block.x = this.#x;
    this.#whole = whole;
    this.#x = x;
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
