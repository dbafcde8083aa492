import { z } from "zod";
import { UNUSABLE } from "../../model/quality.ts";
import { UNIT_CODES } from "../../model/units.ts";
import { defineFilter, type Stage } from "../filter.ts";
import type { StatBlock } from "../stat-block.ts";
import { sameUnit } from "./rules.ts";

export const deadband = defineFilter({
  name: "deadband",
  summary:
    "Reports only when the value (or, after a decimation, an extreme) moved more than `band`, or `maxAgeMs` went by.",
  equation: "y = x[k] when |x[k] − y| > band or t[k] − t(y) ≥ maxAge; else nothing",
  marked: "Reported when a value becomes unusable or usable again, and at `maxAgeMs`; never part of the statistics.",
  short: "band",
  params: z.strictObject({
    band: z.number().nonnegative(),
    maxAgeMs: z.number().positive().default(10_000),
    unit: z.enum(UNIT_CODES).optional(),
  }),
  propagate(input, { maxAgeMs, unit }) {
    const wrong = sameUnit(input, unit);
    if (wrong !== undefined) return { error: wrong, key: "unit" };
    const { rateHz: _irregular, ...rest } = input;
    return { signal: { ...rest, stats: true, holdMs: maxAgeMs } };
  },
  create: ({ band, maxAgeMs }, input) => new Deadband(band, maxAgeMs, input.capacity),
});

/** What was held back is not lost: each reported sample carries the statistics of all since the one before it. */
class Deadband implements Stage {
  readonly #band: number;
  /** The instants of a block belong to its source. */
  readonly #t: Float64Array;
  readonly #maxAgeMs: number;
  #started = false;
  #x = 0;
  #lo = 0;
  #hi = 0;
  #ms = 0;
  #usable = false;
  #bits = 0;
  #of = 0;
  #used = 0;
  #sum = 0;
  #squares = 0;
  #min = Infinity;
  #max = -Infinity;

  constructor(band: number, maxAgeMs: number, capacity: number) {
    this.#t = new Float64Array(capacity);
    this.#band = band;
    this.#maxAgeMs = maxAgeMs;
  }

  process(block: StatBlock): StatBlock {
    const { t, x, q, lo, hi, mean, ms, used, of, n, stats } = block;
    const band = this.#band;
    const whole = stats;
    let marks = 0;
    let j = 0;
    for (let i = 0; i < n; i++) {
      const v = x[i]!;
      const bits = q[i]!;
      const usable = (bits & UNUSABLE) === 0;
      const low = whole ? lo[i]! : v;
      const high = whole ? hi[i]! : v;
      this.#bits |= bits;
      this.#of += whole ? of[i]! : 1;
      if (usable) {
        const weight = whole ? used[i]! : 1;
        this.#used += weight;
        this.#sum += weight * (whole ? mean[i]! : v);
        this.#squares += weight * (whole ? ms[i]! : v * v);
        if (low < this.#min) this.#min = low;
        if (high > this.#max) this.#max = high;
      }
      const moved =
        usable && (Math.abs(v - this.#x) > band || Math.abs(low - this.#lo) > band || Math.abs(high - this.#hi) > band);
      if (this.#started && usable === this.#usable && !moved && t[i]! - this.#ms < this.#maxAgeMs) continue;
      this.#started = true;
      this.#usable = usable;
      this.#x = v;
      this.#lo = low;
      this.#hi = high;
      this.#ms = t[i]!;
      this.#t[j] = t[i]!;
      x[j] = v;
      q[j] = usable ? this.#bits & ~UNUSABLE : this.#bits;
      marks |= q[j]!;
      const weight = this.#used;
      lo[j] = weight > 0 ? this.#min : Number.NaN;
      hi[j] = weight > 0 ? this.#max : Number.NaN;
      mean[j] = weight > 0 ? this.#sum / weight : Number.NaN;
      ms[j] = weight > 0 ? this.#squares / weight : Number.NaN;
      used[j] = weight;
      of[j] = this.#of;
      j++;
      this.#restart();
    }
    block.n = j;
    block.t = this.#t;
    block.marks |= marks;
    block.stats = true;
    return block;
  }

  reset(): void {
    this.#started = false;
    this.#restart();
  }

  #restart(): void {
    this.#bits = 0;
    this.#of = 0;
    this.#used = 0;
    this.#sum = 0;
    this.#squares = 0;
    this.#min = Infinity;
    this.#max = -Infinity;
  }
}
