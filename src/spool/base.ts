import { randomBytes } from "node:crypto";
import { type Entry, type GapReason, KIND } from "./entry.ts";
import type { LaneLog } from "./lane-log.ts";

/** The lanes of one spool id, in the order of `LANES`. */
export interface Generation {
  readonly spool: string;
  readonly lanes: readonly LaneLog[];
}

/** New random spool id: 16 hex digits. */
export function newSpoolId(): string {
  return randomBytes(8).toString("hex");
}

/** What is known of one spool id; per lane in the order of `LANES`. */
export interface Known {
  readonly holes: readonly [from: number, to: number, GapReason][][];
  readonly freed: readonly number[];
  /** Up to this number records were synced in segments when this was written; later ones are in the journal. */
  readonly stored: readonly number[];
}

/** What the spool knows of itself that no record carries, by spool id. */
export type Base = Readonly<Record<string, Known>>;

/** What is known of `generations`, as an entry for the journal. */
export function baseEntry(generations: readonly Generation[]): Entry {
  const base: Base = Object.fromEntries(
    generations.map(({ spool, lanes }) => [
      spool,
      {
        holes: lanes.map((log) => log.holes.map((h): [number, number, GapReason] => [h.from, h.to, h.reason])),
        freed: lanes.map((log) => log.freed),
        stored: lanes.map((log) => (log.tail[0]?.seq ?? log.durable) - 1),
      },
    ]),
  );
  const body = Buffer.from(JSON.stringify(base));
  return { kind: KIND.base, lane: 0, keep: true, stream: 0, seq: 0, mark: 0, weight: 0, body };
}

/** The newest of what the journal holds; its CRC vouches for its form. */
export function newestBase(entries: readonly Entry[]): Base {
  const newest = entries.findLast((e) => e.kind === KIND.base);
  return newest ? (JSON.parse(Buffer.from(newest.body).toString()) as Base) : {};
}
