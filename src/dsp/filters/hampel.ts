import { z } from "zod";
import { QUALITY, UNUSABLE } from "../../model/quality.ts";
import { defineFilter, type Stage } from "../filter.ts";
import { SortedWindow } from "../sorted-window.ts";
import type { StatBlock } from "../stat-block.ts";
import { spanOf } from "./window-params.ts";

/** The deviation from the median of a normal distribution, as its standard deviation. */
const NORMAL = 1.4826;

export const hampel = defineFilter({
  name: "hampel",
  summary:
    "Finds samples far from the median of the newest, measured by how much those scatter; replaces or marks them.",
  equation: "outlier when |x[k] − median| > threshold · 1.4826 · median(|x − median|) over the window up to k",
  marked: "Not counted, but takes its place in the window; passes as it is.",
  short: "window",
  params: z.strictObject({
    window: z.int().min(3).max(255).default(7),
    threshold: z.number().positive().default(3),
    /** Scatter below this, in the signal's unit, does not count: a quiet sensor would flag its own last digit. */
    leastScatter: z.number().nonnegative().default(0),
    action: z.enum(["replace", "mark"]).default("replace"),
  }),
  propagate(input, { window }) {
    const span = spanOf(input, { window }, window);
    return typeof span === "string" ? { error: span, key: "window" } : { signal: { ...input, stats: false } };
  },
  create: ({ window, threshold, leastScatter, action }) =>
    new Hampel(window, threshold * NORMAL, threshold * leastScatter, action === "replace"),
});

/** A replaced value keeps the reason `rate`: it is usable, but it is not what was measured. */
class Hampel implements Stage {
  readonly #sorted: SortedWindow;
  readonly #factor: number;
  readonly #least: number;
  readonly #replace: boolean;
  readonly #scratch = new Float64Array(2);

  constructor(window: number, factor: number, least: number, replace: boolean) {
    this.#sorted = new SortedWindow(window);
    this.#factor = factor;
    this.#least = least;
    this.#replace = replace;
  }

  process(block: StatBlock): StatBlock {
    const { x, q, n } = block;
    const scratch = this.#scratch;
    block.stats = false;
    for (let i = 0; i < n; i++) {
      if ((q[i]! & UNUSABLE) !== 0) {
        this.#sorted.skip();
        continue;
      }
      this.#sorted.push(x, i);
      if (this.#sorted.ranked < 3) continue;
      this.#sorted.median(scratch, 0);
      this.#sorted.deviation(scratch, 1);
      if (Math.abs(x[i]! - scratch[0]!) <= Math.max(this.#factor * scratch[1]!, this.#least)) continue;
      const bits = this.#replace ? QUALITY.rate : QUALITY.rate | QUALITY.suspect;
      if (this.#replace) x[i] = scratch[0]!;
      q[i]! |= bits;
      block.marks |= bits;
    }
    return block;
  }

  reset(): void {
    this.#sorted.reset();
  }
}
