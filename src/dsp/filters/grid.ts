import { z } from "zod";
import { QUALITY, UNUSABLE } from "../../model/quality.ts";
import { defineFilter, type Stage } from "../filter.ts";
import type { Signal } from "../signal.ts";
import { createStatBlock, type StatBlock } from "../stat-block.ts";

const MOST = 65_536;

const MARKED = "Ends what may be filled in: nothing is made between a marked sample and its neighbours.";

/** Samples that one block may become, or why that is too many. */
function filled(
  input: Signal,
  periodMs: number,
  maxGapMs: number,
): { signal: Signal } | { error: string; key: string } {
  const capacity = input.capacity * (Math.ceil(maxGapMs / periodMs) + 1);
  if (capacity > MOST) return { error: `may make ${capacity} samples of one block; at most ${MOST}`, key: "maxGapMs" };
  return { signal: { ...input, rateHz: 1000 / periodMs, capacity, stats: false } };
}

export const resample = defineFilter({
  name: "resample",
  summary: "Samples on a fixed grid of instants, from a straight line between neighbours or from the one before.",
  equation: "y(g) = x[k − 1] + (x[k] − x[k − 1]) · (g − t[k − 1]) / Δt (linear) or x[k − 1] (hold), g = i / rate",
  marked: MARKED,
  short: "rateHz",
  params: z.strictObject({
    rateHz: z.number().positive().max(10_000),
    method: z.enum(["linear", "hold"]).default("linear"),
    maxGapMs: z.number().positive().default(2000),
  }),
  propagate: (input, { rateHz, maxGapMs }) => filled(input, 1000 / rateHz, maxGapMs),
  create: ({ rateHz, method, maxGapMs }, _input, output) =>
    new Grid(1000 / rateHz, maxGapMs, method === "linear", false, output.capacity),
});

export const heartbeat = defineFilter({
  name: "heartbeat",
  summary: "Repeats the last value every `periodMs`; with `optimistic` new values also pass at once.",
  equation: "y(g) = last x before g, g = i · period",
  marked: MARKED,
  short: "periodMs",
  params: z.strictObject({
    periodMs: z.number().positive(),
    optimistic: z.boolean().default(false),
    maxGapMs: z.number().positive().default(10_000),
  }),
  propagate(input, { periodMs, optimistic, maxGapMs }) {
    const result = filled(input, periodMs, maxGapMs);
    if ("error" in result || !optimistic) return result;
    const { rateHz: _rate, ...signal } = result.signal;
    return { signal: { ...signal, capacity: signal.capacity + input.capacity } };
  },
  create: ({ periodMs, optimistic, maxGapMs }, _input, output) =>
    new Grid(periodMs, maxGapMs, false, optimistic, output.capacity),
});

/** Makes samples at whole multiples of a period, up to the newest sample, from the pair around each. */
class Grid implements Stage {
  readonly #periodMs: number;
  readonly #maxGapMs: number;
  readonly #linear: boolean;
  readonly #passes: boolean;
  readonly #out: StatBlock;
  /** Instant and value of a sample being made. */
  readonly #made = new Float64Array(2);
  #started = false;
  #lastMs = 0.5;
  #last = 0.5;
  #lastBits = 0;

  constructor(periodMs: number, maxGapMs: number, linear: boolean, passes: boolean, capacity: number) {
    this.#periodMs = periodMs;
    this.#maxGapMs = maxGapMs;
    this.#linear = linear;
    this.#passes = passes;
    this.#out = createStatBlock(capacity);
  }

  process(block: StatBlock): StatBlock {
    const { t, x, q, n } = block;
    const out = this.#out;
    out.n = 0;
    out.marks = 0;
    for (let i = 0; i < n; i++) {
      this.#fill(t, x, q, i);
      this.#started = true;
      this.#lastMs = t[i]!;
      this.#last = x[i]!;
      this.#lastBits = q[i]!;
      const onGrid = this.#lastMs % this.#periodMs === 0;
      if ((this.#passes || (q[i]! & UNUSABLE) !== 0) && !onGrid) this.#put(t, i, x, i, q[i]!);
    }
    return out;
  }

  reset(): void {
    this.#started = false;
  }

  /** The grid instants after the last sample, up to and with sample `i`. */
  #fill(t: Float64Array, x: Float64Array, q: Uint16Array, i: number): void {
    const now = t[i]!;
    const stepMs = now - this.#lastMs;
    const solid = this.#started && stepMs <= this.#maxGapMs && ((this.#lastBits | q[i]!) & UNUSABLE) === 0;
    // Across a gap only a sample right on the grid counts.
    let g = solid ? Math.floor(this.#lastMs / this.#periodMs) + 1 : Math.ceil(now / this.#periodMs);
    const made = this.#made;
    for (; g * this.#periodMs <= now; g++) {
      made[0] = g * this.#periodMs;
      if (made[0] === now) {
        this.#put(t, i, x, i, q[i]!);
        continue;
      }
      const share = this.#linear ? (made[0] - this.#lastMs) / stepMs : 0;
      made[1] = this.#last + (x[i]! - this.#last) * share;
      this.#put(made, 0, made, 1, this.#linear ? this.#lastBits | q[i]! : this.#lastBits);
    }
  }

  #put(t: Float64Array, ti: number, x: Float64Array, xi: number, bits: number): void {
    const out = this.#out;
    const k = out.n++;
    out.t[k] = t[ti]!;
    out.x[k] = (bits & QUALITY.missing) === 0 ? x[xi]! : Number.NaN;
    out.q[k] = bits;
    out.marks |= bits;
  }
}
