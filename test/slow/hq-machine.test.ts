import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Database } from "../../src/hq/ingest/database.ts";
import { findGaps } from "../../src/hq/ingest/gaps.ts";
import { startIngester } from "../../src/hq/ingest/ingester.ts";
import { findMachine, isClear } from "../../src/hq/ingest/machine.ts";
import { machineText } from "../../src/hq/ingest/machine-text.ts";
import { ensureDay, migrate } from "../../src/hq/ingest/migrations.ts";
import { openPostgres } from "../../src/hq/ingest/postgres.ts";
import { prepare } from "../../src/hq/ingest/prepare.ts";
import { createIds, learnIds, writeBatch } from "../../src/hq/ingest/write.ts";
import { hashOf } from "../../src/model/canonical.ts";
import { askUnit } from "../../src/unit/presence.ts";
import { encode, stateMessage } from "../hq/messages.ts";
import { anchor, BODY, event, telemetry } from "../hq/records.ts";
import { freePort, startMosquitto } from "../rigs/mosquitto.ts";
import { type Postgres, startPostgres } from "../rigs/postgres.ts";
import { launch, runSwath, until } from "../rigs/unit.ts";

const AT = Date.UTC(2026, 10, 25, 6);
const HOUR = 3_600_000;
let server: Postgres;
let url: string;
let db: Database;

beforeAll(async () => {
  server = await startPostgres();
  url = server.createDatabase("machine");
  db = openPostgres(url);
  await migrate(db);
  await ensureDay(db, Date.now());
}, 120_000);
afterAll(async () => {
  await db?.close();
  server?.stop();
});

const ids = createIds();
/** Stores what a unit sent in one lane, as the ingester does. */
async function store(org: string, unit: string, cls: string, ...bodies: readonly unknown[]): Promise<void> {
  const messages = bodies.flatMap((body) => {
    const payload = encode(body);
    const topic = `swath/1/${org}/${unit}/${cls}`;
    const arrived = { unit: `${org}/${unit}`, topic, payload, bytes: payload.length, atMs: AT, ack: () => undefined };
    const made = prepare(arrived, () => undefined);
    return made === undefined || "needs" in made ? [] : made;
  });
  expect(messages.flatMap((m) => m.aside)).toEqual([]);
  await learnIds(db.query, ids, messages);
  await db.transaction((query) => writeBatch(query, ids, messages, Date.now()));
}

type Place = Parameters<typeof event>[0];
/** The descriptor a unit stores at its start on a machine, and its hash. */
const bodyOn = (machine: string, unit: string) => ({ ...BODY, machine, unit });
const startsOn = (machine: string, unit: string, place: Place) => ({
  ...anchor(place, 0),
  ...{ kind: "desc", offsetMs: undefined, unc: undefined, trust: "none" },
  ...{ hash: hashOf(bodyOn(machine, unit)), body: bodyOn(machine, unit) },
});
const rows = (machine: string, unit: string, place: Place) => telemetry(place, hashOf(bodyOn(machine, unit)));
const machines = async (org: string, unit: string, kind: string) =>
  (
    await db.query(
      "SELECT machine FROM swath.resolved WHERE org = $1 AND unit_name = $2 AND kind = $3 ORDER BY boot, mono",
      [org, unit, kind],
    )
  ).map((row) => row["machine"]);

it("shows a swap: one machine through two units, each unit through its machines, nothing of one as of the other", async () => {
  const org = "swap";
  // Unit a on m1, breaks; unit b goes into m1; a, mended, goes into m2, still with what it had not sent.
  await store(
    org,
    "a",
    "log",
    ...[startsOn("m1", "a", { seq: 1, mono: 100 }), rows("m1", "a", { seq: 2, mono: 1000 })],
    anchor({ seq: 3, mono: 20_000 }, AT),
  );
  const b = { spool: "spool-bbbb", boot: "boot-bbbb" };
  await store(
    org,
    "b",
    "log",
    ...[startsOn("m1", "b", { ...b, seq: 1, mono: 100 }), rows("m1", "b", { ...b, seq: 2, mono: 1000 })],
    anchor({ ...b, seq: 3, mono: 20_000 }, AT + 2 * HOUR),
  );
  const later = { boot: "boot-cccc" };
  await store(
    org,
    "a",
    "log",
    ...[startsOn("m2", "a", { ...later, seq: 5, mono: 100 }), rows("m2", "a", { ...later, seq: 6, mono: 1000 })],
    anchor({ ...later, seq: 7, mono: 20_000 }, AT + 5 * HOUR),
    // Measured on m1, sent only now.
    rows("m1", "a", { seq: 4, mono: 11_000 }),
  );
  await store(org, "a", "event", event({ seq: 2, mono: 200, boot: "boot-cccc" }), event({ seq: 1, mono: 30_000 }));
  expect(await machines(org, "a", "telemetry")).toEqual(["m1", "m1", "m2"]);
  expect(await machines(org, "a", "event")).toEqual(["m1", "m2"]);
  expect(await machines(org, "b", "telemetry")).toEqual(["m1"]);

  const first = await findMachine(db.query, org, "m1");
  expect(first?.stretches.map((s) => [s.unit, s.boot, s.fromMono, s.toMono])).toEqual([
    ["a", "boot-aaaa", 1000, 21_000],
    ["b", "boot-bbbb", 1000, 11_000],
  ]);
  expect(isClear(first!)).toBe(true);
  expect(machineText(first!)).toContain("swapped: unit a for unit b; nothing measured for 2 h 0 min");
  const second = await findMachine(db.query, org, "m2");
  expect(second?.stretches.map((s) => [s.unit, s.boot])).toEqual([["a", "boot-cccc"]]);
  const own = await findGaps(db.query, org, "a");
  expect(own?.boots.map(({ boot, machines }) => [boot, machines])).toEqual([
    ["boot-aaaa", ["m1"]],
    ["boot-cccc", ["m2"]],
  ]);
  const said = await runSwath(["hq", "machine", "m1", "--org", org, "--database", url]);
  expect([said.code, said.output]).toEqual([0, machineText(first!)]);
  // The harness of m2 says that it is not m2.
  await store(org, "a", "event", { ...event({ seq: 3, mono: 1500, boot: "boot-cccc" }), name: "wrong_machine" });
  const wrong = await findMachine(db.query, org, "m2");
  expect([wrong?.stretches[0]?.contradicted, isClear(wrong!)]).toEqual([1, false]);
  expect(machineText(wrong!)).toContain("WRONG MACHINE");
  expect(isClear((await findMachine(db.query, org, "m1"))!)).toBe(true);
  expect(await findMachine(db.query, org, "m3")).toBeUndefined();
  expect((await runSwath(["hq", "machine", "m3", "--org", org, "--database", url])).code).toBe(1);
});

it("reports two units that claim one machine at one time, in its past and now, and merges nothing", async () => {
  const org = "both";
  for (const [unit, boot, offset] of [
    ["a", "boot-aaaa", AT],
    ["b", "boot-bbbb", AT + 5000],
    // After the others: no overlap.
    ["c", "boot-cccc", AT + HOUR],
  ] as const) {
    const place = { boot, spool: `spool-${unit}000` };
    await store(
      org,
      unit,
      "log",
      ...[startsOn("m1", unit, { ...place, seq: 1, mono: 100 }), rows("m1", unit, { ...place, seq: 2, mono: 1000 })],
      anchor({ ...place, seq: 3, mono: 11_000 }, offset),
    );
  }
  const found = await findMachine(db.query, org, "m1");
  expect(found?.stretches).toHaveLength(3);
  expect(found?.overlaps).toEqual([
    {
      units: ["a", "b"],
      fromUtc: new Date(AT + 6000).toISOString(),
      toUtc: new Date(AT + 11_000).toISOString(),
    },
  ]);
  expect(isClear(found!)).toBe(false);
  expect(machineText(found!)).toContain("TWO UNITS at one time: a and b");
  const said = await runSwath(["hq", "machine", "m1", "--org", org, "--database", url, "--json"]);
  expect(said.code).toBe(1);
  expect(JSON.parse(said.output)).toEqual(found);

  await store(org, "a", "state", { ...stateMessage("online"), machine: "m9" });
  await store(org, "b", "state", { ...stateMessage("online"), machine: "m9" });
  expect((await findMachine(db.query, org, "m9"))?.online).toEqual(["a", "b"]);
  await store(org, "b", "state", { ...stateMessage("sleeping"), machine: "m9" });
  expect(isClear((await findMachine(db.query, org, "m9"))!)).toBe(true);
});

it("knows the machine from the start of each run on, also where a unit is given to another within one boot, and never guesses", async () => {
  const org = "turn";
  // What came before any start is known of this boot is of no known machine, until the start comes late.
  await store(
    org,
    "a",
    "event",
    event({ seq: 1, mono: 50 }),
    event({ seq: 2, mono: 500 }),
    event({ seq: 3, mono: 60_000 }),
  );
  expect(await machines(org, "a", "event")).toEqual([null, null, null]);
  await store(
    org,
    "a",
    "log",
    startsOn("m2", "a", { seq: 3, mono: 50_000 }),
    rows("m2", "a", { seq: 4, mono: 51_000 }),
  );
  expect(await machines(org, "a", "event")).toEqual([null, null, "m2"]);
  await store(org, "a", "log", startsOn("m1", "a", { seq: 1, mono: 100 }), rows("m1", "a", { seq: 2, mono: 1000 }));
  // A restart on the same machine is no other stretch.
  await store(
    org,
    "a",
    "log",
    startsOn("m2", "a", { seq: 5, mono: 70_000 }),
    rows("m2", "a", { seq: 6, mono: 71_000 }),
  );
  expect(await machines(org, "a", "event")).toEqual([null, "m1", "m2"]);
  const found = await findMachine(db.query, org, "m2");
  expect(found?.stretches.map((s) => [s.fromMono, s.toMono, s.fromUtc])).toEqual([[51_000, 81_000, null]]);
  expect((await findGaps(db.query, org, "a"))?.boots.map((b) => b.machines)).toEqual([["m1", "m2"]]);
});

it("a real unit, given to another machine with records it had never sent, sends them as of the machine they were made on", async () => {
  const dir = mkdtempSync(join(tmpdir(), "swath-swap-"));
  const broker = await startMosquitto();
  const ingester = await startIngester({
    ...{ database: db, org: "real", name: "swap", log: { info: () => undefined, warn: () => undefined } },
    broker: { url: new URL(`mqtt://127.0.0.1:${broker.port}`) },
  });
  const run = (machine: string, port: number) => {
    const file = join(dir, `${machine}.yaml`);
    const config = {
      ...{ org: "real", unit: "a", machine, broker: { url: `mqtt://127.0.0.1:${port}`, encoding: "cbor" } },
      spool: { dir: join(dir, "spool"), maxMb: 64 },
      buses: { i2c1: { kind: "i2c", device: 1, clockHz: 400000 } },
      parts: { switches: { part: "mcp23017", bus: "i2c1", address: 0x20 } },
      channels: { lid: { from: "switches.gpa0", stats: ["last"] } },
      rows: { everyMs: 200, batch: 5 },
      simulation: { seed: 3 },
    };
    writeFileSync(file, JSON.stringify(config));
    return launch(["run", "--config", file]);
  };
  const count = async (kind: string, machine: string) =>
    Number(
      (
        await db.query(
          "SELECT count(*) AS n FROM swath.resolved WHERE org = 'real' AND kind = $1 AND machine = $2 AND boot = ANY ($3)",
          [kind, machine, await bootsOf(machine)],
        )
      )[0]?.["n"],
    );
  const bootsOf = async (machine: string) =>
    (
      await db.query(
        "SELECT DISTINCT d.boot FROM swath.wire_record d JOIN swath.unit u ON u.id = d.unit WHERE u.org = 'real' AND d.kind = 'desc' AND d.body->'body'->>'machine' = $1",
        [machine],
      )
    ).map((row) => String(row["boot"]));
  const first = run("m1", await freePort());
  try {
    await first.until("a running part", () => first.lines.some((l) => l["state"] === "running"));
    const unsent = async () => (await askUnit(join(dir, "spool")))?.health?.spool.unsent;
    await first.until("records that cannot be sent", async () => ((await unsent())?.log ?? 0) > 2);
    // The power goes: what was only staged is recovered by a run that is of another machine.
    first.kill("SIGKILL");
    await first.exit;
    const second = run("m2", broker.port);
    try {
      await until(
        "rows of both machines",
        async () => (await count("telemetry", "m1")) > 0 && (await count("telemetry", "m2")) > 2,
        60_000,
      );
    } finally {
      await second.stop();
    }
    const [all] = await db.query(
      `SELECT count(*)::int AS records, count(machine)::int AS known,
              count(*) FILTER (WHERE kind = 'event' AND machine = 'm1')::int AS events
         FROM swath.resolved WHERE org = 'real' AND kind NOT IN ('gap')`,
    );
    expect(all?.["known"]).toBe(all?.["records"]);
    expect(all?.["events"]).toBeGreaterThan(0);
    // No boot is of two machines here, whatever run has sent its records.
    const boots = await db.query(
      "SELECT boot, count(DISTINCT machine)::int AS machines FROM swath.resolved WHERE org = 'real' GROUP BY boot",
    );
    expect(boots.map((row) => row["machines"])).toEqual([1, 1]);
  } finally {
    await first.stop();
    await ingester.close();
    await broker.stop();
    rmSync(dir, { recursive: true, force: true });
  }
});
