import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBroker } from "../../src/hq/broker.ts";
import type { Connection } from "../../src/hq/ingest/connection.ts";
import type { Database } from "../../src/hq/ingest/database.ts";
import { startIngester } from "../../src/hq/ingest/ingester.ts";
import { migrate } from "../../src/hq/ingest/migrations.ts";
import { openPglite } from "../../src/hq/ingest/pglite.ts";
import { openPostgres } from "../../src/hq/ingest/postgres.ts";
import { stateMessage } from "../hq/messages.ts";
import { desc, event, telemetry } from "../hq/records.ts";
import { hearWatermarks, launchIngester, makeKey, ORG, openPeer } from "../rigs/hq.ts";
import { type Mosquitto, startMosquitto } from "../rigs/mosquitto.ts";
import { type Postgres, startPostgres } from "../rigs/postgres.ts";
import { runSwath, until } from "../rigs/unit.ts";

const key = makeKey();
const silent = { info: () => undefined, warn: () => undefined };
let server: Postgres;
let broker: Mosquitto;
let names = 0;

beforeAll(async () => {
  [server, broker] = await Promise.all([startPostgres(), startMosquitto()]);
}, 120_000);
afterAll(async () => {
  await broker?.stop();
  server?.stop();
  key.remove();
});

const newDatabase = () => server.createDatabase(`hq${++names}`);
const topic = (unit: string, cls: string) => `swath/1/${ORG}/${unit}/${cls}`;

async function committed(db: Database, unit: string): Promise<number> {
  const [row] = await db.query(
    `SELECT coalesce(sum(upper(r) - lower(r)), 0)::int AS n
     FROM swath.stream s JOIN swath.unit u ON u.id = s.unit CROSS JOIN LATERAL unnest(s.have) r WHERE u.name = $1`,
    [unit],
  );
  return Number(row?.["n"]);
}

/** A unit that publishes records until their number is in a watermark. */
async function publishAll(peer: Connection, unit: string, records: readonly object[], cls = "log"): Promise<void> {
  await Promise.all(records.map((record) => peer.publish(topic(unit, cls), JSON.stringify(record))));
}

describe("the ingester", () => {
  it("says what it holds after it is committed, signed and retained, and says itself online", async () => {
    const database = newDatabase();
    const hq = launchIngester({ port: broker.port, database, key: key.file });
    const peer = await openPeer(broker.port, "u1", [`swath/1/${ORG}/hq/state`], () => undefined);
    try {
      await hq.until("the broker", () => /connected to the broker/.test(hq.output));
      await publishAll(peer, "u1", [desc({ seq: 1 }), telemetry({ seq: 2 }), telemetry({ seq: 3 })]);
      await publishAll(peer, "u1", [event({ seq: 1 })], "event");
      const ears = await hearWatermarks(broker.port, key.public);
      const ack = await until("the watermark", () => {
        const newest = ears.newest("u1");
        return newest?.lanes.log?.upTo === 3 && newest.lanes.event?.upTo === 1 ? newest : undefined;
      });
      expect(ack).toMatchObject({ spool: "spool-aaaa", lanes: { log: { missing: [] }, event: { missing: [] } } });
      ears.close();
      const states: string[] = [];
      const late = await openPeer(broker.port, "late", [`swath/1/${ORG}/hq/state`], (m) =>
        states.push(String(m.payload)),
      );
      await until("the state", () => states.includes('{"v":1,"state":"online"}'));
      await hq.stop();
      await until("the state", () => states.includes('{"v":1,"state":"offline"}'));
      late.end();
    } finally {
      peer.end();
      await hq.stop();
    }
  });

  it("asks for what it lacks, after it had time to come by itself", async () => {
    const database = newDatabase();
    const hq = launchIngester({ port: broker.port, database, key: key.file });
    const peer = await openPeer(broker.port, "u2", [], () => undefined);
    const ears = await hearWatermarks(broker.port, key.public);
    try {
      await hq.until("the broker", () => /connected to the broker/.test(hq.output));
      await publishAll(
        peer,
        "u2",
        [1, 2, 5, 7].map((seq) => telemetry({ seq })),
      );
      const first = await until("a watermark", () => ears.newest("u2")?.lanes.log);
      expect(first).toEqual({ upTo: 2, missing: [] });
      const asked = await until(
        "the missing",
        () => ears.newest("u2")?.lanes.log?.missing.length === 3 && ears.newest("u2"),
      );
      expect(asked.lanes.log).toEqual({ upTo: 7, missing: [3, 4, 6] });
      await publishAll(
        peer,
        "u2",
        [3, 4, 6].map((seq) => telemetry({ seq })),
      );
      await until("all of them", () => ears.newest("u2")?.lanes.log?.missing.length === 0);
      expect(ears.newest("u2")?.lanes.log).toEqual({ upTo: 7, missing: [] });
    } finally {
      ears.close();
      peer.end();
      await hq.stop();
    }
  });

  it("publishes no watermark without a key, nor for a database that is not durable", async () => {
    const db = await openPglite();
    const aedes = await startBroker({ port: 0 });
    const port = Number(new URL(aedes.url).port);
    const ingester = await startIngester({
      ...{ database: db, org: ORG, name: "demo", key: key.private, log: silent },
      broker: { url: new URL(aedes.url) },
    });
    const ears: string[] = [];
    const peer = await openPeer(port, "u3", [`swath/1/${ORG}/+/ack`], (m) => ears.push(m.topic), "3.1.1");
    try {
      await until("the broker", () => ingester.stats().connected);
      expect(ingester.stats().protocol).toBe("3.1.1");
      await publishAll(peer, "u3", [desc({ seq: 1 }), telemetry({ seq: 2 })]);
      await until("the records", () => ingester.stats().records === 2);
      await new Promise((done) => setTimeout(done, 1500));
      expect(ears).toEqual([]);
      expect(await committed(db, "u3")).toBe(2);
    } finally {
      peer.end();
      await ingester.close();
      await aedes.close();
      await db.close();
    }
  });

  it("sends a command when its unit comes online, again until it is answered, and never retained", async () => {
    const database = newDatabase();
    const db = openPostgres(database);
    const hq = launchIngester({ port: broker.port, database, key: key.file });
    const got: { text: string; retain: boolean }[] = [];
    const peer = await openPeer(broker.port, "u4", [topic("u4", "cmd")], (m) =>
      got.push({ text: String(m.payload), retain: m.retain }),
    );
    try {
      await hq.until("the broker", () => /connected to the broker/.test(hq.output));
      const asks = ["hq", "send", "u4", "locate", "--org", ORG, "--database", database, "--key", key.file];
      expect(await runSwath(asks)).toMatchObject({ code: 1, output: expect.stringContaining("never heard") });
      await peer.publish(topic("u4", "state"), JSON.stringify(stateMessage("offline")), true);
      await until(
        "the state",
        async () => (await db.query("SELECT FROM swath.unit WHERE state IS NOT NULL")).length === 1,
      );
      expect(await runSwath(asks)).toMatchObject({ code: 0 });
      await peer.publish(topic("u4", "state"), JSON.stringify(stateMessage("online")), true);
      await until("the command", () => got.length > 0);
      await db.query("UPDATE swath.command SET sent_at = now() - interval '1 minute'");
      await until("the command again", () => got.length > 1);
      expect(new Set(got.map(({ text }) => text)).size).toBe(1);
      expect(got.some(({ retain }) => retain)).toBe(false);
      const { id } = JSON.parse(JSON.parse(got[0]!.text).text);
      await peer.publish(topic("u4", "rsp"), JSON.stringify({ v: 1, id, ok: true, reason: "the lamp blinks" }));
      const list = () => runSwath(["hq", "commands", "u4", "--org", ORG, "--database", database]);
      await until("the answer", async () => (await list()).output.includes("locate    done"));
      expect((await list()).output).toContain("the lamp blinks");
      await peer.publish(topic("u4", "state"), "", true);
    } finally {
      peer.end();
      await db.close();
      await hq.stop();
    }
  });

  it("takes records from two ingesters on one shared subscription, each record once", async () => {
    const database = newDatabase();
    const db = openPostgres(database);
    await migrate(db);
    const two = ["one", "two"].map((name) => launchIngester({ port: broker.port, database, key: key.file, name }));
    const peer = await openPeer(broker.port, "u5", [], () => undefined);
    try {
      for (const hq of two) await hq.until("the broker", () => /connected to the broker/.test(hq.output));
      const records = Array.from({ length: 400 }, (_, i) => telemetry({ seq: i + 1 }));
      for (let i = 0; i < records.length; i += 50) await publishAll(peer, "u5", records.slice(i, i + 50));
      await until("all records", async () => (await committed(db, "u5")) === 400);
      const [row] = await db.query("SELECT count(*)::int AS n, count(DISTINCT seq)::int AS d FROM swath.wire_record");
      expect(row).toEqual({ n: 400, d: 400 });
      const [stats] = await Promise.all(two.map((hq) => hq.stop()));
      expect(stats).toBeDefined();
    } finally {
      peer.end();
      for (const hq of two) await hq.stop();
      await db.close();
    }
  });
});
