import type { Entry, GapReason } from "./entry.ts";
import type { LaneLog, Segment } from "./lane-log.ts";

/** What was found of one lane. */
export interface Findings {
  readonly segments: readonly Segment[];
  /** Dropped ranges: from, to, reason. */
  readonly holes: readonly [number, number, GapReason][];
  /** Records in the journal, in any order. */
  readonly records: readonly Entry[];
  /** The number that the journal would give next; 0 when it is not known. */
  readonly next: number;
}

/**
 * Puts what recovery found in its place in an empty lane. Returns the names of files that something else has replaced.
 * `load` gives the entries of a segment, undefined when it cannot be read.
 */
export async function placeLane(
  log: LaneLog,
  found: Findings,
  load: (segment: Segment) => Promise<Entry[] | undefined>,
): Promise<string[]> {
  const replaced: string[] = [];
  for (const [from, to, reason] of found.holes) log.addHole({ from, to, reason });
  for (const s of [...found.segments].sort((a, b) => a.first - b.first || b.level - a.level)) {
    const before = log.segments.at(-1);
    const thinned = before !== undefined && before.level > 0 && s.first <= before.last;
    if (thinned || log.holes.some((h) => h.from <= s.first && s.first <= h.to)) {
      replaced.push(s.name);
      continue;
    }
    if (before && before.level === 0) {
      const hole = log.holes.find((h) => h.from > before.first);
      before.last = Math.min(s.first, hole?.from ?? s.first) - 1;
    }
    log.segments.push(s);
  }
  const records = [...found.records].sort((a, b) => a.seq - b.seq);
  const newest = log.segments.at(-1);
  if (newest && newest.level === 0) {
    // A checkpoint that was cut may have left holes: what the journal still has, it has better.
    const held = (await load(newest))?.map((e) => e.seq);
    const there = new Set(held);
    const missing = records.find((e) => e.seq >= newest.first && !there.has(e.seq))?.seq;
    const end = missing ?? Math.max(found.next, newest.first + 1);
    newest.last = held === undefined ? end - 1 : Math.min(end - 1, Math.max(newest.first - 1, ...held));
    if (held !== undefined && newest.last < newest.first) {
      replaced.push(newest.name);
      log.segments.pop();
    }
  }
  const stored = log.segments.at(-1)?.last ?? 0;
  log.tail = records.filter((e, i, all) => e.seq > stored && e.seq !== all[i - 1]?.seq);
  log.next = Math.max(log.tail.at(-1)?.seq ?? 0, stored, log.holes.at(-1)?.to ?? 0) + 1;
  log.next = Math.max(log.next, found.next);
  const oldest = Math.min(log.segments[0]?.first ?? log.next, log.holes[0]?.from ?? log.next);
  log.durable = log.next;
  log.freed = log.freedDurable = oldest - 1;
  return replaced;
}
