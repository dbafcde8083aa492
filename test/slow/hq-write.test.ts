import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeMessage } from "../../src/codec/compact-message.ts";
import { encodeBody } from "../../src/codec/compact-record.ts";
import type { Database } from "../../src/hq/ingest/database.ts";
import { ensureDay, migrate, SCHEMA_VERSION } from "../../src/hq/ingest/migrations.ts";
import { openPglite } from "../../src/hq/ingest/pglite.ts";
import { openPostgres } from "../../src/hq/ingest/postgres.ts";
import { prepare } from "../../src/hq/ingest/prepare.ts";
import { leaveQuarantine, readableAgain } from "../../src/hq/ingest/quarantine.ts";
import { createReading } from "../../src/hq/ingest/reading.ts";
import { createIds, learnIds, writeBatch } from "../../src/hq/ingest/write.ts";
import { hashOf } from "../../src/model/canonical.ts";
import { FULL_PLAN, fullPlanRecords } from "../bench/wire-plan.ts";
import { encode, stateMessage } from "../hq/messages.ts";
import { anchor, BODY, DESC, desc, gap, outage, telemetry } from "../hq/records.ts";
import { type Postgres, postgresBin, startPostgres } from "../rigs/postgres.ts";

const [fullPlan] = fullPlanRecords(1) as [ReturnType<typeof fullPlanRecords>[number]];
const fullPlanHash = hashOf(FULL_PLAN);
const AT = Date.UTC(2026, 10, 25, 12);
const drivers = postgresBin() === undefined && process.env["CI"] === undefined ? ["pglite"] : ["postgres", "pglite"];

describe.each(drivers)("what is written to %s", (driver) => {
  let server: Postgres | undefined;
  let db: Database;
  const ids = createIds();
  let unit = "u0";
  let units = 0;

  beforeAll(async () => {
    if (driver === "postgres") server = await startPostgres();
    db = server === undefined ? await openPglite() : openPostgres(server.createDatabase("write"));
    await migrate(db);
    await ensureDay(db, AT);
  }, 120_000);
  afterAll(async () => {
    await db?.close();
    server?.stop();
  });

  async function send(cls: string, ...bodies: unknown[]) {
    const messages = bodies.flatMap((body) => {
      const payload = encode(body);
      const topic = `swath/1/cmac/${unit}/${cls}`;
      const arrived = { unit: `cmac/${unit}`, topic, payload, bytes: payload.length, atMs: AT, ack: () => undefined };
      const made = prepare(arrived, () => undefined);
      return made === undefined || "needs" in made ? [] : made;
    });
    await learnIds(db.query, ids, messages);
    return db.transaction((query) => writeBatch(query, ids, messages, AT));
  }
  async function one(text: string) {
    const [row] = await db.query(text.replaceAll("UNIT", String(ids.units.get(`cmac/${unit}`))));
    return row ?? {};
  }
  const nextUnit = () => {
    unit = `u${++units}`;
  };

  it("is prepared once, also when several start at the same time", async () => {
    const applied = await Promise.all([migrate(db), migrate(db), migrate(db)]);
    expect(applied.flat()).toEqual([]);
    const [row] = await db.query("SELECT max(version) AS version FROM swath.migration");
    expect(row?.["version"]).toBe(SCHEMA_VERSION);
  });

  it("counts a record once, in whatever order and however often it comes", async () => {
    nextUnit();
    const records = [desc({ seq: 1 }), ...[2, 3, 4, 5, 6].map((seq) => telemetry({ seq }))];
    await send("log", records[4], records[1], records[1]);
    const again = await send("log", ...[...records].reverse(), ...records);
    expect(again).toMatchObject({ records: 4, duplicates: 8 });
    const row = await one(
      "SELECT count(*)::int AS n, count(DISTINCT seq)::int AS d FROM swath.wire_record WHERE unit = UNIT",
    );
    expect(row).toEqual({ n: 6, d: 6 });
    expect(await one("SELECT have::text FROM swath.stream WHERE unit = UNIT")).toEqual({ have: "{[1,7)}" });
  });

  it("keeps the bytes of each record as received, also of several in one message", async () => {
    nextUnit();
    const odd = `{ "kind":"event","v":1,"seq":1,"spool":"spool-aaaa","boot":"boot-aaaa","mono":1.50,"trust":"none","name":"x","severity":"info","detail":{"a":"],[\\"{"} }`;
    await send("event", `[${odd}, ${odd.replace('"seq":1', '"seq":2')}]`);
    const row = await one(
      "SELECT convert_from(raw, 'UTF8') AS raw, body->'detail'->>'a' AS a FROM swath.wire_record WHERE unit = UNIT AND seq = 1",
    );
    expect(row).toEqual({ raw: odd, a: '],["{' });
  });

  it("puts a bad record aside with the reason and its bytes, and keeps the good ones beside it", async () => {
    nextUnit();
    const bad = { ...telemetry({ seq: 2 }), n: "ten" };
    const written = await send("log", [telemetry({ seq: 1 }), bad, telemetry({ seq: 3 })], "{not json");
    expect(written).toMatchObject({ records: 2, aside: 2 });
    const rows = await db.query(
      "SELECT reason, detail, convert_from(payload, 'UTF8') AS payload FROM swath.quarantine WHERE unit = $1 ORDER BY reason",
      [ids.units.get(`cmac/${unit}`)],
    );
    expect(rows).toEqual([
      { reason: "not-json", detail: "", payload: "{not json" },
      { reason: "schema", detail: expect.stringContaining("n: "), payload: JSON.stringify(bad) },
    ]);
    const row = await one("SELECT have::text, quarantined::text FROM swath.stream WHERE unit = UNIT");
    expect(row).toEqual({ have: "{[1,2),[3,4)}", quarantined: "{[2,3)}" });
  });

  it("takes no descriptor whose hash is not that of its body", async () => {
    nextUnit();
    const written = await send("log", { ...desc({ seq: 1 }), hash: "0000000000000000" });
    expect(written).toMatchObject({ records: 0, aside: 1 });
    expect(await one("SELECT count(*)::int AS n FROM swath.descriptor WHERE hash = '0000000000000000'")).toEqual({
      n: 0,
    });
  });

  it("stores records of an unknown descriptor and shows their values once it has come", async () => {
    nextUnit();
    const body = { ...BODY, machine: "m2" };
    const { hashOf } = await import("../../src/model/canonical.ts");
    const hash = hashOf(body);
    await send("log", telemetry({ seq: 1 }, hash));
    const values =
      "SELECT count(*)::int AS n FROM swath.value v JOIN swath.stream s ON s.id = v.stream WHERE s.unit = UNIT";
    expect(await one(values)).toEqual({ n: 0 });
    expect(await one("SELECT hash FROM swath.awaited_descriptor WHERE unit = UNIT")).toEqual({ hash });
    await send("desc", { v: 1, kind: "desc", hash, body });
    expect(await one(values)).toEqual({ n: 30 });
    expect(await one("SELECT count(*)::int AS n FROM swath.awaited_descriptor WHERE unit = UNIT")).toEqual({ n: 0 });
  });

  it("takes a compact record back from the quarantine when its descriptor has come, and forgets nothing on the way", async () => {
    nextUnit();
    const payload = encodeMessage(
      "cbor",
      "spool-cccc",
      [{ seq: 2, body: encodeBody({ ...fullPlan.telemetry, desc: fullPlanHash }, () => FULL_PLAN) }],
      () => FULL_PLAN,
    );
    const topic = `swath/1/cmac/${unit}/log`;
    const arrived = { unit: `cmac/${unit}`, topic, payload, bytes: payload.length, atMs: AT, ack: () => undefined };
    const early = createReading();
    await early.read(db.query, [arrived], AT);
    const given = await early.read(db.query, [], AT + 61_000);
    await learnIds(db.query, ids, given);
    await db.transaction((query) => writeBatch(query, ids, given, AT));
    const aside = () =>
      one(
        "SELECT messages::int AS messages, kept::int AS kept, kept_bytes::int AS bytes FROM swath.put_aside WHERE unit = UNIT",
      );
    expect(await aside()).toEqual({ messages: 1, kept: 1, bytes: payload.length });
    const taken: string[] = [];
    const again = () => readableAgain(db.query, "cmac", AT, (id) => taken.push(id));
    expect(await again()).toEqual([]);

    const { boot } = fullPlan.telemetry;
    await send("log", {
      v: 1,
      seq: 1,
      spool: "spool-cccc",
      boot,
      mono: 0,
      trust: "none",
      kind: "desc",
      hash: fullPlanHash,
      body: FULL_PLAN,
    });
    const found = await again();
    expect(found.map((f) => [f.unit, f.topic, Buffer.compare(f.payload, payload)])).toEqual([
      [`cmac/${unit}`, topic, 0],
    ]);
    const read = await createReading().read(db.query, found, AT);
    expect(await db.transaction((query) => writeBatch(query, ids, read, AT))).toMatchObject({ records: 1, aside: 0 });
    // Not committed to the listener yet: still there, so that a fault here loses nothing.
    expect(await again()).toHaveLength(1);
    for (const { arrived: one } of read) one.ack();
    await leaveQuarantine(db.query, taken);
    expect(await again()).toEqual([]);
    expect(await aside()).toEqual({ messages: 1, kept: 0, bytes: 0 });
    expect(await one("SELECT have::text FROM swath.stream WHERE unit = UNIT AND spool = 'spool-cccc'")).toEqual({
      have: "{[1,3)}",
    });
  });

  it("resolves the time of earlier records by an anchor that comes late, and rewrites none of them", async () => {
    nextUnit();
    await send("log", desc({ seq: 1 }), telemetry({ seq: 2, mono: 20_000 }));
    const time =
      "SELECT extract(epoch FROM utc)::float8 * 1000 AS ms, utc_trust, utc_unc_ms FROM swath.resolved WHERE unit = UNIT AND seq = 2";
    const raw = "SELECT md5(raw) AS md5, xmin::text FROM swath.wire_record WHERE unit = UNIT AND seq = 2";
    const before = await one(raw);
    expect(await one(time)).toEqual({ ms: null, utc_trust: "none", utc_unc_ms: null });
    await send("log", anchor({ seq: 3, mono: 1_820_000 }, AT));
    // Half an hour at 50 ppm adds 90 ms.
    expect(await one(time)).toEqual({ ms: AT + 20_000, utc_trust: "gnss", utc_unc_ms: 110 });
    await send("log", anchor({ seq: 4, mono: 1_830_000, boot: "boot-bbbb" }, AT + 5000, "gnss", 1));
    expect(await one(time)).toEqual({ ms: AT + 20_000, utc_trust: "gnss", utc_unc_ms: 110 });
    expect(await one(raw)).toEqual(before);
  });

  it("gives each value its time, its column and its quality", async () => {
    nextUnit();
    const record = { ...telemetry({ seq: 1, mono: 5000 }, DESC, 2), q: { "rotor_speed.mean": [0, 8] } };
    record.c["rotor_speed.mean"] = [1.5, null as never];
    await send("log", desc({ seq: 2 }), record, anchor({ seq: 3, mono: 0 }, AT));
    const rows = await db.query(
      `SELECT mono, utc, value, quality FROM swath.value WHERE unit_name = $1 AND column_name = 'rotor_speed.mean' ORDER BY mono`,
      [unit],
    );
    expect(rows).toEqual([
      { mono: 5000, utc: new Date(AT + 5000), value: 1.5, quality: 0 },
      { mono: 6000, utc: new Date(AT + 6000), value: null, quality: 8 },
    ]);
  });

  it("takes a gap record for all the numbers it stands for, and still takes a late one of them", async () => {
    nextUnit();
    await send("log", telemetry({ seq: 1 }), gap({ seq: 2 }, 40), outage({ seq: 41 }, 5, 9), telemetry({ seq: 42 }));
    expect(await send("log", telemetry({ seq: 7 }))).toMatchObject({ records: 1 });
    const row = await one("SELECT have::text, gone::text FROM swath.stream WHERE unit = UNIT");
    expect(row).toEqual({ have: "{[1,3),[7,8),[41,43)}", gone: "{[2,41)}" });
    expect(await one("SELECT reason, from_mono, to_mono FROM swath.outage WHERE unit = UNIT")).toEqual({
      ...{ reason: "sampler-restart", from_mono: 5, to_mono: 9 },
    });
  });

  it("refuses what the database cannot hold, so that it can be put aside", async () => {
    nextUnit();
    const { isRefusal } = await import("../../src/hq/ingest/database.ts");
    const record = { kind: "event", v: 1, seq: 1, spool: "spool-aaaa", boot: "boot-aaaa", mono: 1, trust: "none" };
    const bad = { ...record, name: "x", severity: "info", detail: { a: "\u0000" } };
    const error = await send("event", bad).then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(isRefusal(error)).toBe(true);
    expect(isRefusal(new Error("connection lost"))).toBe(false);
  });

  it("keeps the newest word of a unit, without a position", async () => {
    nextUnit();
    await send("state", stateMessage("online"), stateMessage("sleeping"));
    expect(await one("SELECT state->>'state' AS state FROM swath.unit WHERE id = UNIT")).toEqual({ state: "sleeping" });
  });
});
