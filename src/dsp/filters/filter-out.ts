import { z } from "zod";
import { QUALITY } from "../../model/quality.ts";
import { defineFilter, type Stage } from "../filter.ts";
import type { StatBlock } from "../stat-block.ts";

export const filterOut = defineFilter({
  name: "filter_out",
  summary: "Takes away values that stand for something else, such as 85.0 from a sensor that has not measured yet.",
  equation: "no value when round(x[k], decimals) is one of `values`, else y[k] = x[k]",
  marked: "Treated like any other; the mark stays.",
  short: "values",
  params: z.strictObject({
    values: z.union([z.number().transform((v) => [v]), z.array(z.number()).min(1)]),
    decimals: z.int().min(0).max(9).default(3),
  }),
  propagate: (input) => ({ signal: { ...input, stats: false } }),
  create: ({ values, decimals }) => new FilterOut(values, 10 ** decimals),
});

class FilterOut implements Stage {
  readonly #values: Float64Array;
  readonly #factor: number;

  constructor(values: readonly number[], factor: number) {
    this.#factor = factor;
    this.#values = Float64Array.from(values, (v) => Math.round(v * factor));
  }

  process(block: StatBlock): StatBlock {
    const { x, q, n } = block;
    block.stats = false;
    for (let i = 0; i < n; i++) {
      const v = Math.round(x[i]! * this.#factor);
      for (let k = 0; k < this.#values.length; k++) {
        if (v !== this.#values[k]) continue;
        x[i] = Number.NaN;
        q[i]! |= QUALITY.missing;
        block.marks |= QUALITY.missing;
      }
    }
    return block;
  }

  reset(): void {}
}
