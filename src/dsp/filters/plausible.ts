import { z } from "zod";
import { QUALITY, UNUSABLE } from "../../model/quality.ts";
import { UNIT_CODES } from "../../model/units.ts";
import { defineFilter, type Stage } from "../filter.ts";
import type { StatBlock } from "../stat-block.ts";
import { sameUnit } from "./rules.ts";

export const plausible = defineFilter({
  name: "plausible",
  summary:
    "Marks what cannot be: out of range, then moving too fast, then not moving at all. Changes no value, deletes none.",
  equation:
    "suspect + range: x < min or x > max · + rate: |Δx| > maxRatePerS · Δt · + stuck: |x − x0| ≤ stuckBand for stuckMs",
  marked: "Stays marked, and is compared with nothing.",
  params: z
    .strictObject({
      min: z.number().optional(),
      max: z.number().optional(),
      maxRatePerS: z.number().positive().optional(),
      stuckMs: z.number().positive().optional(),
      stuckBand: z.number().nonnegative().default(0),
      unit: z.enum(UNIT_CODES).optional(),
    })
    .refine(
      (p) => [p.min, p.max, p.maxRatePerS, p.stuckMs].some((v) => v !== undefined),
      "expected at least one of min, max, maxRatePerS, stuckMs",
    )
    .refine((p) => (p.min ?? -Infinity) <= (p.max ?? Infinity), "expected min not above max"),
  propagate(input, { unit }) {
    const wrong = sameUnit(input, unit);
    return wrong === undefined ? { signal: input } : { error: wrong, key: "unit" };
  },
  create: ({ min, max, maxRatePerS, stuckMs, stuckBand }) =>
    new Plausible(min ?? -Infinity, max ?? Infinity, (maxRatePerS ?? Infinity) / 1000, stuckMs ?? Infinity, stuckBand),
});

/** How many samples in a row may move too fast before the new level is believed: a step is not a spike. */
const BELIEVED_AFTER = 3;

class Plausible implements Stage {
  readonly #min: number;
  readonly #max: number;
  readonly #rate: number;
  readonly #stuckMs: number;
  readonly #band: number;
  #last = Number.NaN;
  #lastMs = 0.5;
  #jumps = 0;
  #still = Number.NaN;
  #stillMs = 0.5;

  constructor(min: number, max: number, ratePerMs: number, stuckMs: number, band: number) {
    this.#min = min;
    this.#max = max;
    this.#rate = ratePerMs;
    this.#stuckMs = stuckMs;
    this.#band = band;
  }

  process(block: StatBlock): StatBlock {
    const { t, x, q, n } = block;
    for (let i = 0; i < n; i++) {
      if ((q[i]! & UNUSABLE) !== 0) continue;
      const v = x[i]!;
      const ms = t[i]!;
      let bits = 0;
      if (v < this.#min || v > this.#max) {
        bits = QUALITY.suspect | QUALITY.range;
      } else {
        // Compared with the last believed value, however long ago: a spike has gone when its neighbours agree again.
        const tooFast = Math.abs(v - this.#last) > this.#rate * Math.max(0, ms - this.#lastMs);
        if (tooFast && this.#jumps < BELIEVED_AFTER) {
          this.#jumps++;
          bits = QUALITY.suspect | QUALITY.rate;
        } else {
          this.#jumps = 0;
          this.#last = v;
          this.#lastMs = ms;
        }
      }
      if (!(Math.abs(v - this.#still) <= this.#band)) {
        this.#still = v;
        this.#stillMs = ms;
      } else if (ms - this.#stillMs >= this.#stuckMs) {
        bits |= QUALITY.suspect | QUALITY.stuck;
      }
      q[i]! |= bits;
      block.marks |= bits;
    }
    return block;
  }

  reset(): void {
    this.#last = Number.NaN;
    this.#jumps = 0;
    this.#still = Number.NaN;
  }
}
