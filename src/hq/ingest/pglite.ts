import type { Database } from "./database.ts";

/**
 * Opens the embedded PostgreSQL in memory, for the demonstration: the same SQL, but what it commits is gone with the process.
 * It takes seconds and hundreds of megabytes, so it is loaded only here.
 */
export async function openPglite(): Promise<Database> {
  const { PGlite } = await import("@electric-sql/pglite");
  const db = await PGlite.create();
  await db.exec("SET timezone = 'UTC'");
  return {
    durable: false,
    async query(text, values) {
      return (await db.query<Record<string, unknown>>(text, values as unknown[])).rows;
    },
    transaction: (work) =>
      db.transaction((tx) =>
        work(async (text, values) => (await tx.query<Record<string, unknown>>(text, values as unknown[])).rows),
      ) as ReturnType<typeof work>,
    close: () => db.close(),
  };
}
