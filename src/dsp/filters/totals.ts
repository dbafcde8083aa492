import { z } from "zod";
import { QUALITY, UNUSABLE } from "../../model/quality.ts";
import type { Unit } from "../../model/units.ts";
import { defineFilter, type Stage } from "../filter.ts";
import { onPad, pad } from "../pad.ts";
import type { StatBlock } from "../stat-block.ts";

const X = pad.x;
const Q = pad.q;

export const counter = defineFilter({
  name: "counter",
  summary: "Total of a counter that rolls over: goes on past its highest count, and past a reset to zero.",
  equation: "y[k] = y[k − 1] + ((x[k] − x[k − 1]) mod modulo); a step back of more than half of it is a reset: + x[k]",
  marked: "Passes as it is; the total goes on from the last usable count.",
  short: "modulo",
  params: z.strictObject({ modulo: z.number().positive().default(65_536) }),
  propagate: (input) => ({ signal: { ...input, range: [0, Number.MAX_SAFE_INTEGER], stats: false } }),
  create: ({ modulo }) => new Counter(modulo),
});

class Counter implements Stage {
  readonly #modulo: number;
  #last = Number.NaN;
  #total = 0.5;

  constructor(modulo: number) {
    this.#modulo = modulo;
    this.reset();
  }

  process(from: StatBlock): StatBlock {
    const block = onPad(from);
    const n = block.n;
    const modulo = this.#modulo;
    let last = this.#last;
    let total = this.#total;
    block.stats = false;
    for (let i = 0; i < n; i++) {
      if ((Q[i]! & UNUSABLE) !== 0) continue;
      const v = X[i]!;
      if (last * 0 === 0) {
        const step = v - last;
        // Forwards; or over the end, seen as a long way back; or a short way back, which only a reset explains.
        if (step >= 0) total += step;
        else if (-step > modulo / 2) total += step + modulo;
        else total += v;
      }
      last = v;
      X[i] = total;
    }
    this.#last = last;
    this.#total = total;
    return block;
  }

  reset(): void {
    this.#last = Number.NaN;
    this.#total = 0;
  }
}

/** What a unit becomes when it is summed over time, and how many seconds of it make one. */
const SUMMED: Partial<Record<Unit, readonly [Unit, number]>> = {
  "m/s": ["m", 1],
  "m/s2": ["m/s", 1],
  "deg/s": ["deg", 1],
  W: ["J", 1],
  A: ["C", 1],
  "L/h": ["L", 3600],
  rpm: ["1", 60],
  Hz: ["1", 1],
  "1": ["s", 1],
};

export const integrator = defineFilter({
  name: "integrator",
  summary: "Sum over time: litres from L/h, joules from W, metres from m/s, seconds from 0 and 1. Gaps add nothing.",
  equation: "y[k] = y[k − 1] + (x[k − 1] + x[k]) / 2 · Δt, when Δt ≤ maxGap; else y[k − 1]",
  marked: "Adds nothing; the sum goes on from the next usable value when the gap is not too long.",
  short: "maxGapMs",
  params: z.strictObject({ maxGapMs: z.number().positive().default(5000) }),
  propagate(input) {
    const summed = SUMMED[input.unit];
    if (summed === undefined) return { error: `there is no unit for ${input.unit} summed over time` };
    return { signal: { ...input, unit: summed[0], range: [-Number.MAX_VALUE, Number.MAX_VALUE], stats: false } };
  },
  create: ({ maxGapMs }, input) => new Integrator(maxGapMs, 2000 * SUMMED[input.unit]![1]),
});

class Integrator implements Stage {
  readonly #maxGapMs: number;
  /** Twice the milliseconds that make one. */
  readonly #divisor: number;
  #last = Number.NaN;
  #lastMs = 0.5;
  #sum = 0.5;

  constructor(maxGapMs: number, divisor: number) {
    this.#maxGapMs = maxGapMs;
    this.#divisor = divisor;
    this.reset();
  }

  process(block: StatBlock): StatBlock {
    const { t, x, q, n } = block;
    block.stats = false;
    for (let i = 0; i < n; i++) {
      if ((q[i]! & UNUSABLE) === 0) {
        const v = x[i]!;
        const stepMs = t[i]! - this.#lastMs;
        if (this.#last * 0 === 0 && stepMs > 0 && stepMs <= this.#maxGapMs) {
          this.#sum += ((this.#last + v) * stepMs) / this.#divisor;
        }
        this.#last = v;
        this.#lastMs = t[i]!;
      }
      if ((q[i]! & QUALITY.missing) === 0) x[i] = this.#sum;
    }
    return block;
  }

  reset(): void {
    this.#last = Number.NaN;
    this.#sum = 0;
  }
}
