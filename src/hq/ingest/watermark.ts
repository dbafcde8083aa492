import type { KeyObject } from "node:crypto";
import { signText } from "../../codec/signed-text.ts";
import { type AckText, ackText, type LaneWatermark } from "../../model/downlink.ts";
import type { Lane } from "../../model/record.ts";
import { topicOf } from "../../model/topics.ts";
import type { SeqRange } from "../seq-ranges.ts";
import type { Query, Row } from "./database.ts";

/** Between two watermarks of one unit, in ms. */
const EVERY_MS = 1_000;
/** A number is missing when a newer one was here for this long: what is still on its way is not asked for again. */
const PATIENCE_MS = 5_000;
/** What is missing still, or came again, is said again after this. */
const REPEAT_MS = 10_000;
const MAX_MISSING = 64;

/**
 * What is said of one lane: all up to `newest` but its holes. Holes above `settledUpTo` are too young to be asked for, so the
 * watermark stays below the first of them.
 */
export function laneWatermark(newest: number, holes: readonly SeqRange[], settledUpTo: number): LaneWatermark {
  const missing: number[] = [];
  for (const [from, to] of holes) {
    if (from > settledUpTo) return { upTo: from - 1, missing };
    for (let seq = from; seq <= to && missing.length < MAX_MISSING; seq++) missing.push(seq);
    if (missing.length === MAX_MISSING) break;
  }
  return { upTo: newest, missing };
}

export interface Watermarks {
  /** A transaction that touched these spools (`unit id/spool`) is committed. */
  committed(spools: ReadonlySet<string>): void;
  /** Every spool in the database is due again: after a start, or when the broker was away. */
  all(): Promise<void>;
  /** Reads, signs and publishes what is due. Never rejects for what the broker does. */
  sweep(): Promise<void>;
  readonly published: number;
}

interface Due {
  readonly unit: number;
  readonly spool: string;
  dueMs: number;
  saidMs: number;
  said: string;
}

/** How far a lane had come, and when that was first seen: what is below is old enough to be asked for. */
interface Progress {
  settled: number;
  newest: number;
  sinceMs: number;
}

/**
 * Publishes what is committed, per unit and spool, at most once a second each. What is said is read from the database, never
 * from memory, so it cannot run ahead of a commit.
 */
export function createWatermarks(options: {
  readonly query: Query;
  readonly key: KeyObject;
  readonly nowMs: () => number;
  readonly publish: (topic: string, text: string) => void;
}): Watermarks {
  const { query, key, nowMs, publish } = options;
  const due = new Map<string, Due>();
  const progress = new Map<number, Progress>();
  let published = 0;

  function mark(name: string, atMs: number): void {
    const known = due.get(name);
    if (known !== undefined) {
      known.dueMs = Math.min(known.dueMs, Math.max(atMs, known.saidMs + EVERY_MS));
      return;
    }
    const slash = name.indexOf("/");
    const unit = Number(name.slice(0, slash));
    due.set(name, { unit, spool: name.slice(slash + 1), dueMs: atMs, saidMs: Number.NEGATIVE_INFINITY, said: "" });
  }

  function settledOf(stream: number, newest: number): { settledUpTo: number; waits: boolean } {
    const now = nowMs();
    const own = progress.get(stream) ?? { settled: 0, newest: 0, sinceMs: now };
    if (now - own.sinceMs >= PATIENCE_MS) own.settled = own.newest;
    if (newest > own.newest && (own.settled === own.newest || now - own.sinceMs >= PATIENCE_MS)) {
      own.newest = newest;
      own.sinceMs = now;
    }
    progress.set(stream, own);
    return { settledUpTo: own.settled, waits: newest > own.settled };
  }

  function say(one: Due, rows: readonly Row[]): void {
    const lanes: Partial<Record<Lane, LaneWatermark>> = {};
    let again = false;
    for (const row of rows) {
      const newest = Number(row["newest"]);
      const holes = (row["holes"] ?? []) as [number, number][];
      const { settledUpTo, waits } = settledOf(Number(row["stream"]), newest);
      const lane = laneWatermark(newest, holes, settledUpTo);
      lanes[row["lane"] as Lane] = lane;
      again ||= holes.length > 0 && (waits || lane.missing.length > 0);
    }
    const first = rows[0];
    if (first === undefined) return;
    const now = nowMs();
    const words = JSON.stringify(lanes);
    one.dueMs = again ? now + PATIENCE_MS : Number.POSITIVE_INFINITY;
    if (words === one.said && now - one.saidMs < REPEAT_MS) return;
    one.said = words;
    one.saidMs = now;
    const unit = String(first["name"]);
    const body: AckText = ackText.parse({
      ...{ kind: "ack", unit, spool: one.spool, lanes },
      at: new Date(now).toISOString(),
    });
    publish(topicOf({ org: String(first["org"]), unit }, "ack"), JSON.stringify(signText(body, key)));
    published++;
  }

  return {
    committed(spools) {
      for (const name of spools) mark(name, nowMs());
    },
    async all() {
      // The newest spool of a unit last: its watermark is the one that stays retained.
      const rows = await query(
        "SELECT unit, spool FROM swath.stream GROUP BY unit, spool ORDER BY unit, min(first_at), min(id)",
      );
      for (const one of due.values()) one.said = "";
      for (const row of rows) mark(`${Number(row["unit"])}/${String(row["spool"])}`, nowMs());
    },
    async sweep() {
      const now = nowMs();
      const ready = [...due.values()].filter((one) => one.dueMs <= now).slice(0, 500);
      if (ready.length === 0) return;
      const rows = await query(
        `SELECT s.id AS stream, s.unit, s.spool, s.lane, u.org, u.name,
                coalesce(upper(k.known) - 1, 0)::float8 AS newest,
                (SELECT json_agg(json_build_array(lower(x.h), upper(x.h) - 1)) FROM (
                   SELECT h FROM unnest(int8multirange(int8range(1, upper(k.known))) - k.known) h LIMIT ${MAX_MISSING}
                 ) x) AS holes
         FROM unnest($1::int[], $2::text[]) AS v(unit, spool)
         JOIN swath.stream s USING (unit, spool)
         JOIN swath.unit u ON u.id = s.unit
         CROSS JOIN LATERAL (SELECT s.have + s.gone + s.quarantined AS known) k`,
        [ready.map((one) => one.unit), ready.map((one) => one.spool)],
      );
      const byName = new Map<string, Row[]>();
      for (const row of rows) {
        const name = `${Number(row["unit"])}/${String(row["spool"])}`;
        const group = byName.get(name);
        if (group === undefined) byName.set(name, [row]);
        else group.push(row);
      }
      for (const one of ready) say(one, byName.get(`${one.unit}/${one.spool}`) ?? []);
    },
    get published() {
      return published;
    },
  };
}
