import pg from "pg";
import type { Database, Query } from "./database.ts";

/** A connection that does not come about within this is given up. */
const CONNECT_MS = 10_000;
/** A statement that takes longer hangs: on a lock, or on a server that is gone. */
const STATEMENT_MS = 120_000;

/** Opens PostgreSQL at `postgres://…`. Connections are made when they are needed, so nothing fails here. */
export function openPostgres(url: string): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: 4,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: STATEMENT_MS,
    keepAlive: true,
    application_name: "swath",
    // With it off, a commit that was answered may be lost in a crash, and the watermark with it would be a lie.
    options: "-c synchronous_commit=on -c timezone=UTC",
  });
  // A connection that breaks while nobody uses it is replaced by the pool.
  pool.on("error", () => {});

  return {
    durable: true,
    async query(text, values) {
      return (await pool.query(text, values as unknown[])).rows;
    },
    async transaction(work) {
      const client = await pool.connect();
      let broken: Error | undefined;
      const note = (e: Error) => {
        broken = e;
      };
      client.on("error", note);
      try {
        const query: Query = async (text, values) => (await client.query(text, values as unknown[])).rows;
        await query("BEGIN");
        const result = await work(query);
        await query("COMMIT");
        return result;
      } catch (e) {
        await client.query("ROLLBACK").catch(note);
        throw e;
      } finally {
        client.off("error", note);
        client.release(broken);
      }
    },
    close: () => pool.end(),
  };
}
