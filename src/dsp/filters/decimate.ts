import { z } from "zod";
import { defineFilter, type Stage } from "../filter.ts";
import { GROUP_MARKED, Group } from "../group.ts";
import { onPad } from "../pad.ts";
import { createStatBlock, type StatBlock } from "../stat-block.ts";

export const decimate = defineFilter({
  name: "decimate",
  summary: "One sample for every `factor`: their mean, with their extremes, mean square and share of usable samples.",
  equation: "y[k] = mean(x[k·factor … (k+1)·factor − 1]), at the instant of the last",
  marked: GROUP_MARKED,
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

export const throttleAverage = defineFilter({
  name: "throttle_average",
  summary: "One sample for each `periodMs` in which any came: their mean, with their extremes and mean square.",
  equation: "y = mean of the x[k] with ⌊t[k] / period⌋ alike, at the instant of the last, once a later one came",
  marked: GROUP_MARKED,
  short: "periodMs",
  params: z.strictObject({ periodMs: z.number().positive() }),
  propagate(input, { periodMs }) {
    if (input.stats === true) return { error: "the signal is already decimated" };
    const { rateHz: _rate, ...rest } = input;
    return { signal: { ...rest, stats: true, holdMs: 2 * periodMs } };
  },
  create: ({ periodMs }, input) => new ThrottleAverage(periodMs, input.capacity),
});

class Decimate implements Stage {
  readonly #factor: number;
  readonly #out: StatBlock;
  readonly #group = new Group();

  constructor(factor: number, capacity: number) {
    this.#factor = factor;
    this.#out = createStatBlock(capacity);
  }

  process(from: StatBlock): StatBlock {
    const { t, n } = onPad(from);
    const out = begun(this.#out);
    const group = this.#group;
    let i = 0;
    while (i < n) {
      const end = Math.min(n, i + this.#factor - group.count);
      group.take(i, end);
      i = end;
      if (group.count === this.#factor) group.emit(out, t, i - 1);
    }
    return out;
  }

  reset(): void {
    this.#group.reset();
  }
}

class ThrottleAverage implements Stage {
  readonly #periodMs: number;
  readonly #out: StatBlock;
  readonly #group = new Group();
  readonly #last = new Float64Array(1);

  constructor(periodMs: number, capacity: number) {
    this.#periodMs = periodMs;
    this.#out = createStatBlock(capacity);
  }

  process(from: StatBlock): StatBlock {
    const { t, n } = onPad(from);
    const out = begun(this.#out);
    const group = this.#group;
    for (let i = 0; i < n; i++) {
      const period = Math.floor(t[i]! / this.#periodMs);
      if (group.count > 0 && period !== Math.floor(this.#last[0]! / this.#periodMs)) group.emit(out, this.#last, 0);
      group.take(i, i + 1);
      this.#last[0] = t[i]!;
    }
    return out;
  }

  reset(): void {
    this.#group.reset();
  }
}

/** A block of groups, empty. */
function begun(out: StatBlock): StatBlock {
  out.n = 0;
  out.marks = 0;
  out.stats = true;
  return out;
}
