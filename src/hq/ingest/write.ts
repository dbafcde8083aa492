import type { Lane, WireRecord } from "../../model/record.ts";
import type { SeqRanges } from "../seq-ranges.ts";
import type { Query } from "./database.ts";
import { joinBytes } from "./join-bytes.ts";
import type { GoodRecord, Prepared } from "./prepare.ts";
import { writeAside } from "./quarantine.ts";
import { formatRuns, parseRuns } from "./runs.ts";
import { writeDescriptors, writeWords } from "./words.ts";

/** What a transaction did, once it is committed. */
export interface Written {
  readonly records: number;
  readonly duplicates: number;
  readonly aside: number;
  /** Spools whose watermark may have moved: `unit id/spool`. */
  readonly spools: ReadonlySet<string>;
}

/** Ids that the database gave; shared by all transactions of one ingester, filled only with what is committed. */
export interface Ids {
  readonly units: Map<string, number>;
  readonly streams: Map<string, number>;
  /** Hashes of descriptors known to be stored. */
  readonly descriptors: Set<string>;
}

/** A new set of empty ids. */
export function createIds(): Ids {
  return { units: new Map(), streams: new Map(), descriptors: new Set() };
}

interface StreamRuns {
  readonly have: SeqRanges;
  readonly gone: SeqRanges;
  readonly quarantined: SeqRanges;
  changed: boolean;
}

const unitKey = (org: string, unit: string) => `${org}/${unit}`;
const streamKey = (unit: number, spool: string, lane: Lane) => `${unit}/${spool}/${lane}`;

/** Gives every unit and stream of `messages` its id, in statements of their own: a row that is there too early does no harm. */
export async function learnIds(query: Query, ids: Ids, messages: readonly Prepared[]): Promise<void> {
  const units = new Map<string, readonly [string, string]>();
  for (const { org, unit } of messages)
    if (!ids.units.has(unitKey(org, unit))) units.set(unitKey(org, unit), [org, unit]);
  if (units.size > 0) {
    const pairs = [...units.values()];
    const columns = [pairs.map(([org]) => org), pairs.map(([, name]) => name)];
    const from = "FROM unnest($1::text[], $2::text[]) AS v(org, name)";
    await query(`INSERT INTO swath.unit (org, name) SELECT v.org, v.name ${from} ON CONFLICT DO NOTHING`, columns);
    const rows = await query(`SELECT u.id, u.org, u.name ${from} JOIN swath.unit u USING (org, name)`, columns);
    for (const row of rows) ids.units.set(unitKey(String(row["org"]), String(row["name"])), Number(row["id"]));
  }
  const streams = new Map<string, readonly [number, string, Lane]>();
  for (const message of messages) {
    const unit = unitIdOf(ids, message);
    for (const [spool, lane] of placesOf(message)) {
      const key = streamKey(unit, spool, lane);
      if (!ids.streams.has(key)) streams.set(key, [unit, spool, lane]);
    }
  }
  if (streams.size > 0) {
    const list = [...streams.values()];
    const columns = [list.map(([unit]) => unit), list.map(([, spool]) => spool), list.map(([, , lane]) => lane)];
    const from = "FROM unnest($1::int[], $2::text[], $3::text[]) AS v(unit, spool, lane)";
    await query(
      `INSERT INTO swath.stream (unit, spool, lane) SELECT v.unit, v.spool, v.lane ${from} ON CONFLICT DO NOTHING`,
      columns,
    );
    const rows = await query(
      `SELECT s.id, s.unit, s.spool, s.lane ${from} JOIN swath.stream s USING (unit, spool, lane)`,
      columns,
    );
    for (const row of rows)
      ids.streams.set(streamKey(Number(row["unit"]), String(row["spool"]), row["lane"] as Lane), Number(row["id"]));
  }
}

/** Writes all of `messages` and marks their numbers as held, in the transaction of `query`. Ids must be known. */
export async function writeBatch(
  query: Query,
  ids: Ids,
  messages: readonly Prepared[],
  receivedAtMs: number,
): Promise<Written> {
  const runs = await lockStreams(query, ids, messages);
  const spools = new Set<string>();
  const fresh: (GoodRecord & { readonly unit: number; readonly stream: number })[] = [];
  let duplicates = 0;
  for (const message of messages) {
    const unit = unitIdOf(ids, message);
    for (const good of message.records) {
      const { spool, seq } = good.record;
      const stream = streamIdOf(ids, unit, spool, good.lane);
      const own = runs.get(stream)!;
      spools.add(`${unit}/${spool}`);
      if (own.have.add(seq) === 0) {
        duplicates++;
        continue;
      }
      own.changed = true;
      if (good.record.kind === "gap") own.gone.add(good.record.from, good.record.to);
      fresh.push({ ...good, unit, stream });
    }
  }
  await insertRecords(query, fresh, receivedAtMs);
  await insertFacts(query, fresh);
  await writeDescriptors(query, ids, messages, fresh, receivedAtMs);
  const aside = await writeAside(query, messages, receivedAtMs, {
    unitId: (message) => unitIdOf(ids, message),
    settled(unit, { lane, spool, seq }) {
      const own = runs.get(streamIdOf(ids, unit, spool, lane))!;
      spools.add(`${unit}/${spool}`);
      if (own.quarantined.add(seq) > 0) own.changed = true;
    },
  });
  await saveRuns(query, runs);
  await writeWords(query, messages, (message) => unitIdOf(ids, message), receivedAtMs);
  return { records: fresh.length, duplicates, aside, spools };
}

function unitIdOf(ids: Ids, message: Prepared): number {
  return ids.units.get(unitKey(message.org, message.unit))!;
}

function streamIdOf(ids: Ids, unit: number, spool: string, lane: Lane): number {
  return ids.streams.get(streamKey(unit, spool, lane))!;
}

function* placesOf(message: Prepared): Generator<readonly [spool: string, lane: Lane]> {
  for (const { record, lane } of message.records) yield [record.spool, lane];
  for (const { place } of message.aside) if (place !== undefined) yield [place.spool, place.lane];
}

/** Locks the rows of all streams in the order of their ids, so that two ingesters wait for each other and never in a ring. */
async function lockStreams(query: Query, ids: Ids, messages: readonly Prepared[]): Promise<Map<number, StreamRuns>> {
  const wanted = new Set<number>();
  for (const message of messages)
    for (const [spool, lane] of placesOf(message)) wanted.add(streamIdOf(ids, unitIdOf(ids, message), spool, lane));
  const runs = new Map<number, StreamRuns>();
  if (wanted.size === 0) return runs;
  const rows = await query(
    `SELECT id, have::text AS have, gone::text AS gone, quarantined::text AS quarantined
     FROM swath.stream WHERE id = ANY($1::int[]) ORDER BY id FOR UPDATE`,
    [[...wanted]],
  );
  for (const row of rows) {
    const [have, gone, quarantined] = ["have", "gone", "quarantined"].map((name) => parseRuns(String(row[name])));
    runs.set(Number(row["id"]), { have: have!, gone: gone!, quarantined: quarantined!, changed: false });
  }
  return runs;
}

async function saveRuns(query: Query, runs: ReadonlyMap<number, StreamRuns>): Promise<void> {
  const changed = [...runs].filter(([, own]) => own.changed);
  if (changed.length === 0) return;
  await query(
    `UPDATE swath.stream s SET have = v.have::int8multirange, gone = v.gone::int8multirange,
            quarantined = v.quarantined::int8multirange
     FROM unnest($1::int[], $2::text[], $3::text[], $4::text[]) AS v(id, have, gone, quarantined) WHERE s.id = v.id`,
    [
      changed.map(([id]) => id),
      changed.map(([, own]) => formatRuns(own.have.runs)),
      changed.map(([, own]) => formatRuns(own.gone.runs)),
      changed.map(([, own]) => formatRuns(own.quarantined.runs)),
    ],
  );
}

/** Mono of the end of what a record tells of. */
function untilMono(record: WireRecord): number {
  switch (record.kind) {
    case "telemetry":
      return record.mono + record.n * record.dt;
    case "track":
      return record.mono + (record.at.at(-1) ?? 0);
    default:
      return record.mono;
  }
}

type Fresh = GoodRecord & { readonly unit: number; readonly stream: number };

async function insertRecords(query: Query, fresh: readonly Fresh[], receivedAtMs: number): Promise<void> {
  if (fresh.length === 0) return;
  const raws = joinBytes(fresh.map(({ raw }) => raw));
  await query(
    `INSERT INTO swath.wire_record (stream, seq, unit, kind, boot, mono, until_mono, t, trust, unc, descriptor,
                                    received_at, encoding, raw, body)
     SELECT v.stream, v.seq, v.unit, v.kind, v.boot, v.mono, v.until_mono, v.t, v.trust, v.unc, v.descriptor,
            $14::timestamptz, 'json', substring($15::bytea FROM v.start FOR v.size),
            convert_from(substring($15::bytea FROM v.start FOR v.size), 'UTF8')::jsonb
     FROM unnest($1::int[], $2::bigint[], $3::int[], $4::text[], $5::text[], $6::float8[], $7::float8[],
                 $8::timestamptz[], $9::text[], $10::float8[], $11::text[], $12::int[], $13::int[])
       AS v(stream, seq, unit, kind, boot, mono, until_mono, t, trust, unc, descriptor, start, size)`,
    [
      fresh.map((f) => f.stream),
      fresh.map((f) => f.record.seq),
      fresh.map((f) => f.unit),
      fresh.map((f) => f.record.kind),
      fresh.map((f) => f.record.boot),
      fresh.map((f) => f.record.mono),
      fresh.map((f) => untilMono(f.record)),
      fresh.map((f) => f.record.t ?? null),
      fresh.map((f) => f.record.trust),
      fresh.map((f) => f.record.unc ?? null),
      fresh.map((f) => ("desc" in f.record ? f.record.desc : null)),
      raws.starts,
      fresh.map(({ raw }) => raw.length),
      new Date(receivedAtMs).toISOString(),
      raws.bytes,
    ],
  );
}

/** Anchors, gaps, outages and the machine a unit is on, each in a table of its own beside the record. */
async function insertFacts(query: Query, fresh: readonly Fresh[]): Promise<void> {
  for (const { record, stream, unit } of fresh) {
    const { seq, boot, mono } = record;
    if (record.kind === "anchor") {
      await query("INSERT INTO swath.anchor VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING", [
        ...[stream, seq, unit, boot, mono, record.offsetMs, record.trust],
        record.unc ?? 0,
      ]);
    } else if (record.kind === "desc") {
      await query("INSERT INTO swath.mounting VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING", [
        ...[stream, seq, unit, boot, mono, record.body.machine],
      ]);
    } else if (record.kind === "gap") {
      await query("INSERT INTO swath.gap VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", [
        ...[stream, record.from, record.to, record.reason],
      ]);
    } else if (record.kind === "outage") {
      await query("INSERT INTO swath.outage VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING", [
        ...[stream, seq, unit, boot, record.from, record.to, record.reason],
      ]);
    }
  }
}
