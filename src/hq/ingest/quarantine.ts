import type { Query } from "./database.ts";
import { joinBytes } from "./join-bytes.ts";
import type { Arrived, Prepared, PutAside } from "./prepare.ts";

/** Most messages and bytes kept of one unit for one reason: what comes beyond is counted. */
export const MAX_KEPT = 1000;
export const MAX_KEPT_BYTES = 16 << 20;
/** The reason of what could not be read without its descriptor, and how the detail tells which. */
export const NO_DESCRIPTOR = "no-descriptor";
export const neverCame = (hash: string): string => `descriptor ${hash} never came`;
const NEVER_CAME = "^descriptor (.*) never came$";
/** A longer payload is kept up to here, and its record is not taken as settled. */
const MAX_PAYLOAD = 256 << 10;

/** Who a message is from, and how its numbers are marked as held in quarantine. */
export interface AsidePlaces {
  unitId(message: Prepared): number;
  settled(unit: number, place: NonNullable<PutAside["place"]>): void;
}

/**
 * Keeps what did not pass the checks, with the reason. A record whose bytes are kept whole is settled: the unit may free it.
 * One beyond the limits stays missing, so nothing is thrown away unseen. Returns how many were put aside.
 */
export async function writeAside(
  query: Query,
  messages: readonly Prepared[],
  receivedAtMs: number,
  places: AsidePlaces,
): Promise<number> {
  const groups = new Map<string, { unit: number; reason: string; list: { topic: string; one: PutAside }[] }>();
  let count = 0;
  for (const message of messages) {
    for (const one of message.aside) {
      const unit = places.unitId(message);
      const key = `${unit}/${one.reason}`;
      const group = groups.get(key) ?? { unit, reason: one.reason, list: [] };
      group.list.push({ topic: message.arrived.topic, one });
      groups.set(key, group);
      count++;
    }
  }
  const at = new Date(receivedAtMs).toISOString();
  // In one order everywhere, so that two ingesters do not wait for each other in a ring.
  for (const [, { unit, reason, list }] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [row] = await query(
      `INSERT INTO swath.put_aside VALUES ($1, $2, $3, 0, 0, $4)
       ON CONFLICT (unit, reason) DO UPDATE SET messages = swath.put_aside.messages + $3, last_at = $4
       RETURNING kept::float8 AS kept, kept_bytes::float8 AS kept_bytes`,
      [unit, reason, list.length, at],
    );
    let kept = Number(row?.["kept"]);
    let keptBytes = Number(row?.["kept_bytes"]);
    const keeping: { topic: string; one: PutAside; payload: Uint8Array }[] = [];
    for (const { topic, one } of list) {
      if (kept >= MAX_KEPT || keptBytes >= MAX_KEPT_BYTES) break;
      const payload = one.raw.subarray(0, MAX_PAYLOAD);
      keeping.push({ topic, one, payload });
      kept++;
      keptBytes += payload.length;
      if (one.place !== undefined && payload.length === one.raw.length) places.settled(unit, one.place);
    }
    if (keeping.length === 0) continue;
    const payloads = joinBytes(keeping.map(({ payload }) => payload));
    await query(
      `INSERT INTO swath.quarantine (unit, topic, reason, detail, bytes, payload, received_at)
       SELECT $1, v.topic, $2, v.detail, v.bytes, substring($3::bytea FROM v.start FOR v.size), $4
       FROM unnest($5::text[], $6::text[], $7::int[], $8::int[], $9::int[]) AS v(topic, detail, bytes, start, size)`,
      [
        ...[unit, reason, payloads.bytes, at],
        keeping.map(({ topic }) => topic),
        keeping.map(({ one }) => one.detail),
        keeping.map(({ one }) => one.raw.length),
        payloads.starts,
        keeping.map(({ payload }) => payload.length),
      ],
    );
    await query("UPDATE swath.put_aside SET kept = $3, kept_bytes = $4 WHERE unit = $1 AND reason = $2", [
      ...[unit, reason, kept, keptBytes],
    ]);
  }
  return count;
}

/** Most messages taken back at a time. */
const MAX_BACK = 500;

/**
 * Messages that were put aside for want of a descriptor which has come since, whole as they were received. `taken` hears
 * those whose records are committed: only then does one leave the quarantine, so a fault between costs a duplicate at most.
 */
export async function readableAgain(
  query: Query,
  org: string,
  nowMs: number,
  taken: (id: string) => void,
): Promise<Arrived[]> {
  const rows = await query(
    `SELECT q.id::text AS id, u.name, q.topic, q.payload
     FROM swath.put_aside p
     JOIN swath.unit u ON u.id = p.unit AND u.org = $1
     JOIN swath.quarantine q ON q.unit = p.unit AND q.reason = p.reason AND q.bytes = octet_length(q.payload)
     JOIN swath.descriptor d ON d.hash = substring(q.detail FROM $3)
     WHERE p.reason = $2 AND p.kept > 0 ORDER BY q.id LIMIT ${MAX_BACK}`,
    [org, NO_DESCRIPTOR, NEVER_CAME],
  );
  return rows.map((row) => {
    const payload = row["payload"] as Uint8Array;
    const topic = String(row["topic"]);
    const unit = `${org}/${String(row["name"])}`;
    return { unit, topic, payload, bytes: payload.length + 200, atMs: nowMs, ack: () => taken(String(row["id"])) };
  });
}

/** Takes messages out of the quarantine whose records are committed. */
export async function leaveQuarantine(query: Query, ids: readonly string[]): Promise<void> {
  await query(
    `WITH gone AS (DELETE FROM swath.quarantine WHERE id = ANY($1::bigint[])
                   RETURNING unit, reason, octet_length(payload) AS bytes),
          sums AS (SELECT unit, reason, count(*) AS n, sum(bytes) AS bytes FROM gone GROUP BY unit, reason)
     UPDATE swath.put_aside p SET kept = p.kept - s.n, kept_bytes = p.kept_bytes - s.bytes
     FROM sums s WHERE p.unit = s.unit AND p.reason = s.reason`,
    [ids],
  );
}
