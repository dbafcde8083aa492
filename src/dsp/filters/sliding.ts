import { z } from "zod";
import { defineFilter, type FilterDef } from "../filter.ts";
import { MovingAverage } from "../moving-average.ts";
import { SLIDING_MARKED, SlidingStage } from "../sliding-stage.ts";
import type { SortedWindow } from "../sorted-window.ts";
import { FIRST_WITHIN_EVERY, firstWithinEvery, spanOf, thinned, windowParams } from "./window-params.ts";

type Look = (window: SortedWindow, into: Float64Array, i: number) => void;

/** A filter that looks at a window of samples and has no parameter but those of its window. */
function sliding(name: string, summary: string, equation: string, standard: number, look: Look): FilterDef {
  return defineFilter({
    name,
    summary,
    equation,
    marked: SLIDING_MARKED,
    short: "window",
    params: z.strictObject(windowParams).refine(firstWithinEvery, FIRST_WITHIN_EVERY),
    propagate(input, params) {
      const span = spanOf(input, params, standard);
      return typeof span === "string" ? { error: span, key: "window" } : { signal: thinned(input, params.sendEvery) };
    },
    create(params, input) {
      const span = spanOf(input, params, standard);
      if (typeof span === "string") throw new RangeError(span);
      return new SlidingStage(span, params, input.capacity, look);
    },
  });
}

export const min = sliding(
  "min",
  "Smallest of the newest samples.",
  "y[k] = min of the window up to k",
  5,
  (w, into, i) => w.at(0, into, i),
);

export const max = sliding(
  "max",
  "Largest of the newest samples.",
  "y[k] = max of the window up to k",
  5,
  (w, into, i) => w.at(w.ranked - 1, into, i),
);

export const slidingWindowMovingAverage = defineFilter({
  name: "sliding_window_moving_average",
  summary: "Mean of the newest samples.",
  equation: "y[k] = mean of the window up to k",
  marked: SLIDING_MARKED,
  short: "window",
  params: z.strictObject(windowParams).refine(firstWithinEvery, FIRST_WITHIN_EVERY),
  propagate(input, params) {
    const span = spanOf(input, params, 15);
    return typeof span === "string" ? { error: span, key: "window" } : { signal: thinned(input, params.sendEvery) };
  },
  create(params, input) {
    const span = spanOf(input, params, 15);
    if (typeof span === "string") throw new RangeError(span);
    if (span.ms === Infinity && (params.sendEvery ?? 1) === 1) return new MovingAverage(span.capacity);
    return new SlidingStage(span, params, input.capacity, (w, into, i) => w.mean(into, i));
  },
});

export const quantile = defineFilter({
  name: "quantile",
  summary: "The value that a share of the newest samples do not exceed.",
  equation: "y[k] = sorted(window)[⌈n · quantile⌉ − 1]",
  marked: SLIDING_MARKED,
  short: "quantile",
  params: z
    .strictObject({ quantile: z.number().positive().max(1).default(0.9), ...windowParams })
    .refine(firstWithinEvery, FIRST_WITHIN_EVERY),
  propagate(input, params) {
    const span = spanOf(input, params, 5);
    return typeof span === "string" ? { error: span, key: "window" } : { signal: thinned(input, params.sendEvery) };
  },
  create(params, input) {
    const span = spanOf(input, params, 5);
    if (typeof span === "string") throw new RangeError(span);
    const { quantile: share } = params;
    return new SlidingStage(span, params, input.capacity, (w, into, i) =>
      // 0.3 · 10 is a little more than 3 in doubles and must not become the fourth.
      w.at(Math.max(0, Math.ceil(w.ranked * share - 1e-9) - 1), into, i),
    );
  },
});
