import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../../src/hq/ingest/database.ts";
import { startIngester } from "../../src/hq/ingest/ingester.ts";
import { migrate } from "../../src/hq/ingest/migrations.ts";
import { openPostgres } from "../../src/hq/ingest/postgres.ts";
import { DESC, telemetry } from "../hq/records.ts";
import { hearWatermarks, makeKey, ORG, openPeer } from "../rigs/hq.ts";
import { aheadOfCommit, hqFaults, hqUnharmed } from "../rigs/hq-faults.ts";
import { type Mosquitto, startMosquitto } from "../rigs/mosquitto.ts";
import { type Postgres, startPostgres } from "../rigs/postgres.ts";
import { until } from "../rigs/unit.ts";

const key = makeKey();
const silent = { info: () => undefined, warn: () => undefined };
let server: Postgres;
let broker: Mosquitto;
let names = 0;

beforeAll(async () => {
  server = await startPostgres();
}, 120_000);
// A broker of its own for each test: the session of an ingester that has gone takes its share for a while.
beforeEach(async () => {
  broker = await startMosquitto(["allow_anonymous true", "max_queued_messages 0", "max_inflight_messages 0"]);
});
afterEach(() => broker.stop());
afterAll(() => {
  server?.stop();
  key.remove();
});

const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** A database whose commits take long. */
function slow(db: Database, ms: number): Database {
  return {
    ...db,
    transaction: (work) =>
      db.transaction(async (query) => {
        const result = await work(query);
        await sleep(ms);
        return result;
      }),
  };
}

/** A database that answers before it has committed, and shows what is not committed yet: the negative control. */
async function answersTooEarly(url: string, ms: number): Promise<Database> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  let open: Promise<void> | undefined;
  const query = async (text: string, values?: readonly unknown[]) => (await client.query(text, values as any)).rows;
  return {
    durable: true,
    query,
    async transaction(work) {
      if (open === undefined) {
        await query("BEGIN");
        open = sleep(ms).then(async () => {
          open = undefined;
          await query("COMMIT");
        });
      }
      return work(query);
    },
    async close() {
      await open;
      await client.end();
    },
  };
}

/** Watermarks heard, and how many of them named what was not committed, with records sent to an ingester on `database`. */
async function watermarksOf(
  database: Database,
  witness: Database,
  unit: string,
): Promise<{ heard: number; ahead: number }> {
  const ingester = await startIngester({
    ...{ database, org: ORG, name: unit, key: key.private, log: silent },
    broker: { url: new URL(`mqtt://127.0.0.1:${broker.port}`) },
  });
  let heard = 0;
  let ahead = 0;
  let upTo = 0;
  const checks: Promise<void>[] = [];
  const ears = await hearWatermarks(broker.port, key.public, (ack) => {
    if (ack.unit !== unit) return;
    heard++;
    upTo = ack.lanes.log?.upTo ?? 0;
    checks.push(
      aheadOfCommit(witness, ack).then((n) => {
        if (n > 0) ahead++;
      }),
    );
  });
  const peer = await openPeer(broker.port, unit, [], () => undefined);
  await until("the broker", () => ingester.stats().connected);
  for (let seq = 1; seq <= 30; seq++) {
    await peer.publish(`swath/1/${ORG}/${unit}/log`, JSON.stringify(telemetry({ seq })));
    await sleep(100);
  }
  await until("the last watermark", () => upTo === 30);
  await Promise.all(checks);
  ears.close();
  peer.end();
  await ingester.close();
  await database.close();
  return { heard, ahead };
}

describe("HQ under faults", () => {
  it("loses no record and counts none twice when ingester, broker and database are killed", async () => {
    const figures = await hqFaults({ ingesterKills: 8, brokerKills: 2, databaseCrashes: 1 });
    console.log(JSON.stringify(figures));
    expect(hqUnharmed(figures), JSON.stringify(figures)).toBe(true);
  }, 300_000);

  it("publishes no watermark before its commit, however long the commit takes", async () => {
    const url = server.createDatabase(`early${++names}`);
    const witness = openPostgres(url);
    await migrate(witness);
    const { heard, ahead } = await watermarksOf(slow(openPostgres(url), 300), witness, "w1");
    expect(heard).toBeGreaterThan(0);
    expect(ahead).toBe(0);
    await witness.close();
  });

  it("would be caught if it did: a database that answers before it commits gives watermarks that run ahead", async () => {
    const url = server.createDatabase(`early${++names}`);
    const witness = openPostgres(url);
    await migrate(witness);
    const { ahead } = await watermarksOf(await answersTooEarly(url, 6000), witness, "w2");
    expect(ahead).toBeGreaterThan(0);
    await witness.close();
  });

  it("takes the record of one unit while the flood of another still waits", async () => {
    const db = openPostgres(server.createDatabase(`flood${++names}`));
    let open: () => void = () => undefined;
    const gate = new Promise<void>((done) => {
      open = done;
    });
    const held: Database = {
      ...db,
      transaction: async (work) => {
        if ((await db.query("SELECT FROM pg_tables WHERE tablename = 'migration'")).length > 0) await gate;
        return db.transaction(work);
      },
    };
    const ingester = await startIngester({
      ...{ database: held, org: ORG, name: "flooded", log: silent },
      broker: { url: new URL(`mqtt://127.0.0.1:${broker.port}`) },
    });
    const peer = await openPeer(broker.port, "flood", [], () => undefined);
    try {
      await until("the broker", () => ingester.stats().connected);
      for (let from = 1; from <= 3000; from += 500) {
        const some = Array.from({ length: 500 }, (_, i) => JSON.stringify(telemetry({ seq: from + i }, DESC, 1)));
        await Promise.all(some.map((text) => peer.publish(`swath/1/${ORG}/flood/log`, text)));
      }
      await peer.publish(`swath/1/${ORG}/calm/log`, JSON.stringify(telemetry({ seq: 1 })));
      await until("all to arrive", () => ingester.stats().messages === 3001, 60_000);
      open();
      await until("all of it", () => ingester.stats().records === 3001, 60_000);
      const [row] = await db.query(
        `SELECT count(*)::int AS later FROM swath.wire_record r WHERE r.received_at > (
           SELECT c.received_at FROM swath.wire_record c JOIN swath.unit u ON u.id = c.unit WHERE u.name = 'calm')`,
      );
      expect(row?.["later"]).toBeGreaterThan(1000);
    } finally {
      open();
      peer.end();
      await ingester.close();
      await db.close();
    }
  });

  it("keeps a bounded part of what is poisonous, counts all of it, and takes the good records beside it", async () => {
    const db = openPostgres(server.createDatabase(`poison${++names}`));
    const ingester = await startIngester({
      ...{ database: db, org: ORG, name: "poisoned", log: silent },
      broker: { url: new URL(`mqtt://127.0.0.1:${broker.port}`) },
    });
    const peer = await openPeer(broker.port, "poison", [], () => undefined);
    const publish = (unit: string, body: unknown) =>
      peer.publish(`swath/1/${ORG}/${unit}/event`, typeof body === "string" ? body : JSON.stringify(body));
    try {
      await until("the broker", () => ingester.stats().connected);
      const nul = (seq: number) => ({ ...eventOf(seq), detail: { text: "a\u0000b" } });
      await publish("good", eventOf(1));
      await publish("bad", nul(1));
      await publish("bad", [eventOf(2), nul(3), eventOf(4)]);
      for (let i = 0; i < 4; i++)
        await publish(
          "bad",
          Array.from({ length: 300 }, (_, n) => ({ seq: n })),
        );
      await publish("good", eventOf(2));
      await until("all of it", () => ingester.stats().records === 4 && ingester.stats().aside === 1202, 60_000);
      const rows = await db.query(
        `SELECT p.reason, p.messages::int AS messages, p.kept::int AS kept, count(q.id)::int AS rows
         FROM swath.put_aside p JOIN swath.quarantine q ON q.unit = p.unit AND q.reason = p.reason
         GROUP BY 1, 2, 3 ORDER BY 1`,
      );
      expect(rows).toEqual([
        { reason: "database", messages: 2, kept: 2, rows: 2 },
        { reason: "schema", messages: 1200, kept: 1000, rows: 1000 },
      ]);
    } finally {
      peer.end();
      await ingester.close();
      await db.close();
    }
  });
});

function eventOf(seq: number) {
  const head = { v: 1, seq, spool: "spool-aaaa", boot: "boot-aaaa", mono: seq, trust: "none" };
  return { ...head, kind: "event", name: "x", severity: "info", detail: {} };
}
