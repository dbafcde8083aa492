import { type Entry, type GapReason, KIND } from "./entry.ts";
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
  /** Up to where records are known to be safe elsewhere; undefined when the journal was lost. */
  readonly freed: number | undefined;
  /** Up to this number records were synced in segments; undefined when the journal was lost. */
  readonly stored: number | undefined;
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
  const records = [...found.records];
  const stored = found.stored ?? Number.MAX_SAFE_INTEGER;
  for (const [from, to, reason] of found.holes) log.addHole({ from, to, reason });
  for (const s of [...found.segments].sort((a, b) => a.first - b.first || b.level - a.level)) {
    const before = log.segments.at(-1);
    const thinned = before !== undefined && before.level > 0 && s.first <= before.last;
    if (thinned || log.holes.some((h) => h.from <= s.first && s.first <= h.to)) {
      replaced.push(s.name);
      continue;
    }
    if (before && before.level === 0) before.last = s.first - 1;
    if (s.first > stored) {
      // From a checkpoint that was cut: the journal has these records too, unless it was damaged since.
      records.push(...((await load(s)) ?? []).filter((e) => e.kind === KIND.record));
      replaced.push(s.name);
    } else log.segments.push(s);
  }
  const newest = log.segments.at(-1);
  if (newest && newest.level === 0) {
    const held = await load(newest);
    records.push(...(held?.filter((e) => e.kind === KIND.record && e.seq > stored) ?? []));
    const there = new Set(held?.map((e) => e.seq));
    const missing = found.records.filter((e) => e.seq >= newest.first && !there.has(e.seq)).map((e) => e.seq);
    const end = Math.min(stored + 1, ...missing, Math.max(found.next, newest.first + 1));
    newest.last = held === undefined ? end - 1 : Math.min(end - 1, Math.max(newest.first - 1, ...there));
    if (held !== undefined && newest.last < newest.first) {
      replaced.push(newest.name);
      log.segments.pop();
    }
  }
  records.sort((a, b) => a.seq - b.seq);
  const last = log.segments.at(-1)?.last ?? 0;
  log.tail = records.filter((e, i, all) => e.seq > last && e.seq !== all[i - 1]?.seq);
  log.next = Math.max(log.tail.at(-1)?.seq ?? 0, last, log.holes.at(-1)?.to ?? 0) + 1;
  log.next = Math.max(log.next, found.next);
  log.durable = log.next;
  const oldest = Math.min(log.segments[0]?.first ?? log.next, log.holes[0]?.from ?? log.next);
  log.free(found.freed ?? oldest - 1);
  log.freedDurable = log.freed;
  return replaced;
}
