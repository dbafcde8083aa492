import type { StatBlock } from "./stat-block.ts";

/**
 * What a window can tell of its samples, over the usable ones. `stdev` is that of the samples themselves (divided by n);
 * `count` is how many were usable and `good` their share of all that came, 0 to 1; `p05` to `p95` are quantiles.
 */
export const WINDOW_STATS = [
  "mean",
  "min",
  "max",
  "rms",
  "stdev",
  "last",
  "count",
  "good",
  "p05",
  "p50",
  "p95",
] as const;

/** `above` is for how many seconds of the row the value lay above a threshold; it needs one, so it is not for lists. */
export type WindowStat = (typeof WINDOW_STATS)[number] | "above";

/** The share of samples that a quantile does not exceed. */
const SHARES: Partial<Record<WindowStat, number>> = { p05: 0.05, p50: 0.5, p95: 0.95 };

/** Whether any of the statistics needs the samples themselves. */
export function needsSamples(stats: readonly WindowStat[]): boolean {
  return stats.some((stat) => SHARES[stat] !== undefined);
}

/** Samples kept of a row for its quantiles: all up to this, then every 2nd, 4th and so on. */
const KEPT = 1024;

/**
 * Sums of one row. Values are summed as differences from the first one, so that a large mean does not drown the deviation.
 * Numbers go in and out by their place in an array: passed by value they may be put on the heap.
 */
export class RowSums {
  count = 0;
  #first = 0;
  #sum = 0;
  #squares = 0;
  #lo = Infinity;
  #hi = -Infinity;
  #last = Number.NaN;
  readonly #kept: Float64Array | undefined;
  #keeps = 0;
  #stride = 1;
  #skip = 0;

  constructor(keep: boolean) {
    this.#kept = keep ? new Float64Array(KEPT) : undefined;
  }

  reset(): void {
    this.count = 0;
    this.#sum = 0;
    this.#squares = 0;
    this.#lo = Infinity;
    this.#hi = -Infinity;
    this.#keeps = 0;
    this.#stride = 1;
    this.#skip = 0;
  }

  /** One sample that stands for itself. */
  add(x: Float64Array, i: number): void {
    const v = x[i]!;
    if (this.count === 0) this.#first = v;
    const d = v - this.#first;
    this.count++;
    this.#sum += d;
    this.#squares += d * d;
    if (v < this.#lo) this.#lo = v;
    if (v > this.#hi) this.#hi = v;
    this.#last = v;
    if (this.#kept !== undefined) this.#keep(this.#kept, x, i);
  }

  /** One sample that stands for several. */
  addMany({ x, used, mean, ms, lo, hi }: StatBlock, i: number): void {
    const m = mean[i]!;
    if (this.count === 0) this.#first = m;
    const weight = used[i]!;
    const d = m - this.#first;
    this.count += weight;
    this.#sum += weight * d;
    this.#squares += weight * (Math.max(0, ms[i]! - m * m) + d * d);
    if (lo[i]! < this.#lo) this.#lo = lo[i]!;
    if (hi[i]! > this.#hi) this.#hi = hi[i]!;
    this.#last = x[i]!;
    if (this.#kept !== undefined) this.#keep(this.#kept, x, i);
  }

  write(stat: WindowStat, into: Float64Array, at: number): void {
    const n = this.count;
    const mean = this.#first + this.#sum / n;
    const variance = Math.max(0, (this.#squares - (this.#sum * this.#sum) / n) / n);
    if (n === 0) into[at] = Number.NaN;
    else if (stat === "mean") into[at] = mean;
    else if (stat === "min") into[at] = this.#lo;
    else if (stat === "max") into[at] = this.#hi;
    else if (stat === "rms") into[at] = Math.sqrt(mean * mean + variance);
    else if (stat === "stdev") into[at] = Math.sqrt(variance);
    else if (stat === "last") into[at] = this.#last;
    else this.#quantile(SHARES[stat] ?? Number.NaN, into, at);
  }

  #keep(kept: Float64Array, x: Float64Array, i: number): void {
    if (this.#skip-- > 0) return;
    if (this.#keeps === KEPT) {
      for (let k = 0; k < KEPT / 2; k++) kept[k] = kept[2 * k]!;
      this.#keeps = KEPT / 2;
      this.#stride *= 2;
    }
    kept[this.#keeps++] = x[i]!;
    this.#skip = this.#stride - 1;
  }

  /** Between the two nearest ranks along a straight line (Hyndman and Fan's type 7). */
  #quantile(share: number, into: Float64Array, at: number): void {
    const kept = this.#kept!.subarray(0, this.#keeps).sort();
    const rank = share * (this.#keeps - 1);
    const below = kept[Math.floor(rank)]!;
    into[at] = below + (rank - Math.floor(rank)) * (kept[Math.ceil(rank)]! - below);
  }
}
