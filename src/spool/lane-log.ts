import { type Entry, GAP_REASONS, type GapReason, gapEntry, KIND } from "./entry.ts";

/** Records `from` to `to` do not exist any more. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  readonly reason: GapReason;
}

/** What a reader gets, in order of `seq`: a record, or a hole in its place. */
export type StoredRecord =
  | { readonly seq: number; readonly body: Uint8Array }
  | { readonly seq: number; readonly gap: Gap };

/** A file of complete records of one lane. */
export interface Segment {
  readonly name: string;
  readonly lane: number;
  readonly first: number;
  /** How often it was thinned by half. */
  readonly level: number;
  last: number;
  bytes: number;
}

/** One lane of one spool: what is where. Numbers below `durable` are given for good. */
export class LaneLog {
  readonly lane: number;
  /** The next number to give, and the first that is not durable. */
  next = 1;
  durable = 1;
  /** Up to this number records are safe elsewhere; `freedDurable` is what the disk knows of it. */
  freed = 0;
  freedDurable = 0;
  /** Up to this number the broker has taken the records, and a reader has seen them. */
  sent = 0;
  shown = 0;
  /** Sorted by `first`, without overlap. */
  segments: Segment[] = [];
  /** Records in the journal that are in no segment yet, sorted. */
  tail: Entry[] = [];
  /** Dropped whole segments, sorted. */
  holes: Gap[] = [];
  readonly #load: (segment: Segment) => Promise<Entry[]>;

  constructor(lane: number, load: (segment: Segment) => Promise<Entry[]>) {
    this.lane = lane;
    this.#load = load;
  }

  /** Numbers given and not freed. */
  get unsent(): number {
    return this.durable - 1 - this.freed;
  }

  /** Frees up to `upTo`; never beyond what was given. */
  free(upTo: number): void {
    this.freed = Math.max(this.freed, Math.min(upTo, this.durable - 1));
    if (this.tail.length > 0 && this.tail[0]!.seq <= this.freed)
      this.tail = this.tail.filter((e) => e.seq > this.freed);
  }

  /** Adds a hole, merged with its neighbours of the same reason. */
  addHole(hole: Gap): void {
    const all = [...this.holes, hole].sort((a, b) => a.from - b.from);
    this.holes = [];
    for (const h of all) {
      const before = this.holes.at(-1);
      if (before && before.reason === h.reason && before.to + 1 >= h.from)
        this.holes[this.holes.length - 1] = { ...before, to: Math.max(before.to, h.to) };
      else this.holes.push(h);
    }
  }

  /** Records and holes from `from` on, in order; at most `maxBytes` of bodies, but always one if there is one. */
  async read(from: number, maxRecords: number, maxBytes: number): Promise<StoredRecord[]> {
    const out: StoredRecord[] = [];
    let bytes = 0;
    let at = Math.max(from, this.freed + 1);
    const takeGap = (gap: Gap): void => {
      const last = out.at(-1);
      if (last && "gap" in last && last.gap.to + 1 === gap.from && last.gap.reason === gap.reason)
        out[out.length - 1] = { seq: last.seq, gap: { ...gap, from: last.seq } };
      else out.push({ seq: gap.from, gap });
      at = gap.to + 1;
    };
    while (at < this.durable && out.length < maxRecords && bytes < maxBytes) {
      const run = await this.#runAt(at);
      if (run === undefined) continue;
      for (let i = firstReaching(run.entries, at); out.length < maxRecords && bytes < maxBytes; i++) {
        const e = run.entries[i];
        const start = e === undefined || e.seq > run.to ? run.to + 1 : e.seq;
        if (start > at) takeGap({ from: at, to: start - 1, reason: "corrupt" });
        if (e === undefined || e.seq > run.to) break;
        if (at >= endOf(e) + 1 || out.length >= maxRecords) continue;
        if (e.kind === KIND.gap) takeGap({ from: at, to: Math.min(e.mark, run.to), reason: GAP_REASONS[e.stream]! });
        else {
          if (out.length > 0 && bytes + e.body.length > maxBytes) return out;
          this.shown = Math.max(this.shown, e.seq);
          out.push({ seq: e.seq, body: e.body });
          bytes += e.body.length;
          at = e.seq + 1;
        }
      }
    }
    return out;
  }

  /** The entries that speak for `at` and the last number they speak for; undefined when the segment went away meanwhile. */
  async #runAt(at: number): Promise<{ entries: readonly Entry[]; to: number } | undefined> {
    const hole = this.holes.find((h) => h.from <= at && at <= h.to);
    if (hole) return { entries: [gapEntry(this.lane, at, hole.to, hole.reason)], to: hole.to };
    // A segment that was dropped may have lain inside the numbers of one that was appended to again.
    const nextHole = this.holes.find((h) => h.from > at)?.from ?? this.durable;
    const segment = this.segments.findLast((s) => s.first <= at);
    if (segment && at <= segment.last) {
      const entries = await this.#load(segment);
      return this.segments.includes(segment) ? { entries, to: Math.min(segment.last, nextHole - 1) } : undefined;
    }
    const nextSegment = this.segments.find((s) => s.first > at)?.first ?? this.durable;
    return { entries: this.tail, to: Math.min(nextSegment, nextHole, this.durable) - 1 };
  }
}

function endOf(e: Entry): number {
  return e.kind === KIND.gap ? e.mark : e.seq;
}

/** Index of the first entry that reaches `at` or lies after it. */
function firstReaching(entries: readonly Entry[], at: number): number {
  let lo = 0;
  let hi = entries.length;
  while (lo < hi) {
    const mid = (lo + hi) >>> 1;
    if (endOf(entries[mid]!) < at) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}
