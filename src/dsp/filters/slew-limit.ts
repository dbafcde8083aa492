import { z } from "zod";
import { UNUSABLE } from "../../model/quality.ts";
import { defineFilter, type Stage } from "../filter.ts";
import { onPad, pad } from "../pad.ts";
import type { StatBlock } from "../stat-block.ts";

const X = pad.x;
const Q = pad.q;

export const slewLimit = defineFilter({
  name: "slew_limit",
  summary: "Lets a value rise or fall only so fast; with one of the two bounds, the other way it follows at once.",
  equation: "y[k] = x[k] held within y[k − 1] − fall · Δt and y[k − 1] + rise · Δt",
  marked: "Passes as it is; the limit goes on from the last usable value.",
  params: z
    .strictObject({ risePerS: z.number().positive().optional(), fallPerS: z.number().positive().optional() })
    .refine((p) => p.risePerS !== undefined || p.fallPerS !== undefined, "expected risePerS, fallPerS or both"),
  propagate: (input) => ({ signal: { ...input, stats: false } }),
  create: ({ risePerS, fallPerS }) => new SlewLimit((risePerS ?? Infinity) / 1000, (fallPerS ?? Infinity) / 1000),
});

class SlewLimit implements Stage {
  readonly #rise: number;
  readonly #fall: number;
  #started = false;
  #y = 0.5;
  #lastMs = 0.5;

  constructor(risePerMs: number, fallPerMs: number) {
    this.#rise = risePerMs;
    this.#fall = fallPerMs;
  }

  process(from: StatBlock): StatBlock {
    const block = onPad(from);
    const { t, n } = block;
    block.stats = false;
    const rise = this.#rise;
    const fall = this.#fall;
    let started = this.#started;
    let lastMs = this.#lastMs;
    let y = this.#y;
    for (let i = 0; i < n; i++) {
      if ((Q[i]! & UNUSABLE) !== 0) continue;
      const v = X[i]!;
      const stepMs = t[i]! - lastMs;
      if (!started || stepMs < 0) y = v;
      else if (v > y) y = v - y > rise * stepMs ? y + rise * stepMs : v;
      else y = y - v > fall * stepMs ? y - fall * stepMs : v;
      started = true;
      lastMs = t[i]!;
      X[i] = y;
    }
    this.#started = started;
    this.#lastMs = lastMs;
    this.#y = y;
    return block;
  }

  reset(): void {
    this.#started = false;
  }
}
