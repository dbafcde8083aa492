import { type Database, isRefusal } from "./database.ts";
import { ensureDay } from "./migrations.ts";
import type { GoodRecord, Prepared } from "./prepare.ts";
import { learnDescriptors } from "./words.ts";
import { createIds, learnIds, type Written, writeBatch } from "./write.ts";

const LONGEST_RETRY_MS = 5_000;

const why = (e: unknown) => (e instanceof Error ? e.message : String(e));
const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/**
 * Commits checked messages, many in one transaction; alone those that the database refuses, and what it refuses alone is put
 * aside. While the database cannot be reached it tries again for as long as `goesOn` says.
 */
export function createSettler(options: {
  readonly database: Database;
  readonly goesOn: () => boolean;
  /** These are committed. */
  readonly done: (messages: readonly Prepared[], written: Written) => void;
  readonly failed: (reason: string, messages: number) => void;
}) {
  const { database } = options;
  const ids = createIds();
  const days = new Set<string>();

  async function commit(messages: readonly Prepared[]): Promise<Written> {
    const atMs = Date.now();
    const day = new Date(atMs).toISOString().slice(0, 10);
    if (!days.has(day)) {
      await ensureDay(database, atMs);
      await ensureDay(database, atMs + 86_400_000);
      days.add(day);
    }
    await learnIds(database.query, ids, messages);
    const written = await database.transaction((query) => writeBatch(query, ids, messages, atMs));
    await learnDescriptors(database.query, ids, messages).catch(() => undefined);
    return written;
  }

  /** Resolves with true when all of it is committed, with false when it gave up. */
  async function settle(messages: readonly Prepared[]): Promise<boolean> {
    for (let attempt = 0; options.goesOn() || attempt === 0; attempt++) {
      try {
        options.done(messages, await commit(messages));
        return true;
      } catch (e) {
        if (isRefusal(e)) {
          const half = messages.length >> 1;
          if (half > 0) return (await settle(messages.slice(0, half))) && settle(messages.slice(half));
          const [one] = messages;
          if (one !== undefined && one.records.length > 1) {
            const records = await settle(one.records.map((record) => only(one, record)));
            return records && settle([{ ...one, records: [] }]);
          }
          if (one !== undefined && one.records.length + one.words.length + one.descriptors.length > 0)
            return settle([refusedByDatabase(one, why(e))]);
        }
        options.failed(why(e), messages.length);
        await sleep(Math.min(LONGEST_RETRY_MS, 100 * 2 ** Math.min(attempt, 10)));
      }
    }
    return false;
  }

  return { ids, settle };
}

/** One record of a message as a message of its own, which acknowledges nothing. */
function only(message: Prepared, record: GoodRecord): Prepared {
  const arrived = { ...message.arrived, ack: () => undefined };
  return { ...message, arrived, records: [record], descriptors: [], words: [], aside: [] };
}

/** The same message of at most one record with all of it put aside. */
function refusedByDatabase(message: Prepared, detail: string): Prepared {
  const [good] = message.records;
  const raw = good?.raw ?? message.arrived.payload;
  const place =
    good === undefined ? {} : { place: { lane: good.lane, spool: good.record.spool, seq: good.record.seq } };
  const refused = { reason: "database", detail, raw, ...place };
  return { ...message, records: [], words: [], descriptors: [], aside: [...message.aside, refused] };
}
