import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import { formatPublicKey } from "../../src/codec/minisign.ts";
import { openRecordFile } from "../../src/codec/record-file.ts";
import { flattenConfig } from "../../src/config/flatten.ts";
import { loadConfig } from "../../src/config/load.ts";
import { startIngester } from "../../src/hq/ingest/ingester.ts";
import { openPostgres } from "../../src/hq/ingest/postgres.ts";
import { askUnit } from "../../src/unit/presence.ts";
import { keyPair, sealed } from "../config/sealed.ts";
import { makeKey, ORG } from "../rigs/hq.ts";
import { freePort, type Mosquitto, startMosquitto } from "../rigs/mosquitto.ts";
import { type Postgres, startPostgres } from "../rigs/postgres.ts";
import { launch, runSwath, type UnitRig, until } from "../rigs/unit.ts";

const scripts = resolve(import.meta.dirname, "../../scripts");
const signing = keyPair();
const hqKey = makeKey();
const exportKey = generateKeyPairSync("x25519");
const UNIT = "u1";
let dir: string;
let server: Postgres;
let broker: Mosquitto | undefined;
let unit: UnitRig | undefined;
let url: string;
let port: number;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "swath-stick-hq-"));
  for (const args of [
    ["init", ORG],
    ["broker", "localhost"],
    ["unit", UNIT],
  ])
    execFileSync(join(scripts, "provision"), [args[0]!, join(dir, "fleet"), ...args.slice(1)], { stdio: "pipe" });
  port = await freePort();
  server = await startPostgres();
  url = server.createDatabase("stick");
}, 120_000);
afterAll(async () => {
  await unit?.stop();
  await broker?.stop();
  server?.stop();
  hqKey.remove();
  rmSync(dir, { recursive: true, force: true });
});

/** A signed configuration of a simulated machine whose broker is reached with certificates, when it is there. */
function bundle(serial: number, label = "Supply"): Buffer {
  const pem = (name: string, key: typeof exportKey.publicKey) => {
    writeFileSync(join(dir, name), key.export({ format: "pem", type: key.type === "public" ? "spki" : "pkcs8" }));
    return join(dir, name);
  };
  const own = (name: string) => join(dir, "fleet/units", UNIT, name);
  pem("export.key", exportKey.privateKey);
  const config = {
    ...{ org: ORG, unit: UNIT, machine: "m1" },
    broker: {
      ...{ url: `mqtts://localhost:${port}`, caFile: join(dir, "fleet/ca/ca.crt") },
      ...{ certFile: own("unit.crt"), keyFile: own("unit.key"), encoding: "cbor" },
    },
    spool: { dir: join(dir, "spool"), maxMb: 64, ack: "hq" },
    hq: { keyFiles: [pem("hq.pub", hqKey.public)], exportKeyFile: pem("export.pub", exportKey.publicKey) },
    buses: { i2c1: { kind: "i2c", device: 1, clockHz: 400000 } },
    parts: { supply: { part: "ina228", bus: "i2c1", address: 0x40, options: { shuntOhm: 0.015, maxA: 10 } } },
    channels: { volts: { from: "supply.voltage", label, stats: ["mean"] } },
    ...{ rows: { everyMs: 500, batch: 4 }, simulation: { seed: 3 } },
  };
  const file = join(dir, "unit.yaml");
  writeFileSync(file, JSON.stringify(config));
  const loaded = loadConfig(file, { catalogue });
  const files = flattenConfig(loaded, catalogue);
  const expires = "2099-01-01T00:00:00.000Z";
  return sealed(signing.secret, {
    org: ORG,
    unit: UNIT,
    machine: "m1",
    serial,
    config: loaded.hash,
    expires,
    files,
  });
}

/** Plugs a stick in that asks for records and may bring a configuration, as udev does; the file of records that it then carries, and what it was told. */
async function plug(
  stick: string,
  configuration?: Buffer,
): Promise<{ readonly file: string; readonly answer: string }> {
  const at = join(dir, stick);
  mkdirSync(at);
  writeFileSync(join(at, "swath-records.request"), "");
  if (configuration !== undefined) writeFileSync(join(at, "unit.swath"), configuration);
  const [inbox, outbox] = [join(dir, "slots/inbox"), join(dir, "slots/outbox")];
  const env = {
    ...process.env,
    ...{ SWATH_INBOX: inbox, SWATH_OUTBOX: outbox, SWATH_MOUNTED: at, SWATH_LOCK: join(dir, "lock") },
    SWATH_OWNER: String(process.getuid?.() ?? 0),
  };
  execFileSync(join(scripts, "install/usb-inbox"), ["/dev/none"], { env, stdio: "pipe" });
  const name = readdirSync(at).find((one) => one.endsWith(".sealed"));
  return { file: join(at, name ?? "none"), answer: readFileSync(join(at, "swath-answer.txt"), "utf8") };
}

/** Records of the log that the unit still keeps. */
async function kept(): Promise<number> {
  const state = (await askUnit(join(dir, "spool")))?.state;
  return state === undefined ? Number.NaN : state.unsent.log + (state.unconfirmed?.log ?? 0);
}

const hq = (...args: string[]) => runSwath(["hq", ...args, "--org", ORG, "--database", url]);
const bringIn = (file: string) =>
  hq("import", file, "--key", join(dir, "export.key"), "--ca", join(dir, "fleet/ca/ca.crt"));
/** The first number of the log in a file; beyond all when HQ's word has freed every one. */
const firstOf = (file: string) => {
  const opened = openRecordFile(readFileSync(file), exportKey.privateKey);
  if ("refused" in opened) throw new Error(opened.refused);
  return opened.ending?.ranges.find(({ lane }) => lane === "log")?.from ?? Number.POSITIVE_INFINITY;
};

it("records reach HQ on a stick from a unit without a link, completely; when it comes back, HQ's word frees them on the unit", async () => {
  mkdirSync(join(dir, "slots/inbox"), { recursive: true });
  mkdirSync(join(dir, "keys"));
  writeFileSync(join(dir, "keys/hq.pub"), `untrusted comment: key\n${formatPublicKey(signing.known)}\n`);
  writeFileSync(join(dir, "new"), bundle(1));
  renameSync(join(dir, "new"), join(dir, "slots/inbox/1.swath"));
  unit = launch(["run", "--slots", join(dir, "slots"), "--keys", join(dir, "keys")]);
  await unit.until("the link to be told down", () => /link\/down|ECONNREFUSED/.test(unit!.output));
  await unit.until("records of some seconds", async () => (await kept()) >= 5, 120_000);

  const { file, answer } = await plug("stick");
  expect(answer).toMatch(/^DONE: \d+ records written, sealed for HQ\n/);
  const report = readFileSync(join(dir, "stick", `swath-report-${UNIT}.txt`), "utf8");
  expect(report).toContain(`Swath unit ${UNIT} on machine m1, organisation ${ORG}`);
  expect(report).toContain("supply (ina228): running");
  expect(report).toMatch(/warning .*ECONNREFUSED/);
  expect(readFileSync(file).includes("supply")).toBe(false);

  const done = await bringIn(file);
  expect([done.code, done.output]).toEqual([0, expect.stringMatching(/unit u1 on m1, .*, signed, certificate until/)]);
  const proof = await hq("gaps", UNIT);
  expect([proof.code, proof.output]).toEqual([0, expect.stringContaining("complete")]);
  console.log(`${answer.trim()}\n${done.output.trim()}\n${proof.output.trim()}`);

  // The link comes back.
  const at = (name: string) => join(dir, "fleet/broker", name);
  const plainPort = await freePort();
  broker = await startMosquitto([
    "per_listener_settings true",
    ...[`listener ${port} 127.0.0.1`, `certfile ${at("broker.crt")}`, `keyfile ${at("broker.key")}`],
    ...[`cafile ${join(dir, "fleet/ca/ca.crt")}`, "require_certificate true", "use_identity_as_username true"],
    ...[`listener ${plainPort} 127.0.0.1`, "allow_anonymous true"],
  ]);
  const database = openPostgres(url);
  const ingester = await startIngester({
    ...{ database, org: ORG, name: "stick", key: hqKey.private },
    ...{ log: { info: () => undefined, warn: () => undefined } },
    broker: { url: new URL(`mqtt://127.0.0.1:${plainPort}`) },
  });
  try {
    await until("new records over the air", () => ingester.stats().records > 2, 120_000);
    await unit.until("them to be freed", async () => (await kept()) <= 2, 120_000);
    // With a new configuration on the same stick both are served.
    const later = await plug("later", bundle(2, "Battery"));
    expect(later.answer).toMatch(/^ACCEPTED: [\s\S]*\nDONE: \d+ records written, sealed for HQ\n/);
    expect(firstOf(file)).toBe(1);
    expect(firstOf(later.file)).toBeGreaterThan(3);
  } finally {
    await unit.stop();
    await ingester.close();
    await database.close();
  }
  const end = await hq("gaps", UNIT);
  expect([end.code, end.output]).toEqual([0, expect.stringContaining("complete")]);
}, 600_000);
