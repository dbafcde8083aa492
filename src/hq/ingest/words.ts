import type { Query } from "./database.ts";
import type { GoodRecord, Prepared } from "./prepare.ts";
import type { Ids } from "./write.ts";

/** Stores descriptors by hash, and marks the hashes that stored records wait for. */
export async function writeDescriptors(
  query: Query,
  ids: Ids,
  messages: readonly Prepared[],
  fresh: readonly (GoodRecord & { readonly unit: number })[],
  receivedAtMs: number,
): Promise<void> {
  const at = new Date(receivedAtMs).toISOString();
  const came = new Map<string, object>();
  for (const { descriptors } of messages)
    for (const { hash, body } of descriptors) if (!ids.descriptors.has(hash)) came.set(hash, body);
  for (const [hash, body] of [...came].sort(([a], [b]) => (a < b ? -1 : 1))) {
    await query("INSERT INTO swath.descriptor VALUES ($1, $2::jsonb, $3) ON CONFLICT DO NOTHING", [
      ...[hash, JSON.stringify(body), at],
    ]);
    await query("DELETE FROM swath.awaited_descriptor WHERE hash = $1", [hash]);
  }
  const awaited = new Map<string, readonly [hash: string, unit: number]>();
  for (const { record, unit } of fresh)
    if ("desc" in record && !ids.descriptors.has(record.desc))
      awaited.set(`${record.desc} ${unit}`, [record.desc, unit]);
  if (awaited.size === 0) return;
  const list = [...awaited.values()].sort(([a], [b]) => (a < b ? -1 : 1));
  await query(
    `INSERT INTO swath.awaited_descriptor (hash, unit, since)
     SELECT v.hash, v.unit, $3 FROM unnest($1::text[], $2::int[]) AS v(hash, unit)
     WHERE NOT EXISTS (SELECT FROM swath.descriptor d WHERE d.hash = v.hash) ON CONFLICT DO NOTHING`,
    [list.map(([hash]) => hash), list.map(([, unit]) => unit), at],
  );
}

/** Reads which of the descriptors that `messages` name are stored by now; after a commit, so that it stays true. */
export async function learnDescriptors(query: Query, ids: Ids, messages: readonly Prepared[]): Promise<void> {
  const asked = new Set<string>();
  for (const { records, descriptors } of messages) {
    for (const { record } of records) if ("desc" in record && !ids.descriptors.has(record.desc)) asked.add(record.desc);
    for (const { hash } of descriptors) if (!ids.descriptors.has(hash)) asked.add(hash);
  }
  if (asked.size === 0) return;
  const rows = await query("SELECT hash FROM swath.descriptor WHERE hash = ANY($1::text[])", [[...asked]]);
  for (const row of rows) ids.descriptors.add(String(row["hash"]));
}

/** Keeps the newest `state`, `health` and `alerts` of each unit, and the answers to commands. */
export async function writeWords(
  query: Query,
  messages: readonly Prepared[],
  unitId: (message: Prepared) => number,
  receivedAtMs: number,
): Promise<void> {
  const at = new Date(receivedAtMs).toISOString();
  const newest = new Map<string, { unit: number; cls: "state" | "health" | "alerts"; body: string }>();
  for (const message of messages) {
    const unit = unitId(message);
    for (const word of message.words) {
      const body = JSON.stringify(word.body);
      if (word.cls !== "rsp") {
        newest.set(`${String(unit).padStart(10, "0")} ${word.cls}`, { unit, cls: word.cls, body });
      } else {
        await query(
          `UPDATE swath.command SET answered_at = $3, answer = $4::jsonb
           WHERE unit = $1 AND id = $2 AND answered_at IS NULL`,
          [unit, word.body.id, at, body],
        );
      }
    }
  }
  // In one order everywhere, so that two ingesters do not wait for each other in a ring.
  for (const [, { unit, cls, body }] of [...newest].sort(([a], [b]) => (a < b ? -1 : 1))) {
    await query(
      `UPDATE swath.unit SET ${cls} = $2::jsonb, ${cls}_at = $3, last_heard = $3 WHERE id = $1
         AND (${cls}_at IS NULL OR ${cls}_at <= $3)`,
      [unit, body, at],
    );
  }
}
