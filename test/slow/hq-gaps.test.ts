import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../src/hq/ingest/database.ts";
import { findGaps, isExplained } from "../../src/hq/ingest/gaps.ts";
import { startIngester } from "../../src/hq/ingest/ingester.ts";
import { ensureDay, migrate } from "../../src/hq/ingest/migrations.ts";
import { openPostgres } from "../../src/hq/ingest/postgres.ts";
import { anchor, desc, gap, outage, telemetry } from "../hq/records.ts";
import { ORG, openPeer } from "../rigs/hq.ts";
import { type Mosquitto, startMosquitto } from "../rigs/mosquitto.ts";
import { type Postgres, startPostgres } from "../rigs/postgres.ts";
import { runSwath, until } from "../rigs/unit.ts";

const AT = Date.UTC(2026, 10, 25, 6);
let server: Postgres;
let broker: Mosquitto;
let url: string;
let db: Database;

beforeAll(async () => {
  [server, broker] = await Promise.all([startPostgres(), startMosquitto()]);
  url = server.createDatabase("gaps");
  db = openPostgres(url);
  await migrate(db);
  await ensureDay(db, Date.now());
}, 120_000);
afterAll(async () => {
  await db?.close();
  await broker?.stop();
  server?.stop();
});

/** Everything goes the whole way: broker, ingester, database. */
async function receive(unit: string, records: readonly object[]): Promise<void> {
  const ingester = await startIngester({
    ...{ database: db, org: ORG, name: "gaps", log: { info: () => undefined, warn: () => undefined } },
    broker: { url: new URL(`mqtt://127.0.0.1:${broker.port}`) },
  });
  const peer = await openPeer(broker.port, unit, [], () => undefined);
  try {
    await until("the broker", () => ingester.stats().connected);
    for (const record of records) await peer.publish(`swath/1/${ORG}/${unit}/log`, JSON.stringify(record));
    await until("all of them", () => ingester.stats().records === records.length);
  } finally {
    peer.end();
    await ingester.close();
  }
}

const gaps = (unit: string, ...more: string[]) =>
  runSwath(["hq", "gaps", unit, "--org", ORG, "--database", url, ...more]);

/** Ten rows of a second each from `mono` on. */
const row = (seq: number, mono: number, boot = "boot-aaaa") => telemetry({ seq, mono, boot });

describe("swath hq gaps", () => {
  it("says complete where every number and every minute is there or explained, over two boots", async () => {
    await receive("whole", [
      ...[desc({ seq: 1, mono: 1000 }), row(2, 1000), row(3, 11_000)],
      // The sampler was away for 20 s.
      ...[outage({ seq: 4, mono: 41_000 }, 21_000, 41_000), row(5, 41_000)],
      // Numbers 6 to 9 were thinned on the disk: 40 s.
      ...[gap({ seq: 6, mono: 91_000 }, 9), row(10, 91_000), anchor({ seq: 11, mono: 100_000 }, AT)],
      ...[row(12, 5000, "boot-bbbb"), row(13, 15_000, "boot-bbbb")],
      anchor({ seq: 14, mono: 30_000, boot: "boot-bbbb" }, AT + 3_600_000),
    ]);
    const ended = await gaps("whole");
    expect(ended.output).toContain("complete");
    expect(ended.output).not.toContain("NOT");
    expect(ended.output).toContain("outage: sampler-restart");
    expect(ended.output).toContain("gap: thinned");
    expect(ended.output).toMatch(/off for 58 min|off for 59 min/);
    expect(ended.output).toContain("4 thinned");
    expect(ended.code).toBe(0);
  });

  it("finds a planted hole in the numbers and in time, and ends with 1", async () => {
    const records = Array.from({ length: 20 }, (_, i) => row(i + 2, 1000 + i * 10_000));
    await receive("holed", [desc({ seq: 1, mono: 1000 }), ...records.filter(({ seq }) => seq !== 9)]);
    const ended = await gaps("holed", "--json");
    expect(ended.code).toBe(1);
    const proof = JSON.parse(ended.output);
    expect(proof.numbers).toEqual([expect.objectContaining({ lane: "log", missing: 1, missingRuns: [[9, 9]] })]);
    expect(proof.boots[0].holes).toEqual([
      expect.objectContaining({
        ...{ fromMono: 71_000, toMono: 81_000, explained: false },
        reasons: ["numbers missing and asked for"],
      }),
    ]);
    expect((await gaps("holed")).output).toContain("missing 9");
  });

  it("finds time without measurement though every number is there, and an outage that is too short for it", async () => {
    await receive("silent", [
      ...[desc({ seq: 1, mono: 1000 }), row(2, 1000), row(3, 71_000)],
      ...[outage({ seq: 4, mono: 120_000 }, 81_000, 100_000), row(5, 141_000)],
    ]);
    const proof = await findGaps(db.query, ORG, "silent");
    expect(proof?.numbers[0]?.missing).toBe(0);
    expect(proof?.boots[0]?.holes.map(({ explained, reasons }) => [explained, reasons])).toEqual([
      [false, []],
      [false, ["outage: sampler-restart"]],
    ]);
    expect(proof !== undefined && isExplained(proof)).toBe(false);
    expect((await gaps("silent")).output).toContain("UNEXPLAINED");
  });

  it("does not know a unit that never spoke", async () => {
    expect(await gaps("nobody")).toMatchObject({ code: 1, output: expect.stringContaining("never heard") });
  });
});
