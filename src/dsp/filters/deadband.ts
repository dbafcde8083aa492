import { z } from "zod";
import { UNUSABLE } from "../../model/quality.ts";
import { UNIT_CODES } from "../../model/units.ts";
import { defineFilter, type Stage } from "../filter.ts";
import { onPad, pad } from "../pad.ts";
import type { StatBlock } from "../stat-block.ts";
import { sameUnit } from "./rules.ts";

const X = pad.x;
const Q = pad.q;
const { lo: LO, hi: HI, mean: MEAN, ms: MS, used: USED, of: OF } = pad;

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
  readonly #maxAgeMs: number;
  /** The instants of a block belong to its source. */
  readonly #t: Float64Array;
  #started = false;
  #usable = false;
  #bits = 0;
  /** What was reported last, then the sums since: kept here between blocks, in variables within one. */
  readonly #kept = new Float64Array(10);

  constructor(band: number, maxAgeMs: number, capacity: number) {
    this.#t = new Float64Array(capacity);
    this.#band = band;
    this.#maxAgeMs = maxAgeMs;
    this.reset();
  }

  process(block: StatBlock): StatBlock {
    if (!block.stats) return this.#alone(onPad(block));
    const { t, x, q, lo, hi, mean, ms, used, of, n } = block;
    const kept = this.#kept;
    const band = this.#band;
    const maxAgeMs = this.#maxAgeMs;
    let started = this.#started;
    let wasUsable = this.#usable;
    let bits = this.#bits;
    let marks = 0;
    let j = 0;
    let lastMs = kept[0]!;
    let lastX = kept[1]!;
    let lastLo = kept[2]!;
    let lastHi = kept[3]!;
    let count = kept[4]!;
    let weight = kept[5]!;
    let sum = kept[6]!;
    let squares = kept[7]!;
    let least = kept[8]!;
    let most = kept[9]!;
    for (let i = 0; i < n; i++) {
      const v = x[i]!;
      const usable = (q[i]! & UNUSABLE) === 0;
      const low = lo[i]!;
      const high = hi[i]!;
      bits |= q[i]!;
      count += of[i]!;
      let moved = false;
      if (usable) {
        const w = used[i]!;
        weight += w;
        sum += w * mean[i]!;
        squares += w * ms[i]!;
        if (low < least) least = low;
        if (high > most) most = high;
        moved = Math.abs(v - lastX) > band || Math.abs(low - lastLo) > band || Math.abs(high - lastHi) > band;
      }
      if (started && usable === wasUsable && !moved && t[i]! - lastMs < maxAgeMs) continue;
      started = true;
      wasUsable = usable;
      lastMs = t[i]!;
      lastX = v;
      lastLo = low;
      lastHi = high;
      const told = usable ? bits & ~UNUSABLE : bits;
      marks |= told;
      this.#t[j] = lastMs;
      x[j] = v;
      q[j] = told;
      lo[j] = weight > 0 ? least : Number.NaN;
      hi[j] = weight > 0 ? most : Number.NaN;
      mean[j] = weight > 0 ? sum / weight : Number.NaN;
      ms[j] = weight > 0 ? squares / weight : Number.NaN;
      used[j] = weight;
      of[j] = count;
      j++;
      bits = 0;
      count = 0;
      weight = 0;
      sum = 0;
      squares = 0;
      least = Infinity;
      most = -Infinity;
    }
    this.#started = started;
    this.#usable = wasUsable;
    this.#bits = bits;
    kept[0] = lastMs;
    kept[1] = lastX;
    kept[2] = lastLo;
    kept[3] = lastHi;
    kept[4] = count;
    kept[5] = weight;
    kept[6] = sum;
    kept[7] = squares;
    kept[8] = least;
    kept[9] = most;
    block.n = j;
    block.t = this.#t;
    block.marks |= marks;
    block.stats = true;
    return block;
  }

  reset(): void {
    this.#started = false;
    this.#bits = 0;
    this.#kept.fill(0);
    this.#kept[8] = Infinity;
    this.#kept[9] = -Infinity;
  }

  /** Samples that stand for themselves: one that is held back costs a few comparisons and sums. */
  #alone(block: StatBlock): StatBlock {
    const { t, n } = block;
    const kept = this.#kept;
    const band = this.#band;
    const maxAgeMs = this.#maxAgeMs;
    const good = block.marks === 0;
    let lastMs = kept[0]!;
    let lastX = kept[1]!;
    let weight = kept[5]!;
    let sum = kept[6]!;
    let squares = kept[7]!;
    let least = kept[8]!;
    let most = kept[9]!;
    let from = 0;
    let j = 0;
    for (let i = 0; i < n; i++) {
      const v = X[i]!;
      const bits = good ? 0 : Q[i]!;
      const usable = (bits & UNUSABLE) === 0;
      this.#bits |= bits;
      if (usable) {
        weight++;
        sum += v;
        squares += v * v;
        least = v < least ? v : least;
        most = v > most ? v : most;
      }
      const moved = usable && Math.abs(v - lastX) > band;
      if (!moved && this.#started && usable === this.#usable && t[i]! - lastMs < maxAgeMs) continue;
      this.#started = true;
      this.#usable = usable;
      lastMs = t[i]!;
      lastX = v;
      kept[4]! += i + 1 - from;
      kept[5] = weight;
      kept[6] = sum;
      kept[7] = squares;
      kept[8] = least;
      kept[9] = most;
      this.#tell(block, i, j++);
      from = i + 1;
      weight = 0;
      sum = 0;
      squares = 0;
      least = Infinity;
      most = -Infinity;
    }
    kept[0] = lastMs;
    kept[1] = lastX;
    kept[2] = lastX;
    kept[3] = lastX;
    kept[4]! += n - from;
    kept[5] = weight;
    kept[6] = sum;
    kept[7] = squares;
    kept[8] = least;
    kept[9] = most;
    block.n = j;
    block.t = this.#t;
    block.stats = true;
    return block;
  }

  /** Reports sample `i` at place `j` with what was gathered since the one before it, and begins anew. */
  #tell(block: StatBlock, i: number, j: number): void {
    const kept = this.#kept;
    const weight = kept[5]!;
    const told = this.#usable ? this.#bits & ~UNUSABLE : this.#bits;
    block.marks |= told;
    this.#t[j] = block.t[i]!;
    X[j] = X[i]!;
    Q[j] = told;
    LO[j] = weight > 0 ? kept[8]! : Number.NaN;
    HI[j] = weight > 0 ? kept[9]! : Number.NaN;
    MEAN[j] = weight > 0 ? kept[6]! / weight : Number.NaN;
    MS[j] = weight > 0 ? kept[7]! / weight : Number.NaN;
    USED[j] = weight;
    OF[j] = kept[4]!;
    this.#bits = 0;
    kept[4] = 0;
  }
}
