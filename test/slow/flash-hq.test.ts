import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parsePublicKey } from "../../src/codec/minisign.ts";
import { openBundle } from "../../src/config/bundle.ts";
import type { Database } from "../../src/hq/ingest/database.ts";
import { migrate } from "../../src/hq/ingest/migrations.ts";
import { openPostgres } from "../../src/hq/ingest/postgres.ts";
import { type Postgres, startPostgres } from "../rigs/postgres.ts";
import { runSwath, until } from "../rigs/unit.ts";

const root = resolve(import.meta.dirname, "../..");
let dir: string;
let server: Postgres;
let url: string;
let database: Database;
const at = (name: string) => join(dir, name);

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "swath-flash-hq-"));
  server = await startPostgres();
  url = server.createDatabase("hq");
  database = openPostgres(url);
  await migrate(database);
  await runSwath(["keys", at("hq")]);
  for (const n of [1, 2]) {
    await database.query("INSERT INTO swath.unit (org, name) VALUES ('cmac', $1)", [`unit-${n}`]);
    writeFileSync(
      at(`u${n}.yaml`),
      `org: cmac\nunit: unit-${n}\nmachine: m-${n}\nbroker: { url: "mqtt://h" }\nbuses: {}\nparts: {}\n`,
    );
  }
  writeFileSync(at("fleet.yaml"), "units:\n  - { config: u1.yaml, via: hq }\n  - { config: u2.yaml, via: hq }\n");
}, 120_000);
afterAll(async () => {
  await database?.close();
  server?.stop();
  rmSync(dir, { recursive: true, force: true });
});

function flash(args: readonly string[]) {
  const env = { ...process.env, SWATH_NODE: process.execPath };
  const child = spawn(join(root, "scripts/flash"), [...args, "--key", at("hq.key")], { env });
  const got = { out: "", status: undefined as number | null | undefined };
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      got.out += chunk;
    });
  child.on("close", (code) => {
    got.status = code;
  });
  return got;
}

/** What lies for a unit with a serial of a bundle, and the answer a unit would give to it. */
async function answer(unit: string, serial: number, ok: boolean, reason: string): Promise<void> {
  const row = await until(`a command for ${unit}`, async () => {
    const [found] = await database.query(
      `SELECT c.id, c.op, c.signed FROM swath.command c JOIN swath.unit u ON u.id = c.unit
       WHERE u.name = $1 AND c.answered_at IS NULL`,
      [unit],
    );
    return found;
  });
  expect(row["op"]).toBe("config");
  const { args } = JSON.parse((row["signed"] as { text: string }).text) as { args: { bundle: string } };
  const key = parsePublicKey(readFileSync(at("hq.pub"), "utf8"))!;
  expect(openBundle(Buffer.from(args.bundle, "base64"), [key])).toMatchObject({ bundle: { unit, serial } });
  await database.query("UPDATE swath.command SET answer = $2::jsonb, answered_at = now() WHERE id = $1", [
    String(row["id"]),
    JSON.stringify({ v: 1, id: row["id"], ok, reason }),
  ]);
}

const tell = (unit: string, bundle: object) =>
  database.query("UPDATE swath.unit SET state = $2::jsonb WHERE name = $1", [
    unit,
    JSON.stringify({ state: "online", bundle }),
  ]);
const asked = async () => Number((await database.query("SELECT count(*) AS n FROM swath.command"))[0]?.["n"]);

it("asks the canary through HQ, and the others only when its trial is committed", async () => {
  await tell("unit-1", { serial: 4, trial: false, last: "serial 4 committed: all was well" });
  const got = flash(["--fleet", at("fleet.yaml"), "--database", url, "--serial", "5"]);
  await answer("unit-1", 5, true, "serial 5 is tried now");
  await until("the trial to be waited for", () => got.out.includes("waiting for the end of its trial"));
  await tell("unit-1", { serial: 5, trial: true, last: "serial 4 committed: all was well" });
  await new Promise((done) => setTimeout(done, 1500));
  expect(await asked()).toBe(1);
  await tell("unit-1", { serial: 5, trial: false, last: "serial 5 committed: all was well" });
  await answer("unit-2", 5, false, "it is for machine m-2, but this unit is on m-9");
  await until("its end", () => got.status !== undefined);
  expect(got.out).toMatch(/unit-1 +5 +HQ +committed/);
  expect(got.out).toMatch(/unit-2 +5 +HQ +REFUSED +REFUSED: it is for machine m-2/);
  expect(got.status).toBe(1);
}, 60_000);

it("asks nobody else when the canary went back, and says so", async () => {
  const before = await asked();
  const got = flash(["--fleet", at("fleet.yaml"), "--database", url, "--serial", "6"]);
  await answer("unit-1", 6, true, "serial 6 is tried now");
  await tell("unit-1", { serial: 5, trial: false, last: "serial 6 reverted: no row has come for 7 s" });
  await until("its end", () => got.status !== undefined);
  expect(got.out).toMatch(/unit-1 +6 +HQ +REVERTED +serial 6 reverted: no row has come/);
  expect(got.out).toMatch(/unit-2 .* left out/);
  expect(await asked()).toBe(before + 1);
}, 60_000);

it("tells of one unit that does not answer, of one HQ has never heard of, and of a database that is missing", async () => {
  const silent = flash([at("u2.yaml"), "--via", "hq", "--database", url, "--wait-s", "1"]);
  await until("its end", () => silent.status !== undefined);
  expect(silent.out).toMatch(/unit-2 .* FAILED +no answer within 1 s; HQ goes on asking for a day/);
  writeFileSync(at("u3.yaml"), readFileSync(at("u2.yaml"), "utf8").replace("unit-2", "unit-3"));
  const stranger = flash([at("u3.yaml"), "--via", "hq", "--database", url]);
  await until("its end", () => stranger.status !== undefined);
  expect(stranger.out).toContain("HQ has never heard of unit unit-3 of cmac");
  const none = flash([at("u2.yaml"), "--via", "hq"]);
  await until("its end", () => none.status !== undefined);
  expect(none.out).toContain("--database is missing");
  expect([silent.status, stranger.status, none.status]).toEqual([1, 1, 78]);
}, 60_000);
