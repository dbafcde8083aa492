import type { Database, Query } from "./database.ts";

/** What one import did, as it is kept. */
export interface Import {
  readonly unit: number;
  readonly sha256: string;
  readonly made: string | undefined;
  readonly signed: boolean;
  readonly records: number;
  readonly duplicates: number;
  readonly aside: number;
  /** `unit id/spool`: those whose watermark may have moved. */
  readonly spools: ReadonlySet<string>;
}

/** Notes an import, also one that brought nothing new; running ingesters see it. */
export async function noteImport(database: Database, one: Import): Promise<void> {
  const { unit, sha256, made, signed, records, duplicates, aside, spools } = one;
  await database.transaction(async (query) => {
    // One after the other, so that who has seen an id has seen all before it.
    await query("LOCK TABLE swath.import IN EXCLUSIVE MODE");
    await query(
      `INSERT INTO swath.import (unit, sha256, made, signed, records, duplicates, aside, spools)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [unit, sha256, made ?? null, signed, records, duplicates, aside, [...spools]],
    );
  });
}

/** The newest import there is; 0 when there is none. */
export async function newestImport(query: Query): Promise<number> {
  const [row] = await query("SELECT coalesce(max(id), 0) AS id FROM swath.import");
  return Number(row?.["id"] ?? 0);
}

/** The spools of all imports after one, and the newest of them. */
export async function importedSince(
  query: Query,
  after: number,
): Promise<{ readonly upTo: number; readonly spools: ReadonlySet<string> }> {
  const rows = await query("SELECT id, spools FROM swath.import WHERE id > $1 ORDER BY id", [after]);
  const spools = new Set(rows.flatMap((row) => row["spools"] as string[]));
  return { upTo: Number(rows.at(-1)?.["id"] ?? after), spools };
}
