import { QUALITY, UNUSABLE } from "../model/quality.ts";
import { needsSamples, RowSums, type WindowStat } from "./row-sums.ts";
import type { StatBlock } from "./stat-block.ts";

export { WINDOW_STATS, type WindowStat } from "./row-sums.ts";

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
  /** The threshold of `above`. */
  readonly above?: number;
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

class Row {
  /** Samples that came, usable or not. */
  of = 0;
  bits = 0;
  lastMs = Number.NaN;
  /** Milliseconds above the threshold. */
  aboveMs = 0;
  readonly usable: RowSums;
  /** Suspect values: reported with their mark when the row has nothing better. */
  readonly doubtful: RowSums;

  constructor(keep: boolean) {
    this.usable = new RowSums(keep);
    this.doubtful = new RowSums(keep);
  }

  reset(): void {
    this.of = 0;
    this.bits = 0;
    this.aboveMs = 0;
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
  readonly #rows: readonly Row[];
  /** Number of the first open row; NaN until the first sample or `take`. */
  #base = Number.NaN;
  readonly #last = new Float64Array(1);
  readonly #held: RowSums;
  readonly #threshold: number;
  /** Instant and value of the newest usable sample. */
  readonly #newest = new Float64Array(2).fill(Number.NaN);
  #heldMs = Number.NaN;
  #heldBits = 0;

  constructor({ stats, periodMs, holdMs, above }: WindowOptions) {
    this.stats = [...stats];
    this.#threshold = above ?? Number.NaN;
    const keep = needsSamples(stats);
    this.#rows = Array.from({ length: OPEN_ROWS }, () => new Row(keep));
    this.#held = new RowSums(keep);
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
        if (this.#threshold * 0 === 0) this.#addAbove(t, x, i);
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
    this.#newest.fill(Number.NaN);
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

  /** A sample above the threshold stays above until the next usable one, for at most a row. */
  #addAbove(t: Float64Array, x: Float64Array, i: number): void {
    const newest = this.#newest;
    let fromMs = newest[0]!;
    const wasAbove = newest[1]! > this.#threshold;
    newest[0] = t[i]!;
    newest[1] = x[i]!;
    if (!wasAbove || t[i]! - fromMs > this.#periodMs) return;
    while (fromMs < t[i]!) {
      const row = Math.floor(fromMs / this.#periodMs);
      const toMs = Math.min(t[i]!, (row + 1) * this.#periodMs);
      if (row >= this.#base) this.#slot(row).aboveMs += toMs - fromMs;
      fromMs = toMs;
    }
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
      else if (stat === "above") into[at + s] = good && this.#threshold * 0 === 0 ? row.aboveMs / 1000 : Number.NaN;
      else if (sums === undefined) into[at + s] = Number.NaN;
      else sums.write(stat, into, at + s);
    }
  }
}
