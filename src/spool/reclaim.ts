import { LANES } from "../model/record.ts";
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

/** The next thing to give up when the disk is full. */
export type Sacrifice =
  | { readonly act: "thin"; readonly log: LaneLog; readonly segments: Segment[] }
  | { readonly act: "drop"; readonly log: LaneLog; readonly segment: Segment; readonly reason: GapReason };

function bytesOf(log: LaneLog): number {
  return log.segments.reduce((sum, s) => sum + s.bytes, 0);
}

/** The two oldest neighbours among the least thinned segments that are complete. */
function thinnable(log: LaneLog, segments: Segments): Segment[] {
  const complete = log.segments.filter((s) => !segments.isActive(s) && s.level < MAX_LEVEL);
  const level = Math.min(...complete.map((s) => s.level));
  const at = complete.findIndex((s) => s.level === level);
  return complete.slice(at, at + 2).filter((s) => s.level === level);
}

async function smallestPeak(log: LaneLog, segments: Segments): Promise<Segment | undefined> {
  let smallest: Segment | undefined;
  let smallestPeak = Number.POSITIVE_INFINITY;
  for (const s of log.segments.slice(0, BULK_COMPARED)) {
    const peak = Math.max(0, ...(await segments.load(s)).map((e) => e.weight));
    if (peak < smallestPeak) [smallest, smallestPeak] = [s, peak];
  }
  return smallest;
}

/**
 * What goes next, by lane: captures while they hold more than an eighth, log records that the broker has, every second log
 * record from the oldest on until each segment is down to a sixteenth, captures, the oldest log segment, the oldest events.
 */
export async function nextSacrifice(
  lanes: readonly LaneLog[],
  segments: Segments,
  limit: number,
): Promise<Sacrifice | undefined> {
  const event = lanes[EVENT]!;
  const log = lanes[LOG]!;
  const bulk = lanes[BULK]!;
  const drop = (of: LaneLog, segment: Segment | undefined, reason: GapReason): Sacrifice | undefined =>
    segment && { act: "drop", log: of, segment, reason };
  const sent = (of: LaneLog): Segment | undefined => of.segments.find((s) => s.last <= of.sent);
  const thin = thinnable(log, segments);
  return (
    drop(bulk, bytesOf(bulk) * 8 > limit ? await smallestPeak(bulk, segments) : undefined, "capture-dropped") ??
    drop(log, sent(log), "disk-full") ??
    (thin.length > 0 ? { act: "thin", log, segments: thin } : undefined) ??
    drop(bulk, await smallestPeak(bulk, segments), "capture-dropped") ??
    drop(log, log.segments[0], "disk-full") ??
    drop(event, sent(event) ?? event.segments[0], "disk-full")
  );
}
