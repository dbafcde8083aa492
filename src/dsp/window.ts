import { QUALITY, UNUSABLE } from "../model/quality.ts";
import type { StatBlock } from "./stat-block.ts";

/**
 * What a window can tell of its samples, over the usable ones. `stdev` is that of the samples themselves (divided by n);
 * `count` is how many were usable and `good` their share of all that came, 0 to 1.
 */
export const WINDOW_STATS = ["mean", "min", "max", "rms", "stdev", "last", "count", "good"] as const;
export type WindowStat = (typeof WINDOW_STATS)[number];

/** Statistics of one channel on a fixed grid of rows, by the instants of the samples, not by when they came. */
export interface Window {
  readonly stats: readonly WindowStat[];
  /** Samples of rows that were already taken, or that nobody took in time. They are in no statistic. */
  readonly late: number;
  /** How often the grid was anchored anew because instants jumped by more than a minute. */
  readonly jumps: number;
  add(block: StatBlock): void;
  /**
   * Closes the row that starts at `rowStartMs` (a multiple of the period) and all before it. Writes one value for each of
   * `stats` from `into[offset]` and its quality from `qInto[qOffset]`; returns how many samples came, usable or not.
   */
  take(rowStartMs: number, into: Float64Array, offset: number, qInto: Uint16Array, qOffset: number): number;
  reset(): void;
}

interface WindowOptions {
  readonly stats: readonly WindowStat[];
  /** Length of a row; rows start at whole multiples of it (mono ms). */
  readonly periodMs: number;
  /** For samples that come only on change: within this time after the last one an empty row repeats it. */
  readonly holdMs?: number;
}

/** Makes a window. A row without samples gives NaN and `missing`. */
export function createWindow(options: WindowOptions): Window {
  if (!(options.periodMs > 0)) throw new RangeError(`window period ${options.periodMs} ms: expected more than 0`);
  return new GridWindow(options);
}

/** How many rows are open at once: what may arrive before the row before it was taken. */
const OPEN_ROWS = 8;
/** A sample this far behind the grid is not late, the clock jumped (ms). */
const JUMP_MS = 60_000;

/**
 * Sums of one row. Values are summed as differences from the first one, so that a large mean does not drown the deviation.
 * Numbers go in and out by their place in an array: passed by value they may be put on the heap.
 */
class Sums {
  count = 0;
  #first = 0;
  #sum = 0;
  #squares = 0;
  #lo = Infinity;
  #hi = -Infinity;
  #last = Number.NaN;

  reset(): void {
    this.count = 0;
    this.#sum = 0;
    this.#squares = 0;
    this.#lo = Infinity;
    this.#hi = -Infinity;
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
  }
}

class Row {
  /** Samples that came, usable or not. */
  of = 0;
  bits = 0;
  lastMs = Number.NaN;
  readonly usable = new Sums();
  /** Suspect values: reported with their mark when the row has nothing better. */
  readonly doubtful = new Sums();

  reset(): void {
    this.of = 0;
    this.bits = 0;
    this.usable.reset();
    this.doubtful.reset();
  }
}

class GridWindow implements Window {
  readonly stats: readonly WindowStat[];
  late = 0;
  jumps = 0;
  readonly #periodMs: number;
  readonly #holdMs: number;
  readonly #rows: readonly Row[] = Array.from({ length: OPEN_ROWS }, () => new Row());
  /** Number of the first open row; NaN until the first sample or `take`. */
  #base = Number.NaN;
  readonly #last = new Float64Array(1);
  readonly #held = new Sums();
  #heldMs = Number.NaN;
  #heldBits = 0;

  constructor({ stats, periodMs, holdMs }: WindowOptions) {
    this.stats = [...stats];
    this.#periodMs = periodMs;
    this.#holdMs = holdMs ?? 0;
  }

  add(block: StatBlock): void {
    const { t, x, q, n, stats } = block;
    for (let i = 0; i < n; i++) {
      const row = this.#rowAt(t, i);
      if (row === undefined) continue;
      const bits = q[i]!;
      row.bits |= bits;
      row.of += stats ? block.of[i]! : 1;
      row.lastMs = t[i]!;
      if ((bits & UNUSABLE) === 0) {
        if (stats) row.usable.addMany(block, i);
        else row.usable.add(x, i);
      } else if (x[i]! * 0 === 0) {
        row.doubtful.add(x, i);
      }
    }
  }

  take(rowStartMs: number, into: Float64Array, offset: number, qInto: Uint16Array, qOffset: number): number {
    const wanted = Math.round(rowStartMs / this.#periodMs);
    if (!(this.#base * 0 === 0)) this.#base = wanted;
    if (this.#base < wanted) this.#advance(wanted);
    const open = this.#base === wanted;
    const row = this.#slot(wanted);
    const came = open ? row.of : 0;
    this.#write(open ? row : undefined, wanted * this.#periodMs, into, offset, qInto, qOffset);
    if (open) {
      this.#close(wanted);
      this.#base = wanted + 1;
    }
    return came;
  }

  reset(): void {
    for (const row of this.#rows) row.reset();
    this.#base = Number.NaN;
    this.#heldMs = Number.NaN;
  }

  #slot(row: number): Row {
    return this.#rows[((row % OPEN_ROWS) + OPEN_ROWS) % OPEN_ROWS]!;
  }

  /** The open row an instant belongs to; undefined, and counted, when it was closed. */
  #rowAt(t: Float64Array, i: number): Row | undefined {
    const row = Math.floor(t[i]! / this.#periodMs);
    if (!(this.#base * 0 === 0)) this.#base = row;
    if (row < this.#base) {
      if ((this.#base - row) * this.#periodMs <= JUMP_MS) {
        this.late++;
        return undefined;
      }
      this.#anchor(row);
    } else if (row >= this.#base + OPEN_ROWS) {
      if ((row - this.#base) * this.#periodMs > JUMP_MS) this.#anchor(row);
      else this.#advance(row - OPEN_ROWS + 1);
    }
    return this.#slot(row);
  }

  /** Gives up the open rows before `row`, which nobody took: they are in no statistic, but what came last still holds. */
  #advance(row: number): void {
    const drops = Math.min(row - this.#base, OPEN_ROWS);
    for (let i = 0; i < drops; i++) {
      this.late += this.#slot(this.#base + i).of;
      this.#close(this.#base + i);
    }
    this.#base = row;
  }

  #anchor(row: number): void {
    this.#advance(this.#base + OPEN_ROWS);
    this.#base = row;
    this.jumps++;
  }

  #close(number: number): void {
    const row = this.#slot(number);
    if (row.usable.count > 0) {
      row.usable.write("last", this.#last, 0);
      this.#held.reset();
      this.#held.add(this.#last, 0);
      this.#heldMs = row.lastMs;
      this.#heldBits = row.bits & ~UNUSABLE;
    } else if (row.of > 0) {
      this.#heldMs = Number.NaN;
    }
    row.reset();
  }

  #write(row: Row | undefined, startMs: number, into: Float64Array, at: number, qInto: Uint16Array, qAt: number): void {
    const holds = row !== undefined && row.of === 0 && startMs - this.#heldMs < this.#holdMs;
    const good = row !== undefined && row.usable.count > 0;
    const doubtful = row !== undefined && row.doubtful.count > 0;
    const sums = holds ? this.#held : good ? row.usable : row?.doubtful;
    let bits = row?.bits ?? 0;
    if (holds) bits = this.#heldBits;
    else if (good) bits &= ~UNUSABLE;
    else if (doubtful) bits = (bits & ~QUALITY.missing) | QUALITY.suspect;
    else bits |= QUALITY.missing;
    for (let s = 0; s < this.stats.length; s++) {
      const stat = this.stats[s]!;
      const counts = stat === "count" || stat === "good";
      qInto[qAt + s] = counts ? bits & ~UNUSABLE : bits;
      if (stat === "count") into[at + s] = row?.usable.count ?? 0;
      else if (stat === "good") into[at + s] = holds ? 1 : good ? row.usable.count / row.of : 0;
      else if (sums === undefined) into[at + s] = Number.NaN;
      else sums.write(stat, into, at + s);
    }
  }
}
