import { LANES } from "../model/lane.ts";
import type { GapReason } from "./entry.ts";
import type { LaneLog, Segment } from "./lane-log.ts";
import type { Segments } from "./segments.ts";

const EVENT = LANES.indexOf("event");
const LOG = LANES.indexOf("log");
const BULK = LANES.indexOf("bulk");
/** A log segment is halved this often at most: one record in sixteen remains. */
const MAX_LEVEL = 4;
/** How many of the oldest bulk segments are compared when the smallest peak is looked for; bounds what is read. */
const BULK_COMPARED = 8;

/** The lanes of one spool id with their files. */
export interface Kept {
  readonly lanes: readonly LaneLog[];
  readonly segments: Segments;
}

/** The next segments to give up: to be thinned when the reason says so, else the only one, to be dropped whole. */
export interface Sacrifice {
  readonly log: LaneLog;
  readonly of: Segments;
  readonly segments: readonly Segment[];
  readonly reason: GapReason;
}

type Stage = (kept: Kept, limit: number) => Promise<Sacrifice | undefined> | Sacrifice | undefined;

function drop(kept: Kept, lane: number, segment: Segment | undefined, reason: GapReason): Sacrifice | undefined {
  return segment && { log: kept.lanes[lane]!, of: kept.segments, segments: [segment], reason };
}

function bytesIn(kept: Kept, lane: number): number {
  return kept.lanes[lane]!.segments.reduce((sum, s) => sum + s.bytes, 0);
}

async function smallestPeak(kept: Kept): Promise<Sacrifice | undefined> {
  let smallest: Segment | undefined;
  let smallestPeak = Number.POSITIVE_INFINITY;
  for (const s of kept.lanes[BULK]!.segments.slice(0, BULK_COMPARED)) {
    const entries = await kept.segments.load(s).catch(() => []);
    const peak = Math.max(0, ...entries.map((e) => e.weight));
    if (peak < smallestPeak) [smallest, smallestPeak] = [s, peak];
  }
  return drop(kept, BULK, smallest, "capture-dropped");
}

/** The two oldest neighbours among the least thinned log segments that are complete. */
function thinnable(kept: Kept): Sacrifice | undefined {
  const log = kept.lanes[LOG]!;
  const complete = log.segments.filter((s) => !kept.segments.isActive(s) && s.level < MAX_LEVEL);
  const level = Math.min(...complete.map((s) => s.level));
  const at = complete.findIndex((s) => s.level === level);
  const segments = complete.slice(at, at + 2).filter((s) => s.level === level);
  return segments.length > 0 ? { log, of: kept.segments, segments, reason: "thinned" } : undefined;
}

function sentOf(kept: Kept, lane: number): Segment | undefined {
  return kept.lanes[lane]!.segments.find((s) => s.last <= kept.lanes[lane]!.sent);
}

/** In the order in which records are given up. */
const STAGES: readonly Stage[] = [
  // Captures while they hold more than an eighth, the smallest peak first.
  (kept, limit) => (bytesIn(kept, BULK) * 8 > limit ? smallestPeak(kept) : undefined),
  // Log records that the broker has; then every second one, from the oldest on, down to a sixteenth of each segment.
  (kept) => drop(kept, LOG, sentOf(kept, LOG), "disk-full"),
  thinnable,
  // The rest of the captures, then of the log, the oldest first, and events when nothing else is left.
  smallestPeak,
  (kept) => drop(kept, LOG, kept.lanes[LOG]!.segments[0], "disk-full"),
  (kept) => drop(kept, EVENT, sentOf(kept, EVENT), "disk-full"),
  (kept) => drop(kept, EVENT, kept.lanes[EVENT]!.segments[0], "disk-full"),
];

/** What goes next; `spools` come oldest first, `limit` is what all their segments may take in bytes. */
export async function nextSacrifice(spools: readonly Kept[], limit: number): Promise<Sacrifice | undefined> {
  for (const stage of STAGES) {
    for (const kept of spools) {
      const sacrifice = await stage(kept, limit);
      if (sacrifice) return sacrifice;
    }
  }
  return undefined;
}
