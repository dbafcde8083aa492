import { z } from "zod";
import { QUALITY, UNUSABLE } from "../../model/quality.ts";
import { UNIT_CODES } from "../../model/units.ts";
import { defineFilter, type Stage } from "../filter.ts";
import { createStatBlock, type StatBlock } from "../stat-block.ts";
import { sameUnit } from "./rules.ts";

export const swingingDoor = defineFilter({
  name: "swinging_door",
  summary:
    "Keeps only the corners of a line that stays within `band` of every sample: straight lines between what it reports.",
  equation: "|line(t[k]) − x[k]| ≤ band for every usable k; corners at samples, each within band of its value",
  marked: "Ends the line and is reported as it is; a new line begins after it.",
  short: "band",
  params: z.strictObject({
    band: z.number().positive(),
    maxAgeMs: z.number().positive().default(60_000),
    unit: z.enum(UNIT_CODES).optional(),
  }),
  propagate(input, { maxAgeMs, unit }) {
    const wrong = sameUnit(input, unit);
    if (wrong !== undefined) return { error: wrong, key: "unit" };
    const { rateHz: _rate, ...rest } = input;
    return { signal: { ...rest, capacity: 2 * input.capacity, stats: false, holdMs: 2 * maxAgeMs } };
  },
  create: ({ band, maxAgeMs }, _input, output) => new SwingingDoor(band, maxAgeMs, output.capacity),
});

/**
 * Bristol's swinging door, with one change that makes its bound hold: a corner lies not at its sample's value but on the
 * steepest or flattest line that still passes within `band` of all samples before it.
 */
class SwingingDoor implements Stage {
  readonly #band: number;
  readonly #maxAgeMs: number;
  readonly #out: StatBlock;
  /** Whether a line has begun, and whether a sample waits that may become its next corner. */
  #begun = false;
  #waits = false;
  #cornerMs = 0.5;
  #corner = 0.5;
  #least = -Infinity;
  #most = Infinity;
  /** Instant and value of the sample that waits. */
  readonly #waiting = new Float64Array(2);
  #waitBits = 0;

  constructor(band: number, maxAgeMs: number, capacity: number) {
    this.#band = band;
    this.#maxAgeMs = maxAgeMs;
    this.#out = createStatBlock(capacity);
  }

  process(block: StatBlock): StatBlock {
    const { t, x, q, n } = block;
    const out = this.#out;
    out.n = 0;
    out.marks = 0;
    for (let i = 0; i < n; i++) {
      const bits = q[i]!;
      if ((bits & UNUSABLE) !== 0) {
        this.#turn();
        this.#begun = false;
        this.#report(t, i, x, i, bits);
        continue;
      }
      if (!this.#begun) {
        this.#report(t, i, x, i, bits);
        this.#begin(t, i, x, i);
        continue;
      }
      if (this.#fits(t, x, i)) {
        this.#narrow(t, x, i, bits);
        continue;
      }
      this.#turn();
      this.#narrow(t, x, i, bits);
    }
    return out;
  }

  reset(): void {
    this.#begun = false;
    this.#waits = false;
  }

  #fits(t: Float64Array, x: Float64Array, i: number): boolean {
    const d = t[i]! - this.#cornerMs;
    if (!this.#waits) return true;
    if (d > this.#maxAgeMs) return false;
    const least = (x[i]! - this.#band - this.#corner) / d;
    const most = (x[i]! + this.#band - this.#corner) / d;
    return Math.max(this.#least, least) <= Math.min(this.#most, most);
  }

  #narrow(t: Float64Array, x: Float64Array, i: number, bits: number): void {
    const d = t[i]! - this.#cornerMs;
    // Two samples at one instant: no line tells them apart, the later one waits.
    if (d > 0) {
      this.#least = Math.max(this.#least, (x[i]! - this.#band - this.#corner) / d);
      this.#most = Math.min(this.#most, (x[i]! + this.#band - this.#corner) / d);
    }
    this.#waits = true;
    this.#waiting[0] = t[i]!;
    this.#waiting[1] = x[i]!;
    this.#waitBits |= bits;
  }

  /** The waiting sample becomes a corner, and the next line begins there. */
  #turn(): void {
    if (!this.#waits) return;
    const d = this.#waiting[0]! - this.#cornerMs;
    if (d > 0) {
      const slope = Math.min(this.#most, Math.max(this.#least, (this.#waiting[1]! - this.#corner) / d));
      this.#waiting[1] = this.#corner + slope * d;
    }
    this.#report(this.#waiting, 0, this.#waiting, 1, this.#waitBits);
    this.#begin(this.#waiting, 0, this.#waiting, 1);
  }

  #begin(t: Float64Array, ti: number, x: Float64Array, xi: number): void {
    this.#begun = true;
    this.#waits = false;
    this.#waitBits = 0;
    this.#cornerMs = t[ti]!;
    this.#corner = x[xi]!;
    this.#least = -Infinity;
    this.#most = Infinity;
  }

  #report(t: Float64Array, ti: number, x: Float64Array, xi: number, bits: number): void {
    const out = this.#out;
    const k = out.n++;
    out.t[k] = t[ti]!;
    out.x[k] = (bits & QUALITY.missing) === 0 ? x[xi]! : Number.NaN;
    out.q[k] = bits;
    out.marks |= bits;
  }
}
