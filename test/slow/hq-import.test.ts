import { execFileSync } from "node:child_process";
import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRecordFile, type UnitSigner } from "../../src/codec/record-file.ts";
import { sealKeyIdOf } from "../../src/codec/sealed-stream.ts";
import type { Database } from "../../src/hq/ingest/database.ts";
import { findGaps, isExplained } from "../../src/hq/ingest/gaps.ts";
import { importFile } from "../../src/hq/ingest/import-file.ts";
import { startIngester } from "../../src/hq/ingest/ingester.ts";
import { migrate } from "../../src/hq/ingest/migrations.ts";
import { openPostgres } from "../../src/hq/ingest/postgres.ts";
import { anchor, desc, event, telemetry } from "../hq/records.ts";
import { hearWatermarks, makeKey, ORG, openPeer } from "../rigs/hq.ts";
import { type Mosquitto, startMosquitto } from "../rigs/mosquitto.ts";
import { type Postgres, startPostgres } from "../rigs/postgres.ts";
import { runSwath, until } from "../rigs/unit.ts";

const SCRIPT = join(import.meta.dirname, "../../scripts/provision");
const AT = Date.UTC(2026, 10, 25, 6);
const hqKey = makeKey();
const exportKey = generateKeyPairSync("x25519");
let dir: string;
let server: Postgres;
let broker: Mosquitto;
let url: string;
let db: Database;
let authority: X509Certificate;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "swath-import-"));
  const fleet = (name: string, ...units: string[]) => {
    execFileSync(SCRIPT, ["init", join(dir, name), ORG], { stdio: "pipe" });
    execFileSync(SCRIPT, ["unit", join(dir, name), ...units], { stdio: "pipe" });
  };
  fleet("fleet", "u1", "u2", "big", "live");
  fleet("stranger", "u1");
  authority = new X509Certificate(readFileSync(join(dir, "fleet/ca/ca.crt")));
  [server, broker] = await Promise.all([startPostgres(), startMosquitto()]);
  url = server.createDatabase("import");
  db = openPostgres(url);
  await migrate(db);
}, 120_000);
afterAll(async () => {
  await db?.close();
  await broker?.stop();
  server?.stop();
  hqKey.remove();
  rmSync(dir, { recursive: true, force: true });
});

function signer(unit: string, fleet = "fleet"): UnitSigner {
  const at = join(dir, fleet, "units", unit);
  const key = createPrivateKey(readFileSync(join(at, "unit.key")));
  return { cert: readFileSync(join(at, "unit.crt"), "utf8"), key };
}

interface Wanted {
  readonly unit?: string;
  readonly org?: string;
  readonly signed?: UnitSigner | undefined;
  readonly reader?: KeyObject;
}

/** A file as a unit writes it: an event and `count` records of the log from `first` on, a message each. */
function fileOf(first: number, count: number, wanted: Wanted = {}): Buffer {
  const { unit = "u1", org = ORG, reader = exportKey.publicKey } = wanted;
  const made = new Date(AT).toISOString();
  const by = "signed" in wanted ? wanted.signed : signer(unit);
  const file = createRecordFile({
    ...{ org, unit, machine: "m1", made, reader, signer: by },
    ephemeral: generateKeyPairSync("x25519").privateKey,
  });
  const put = (cls: "event" | "log", record: object) =>
    file.message({ cls, payload: Buffer.from(JSON.stringify(record)) });
  const log = Array.from({ length: count }, (_, i) =>
    first + i === 1 ? desc({ seq: 1, mono: 1000 }) : telemetry({ seq: first + i }),
  );
  const ranges = [{ spool: "spool-aaaa", lane: "log" as const, from: first, to: first + count - 1 }];
  return Buffer.concat([
    file.begin(),
    put("event", event({ seq: 1 })),
    ...log.map((record) => put("log", record)),
    file.end({ records: count + 1, left: 0, ranges }),
  ]);
}

const take = (file: Uint8Array, more: Partial<Parameters<typeof importFile>[0]> = {}) =>
  importFile({ database: db, file, key: exportKey.privateKey, org: ORG, authority, ...more });

async function held(unit: string): Promise<{ readonly log: string; readonly rows: number }> {
  const [row] = await db.query(
    `SELECT (SELECT s.have::text FROM swath.stream s WHERE s.unit = u.id AND s.lane = 'log') AS log,
            (SELECT count(*)::int FROM swath.wire_record r WHERE r.unit = u.id) AS rows
     FROM swath.unit u WHERE u.name = $1`,
    [unit],
  );
  return { log: String(row?.["log"] ?? ""), rows: Number(row?.["rows"] ?? 0) };
}

describe("a file of records", () => {
  it("is taken once, however often it comes, whole or as parts that overlap", async () => {
    const file = fileOf(1, 30);
    expect(await take(file)).toMatchObject({ records: 31, duplicates: 0, aside: 0, damaged: [], machine: "m1" });
    expect(await take(file)).toMatchObject({ records: 0, duplicates: 31, aside: 0 });
    expect(await take(fileOf(21, 20))).toMatchObject({ records: 10, duplicates: 11 });
    expect(await held("u1")).toEqual({ log: "{[1,41)}", rows: 41 });
    const many = await Promise.all([take(fileOf(41, 60)), take(fileOf(41, 60)), take(fileOf(71, 30))]);
    const fresh = many.map((one) => ("refused" in one ? Number.NaN : one.records));
    expect(fresh.reduce((sum, n) => sum + n, 0)).toBe(60);
    expect(await held("u1")).toEqual({ log: "{[1,101)}", rows: 101 });
    const imports = await db.query("SELECT records::int AS records, signed FROM swath.import ORDER BY id");
    expect(imports.slice(0, 3)).toEqual([31, 0, 10].map((records) => ({ records, signed: true })));
  });

  it("and what comes over MQTT are one: nothing twice, one watermark, and the proof is complete", async () => {
    const ingester = await startIngester({
      ...{ database: db, org: ORG, name: "import", key: hqKey.private },
      ...{ log: { info: () => undefined, warn: () => undefined } },
      broker: { url: new URL(`mqtt://127.0.0.1:${broker.port}`) },
    });
    const ears = await hearWatermarks(broker.port, hqKey.public);
    const peer = await openPeer(broker.port, "live", [], () => undefined);
    const send = (record: object) => peer.publish(`swath/1/${ORG}/live/log`, JSON.stringify(record));
    try {
      await until("the broker", () => ingester.stats().connected);
      for (const seq of [3, 4, 5]) await send(telemetry({ seq }));
      await until("the first ones", () => ingester.stats().records === 3);
      expect(await take(fileOf(1, 20, { unit: "live" }))).toMatchObject({ records: 18, duplicates: 3 });
      // The watermark rises though nothing came over MQTT: the unit frees its spool at the next contact.
      await until("the watermark", () => ears.newest("live")?.lanes.log?.upTo === 20);
      expect(ears.newest("live")?.lanes).toEqual({ event: { upTo: 1, missing: [] }, log: { upTo: 20, missing: [] } });
      for (const record of [telemetry({ seq: 20 }), anchor({ seq: 21, mono: 215_000 }, AT), telemetry({ seq: 22 })])
        await send(record);
      await until("what came afterwards", () => ingester.stats().records === 5);
      expect(ingester.stats().duplicates).toBe(1);
      await until("its watermark", () => ears.newest("live")?.lanes.log?.upTo === 22);
    } finally {
      peer.end();
      ears.close();
      await ingester.close();
    }
    const proof = await findGaps(db.query, ORG, "live");
    expect(proof?.numbers.map(({ lane, missing }) => [lane, missing]).sort()).toEqual([
      ["event", 0],
      ["log", 0],
    ]);
  });

  it("negative control: without the file the numbers that it brings are missing", async () => {
    await take(fileOf(1, 5, { unit: "u2" }));
    await take(fileOf(11, 5, { unit: "u2" }));
    const holed = await findGaps(db.query, ORG, "u2");
    expect(holed?.numbers.find(({ lane }) => lane === "log")).toMatchObject({ missing: 5, missingRuns: [[6, 10]] });
    expect(holed !== undefined && isExplained(holed)).toBe(false);
    await take(fileOf(6, 5, { unit: "u2" }));
    const whole = await findGaps(db.query, ORG, "u2");
    expect(whole?.numbers.find(({ lane }) => lane === "log")).toMatchObject({ missing: 0 });
  });

  it("with any one byte changed brings nothing wrong: every class of place, counted", async () => {
    const file = fileOf(1, 400, { unit: "big" });
    const header = file.indexOf('"}') + 2;
    const body = header + 32;
    const chunk = 65_552;
    const chunks = Math.ceil((file.length - body) / chunk);
    const places: [string, number][] = [
      ...[0, 7].map((at): [string, number] => ["magic", at]),
      ...[8, 11].map((at): [string, number] => ["length of the header", at]),
      ...[12, 20, header - 30, header - 3].map((at): [string, number] => ["header", at]),
      ...[header, header + 31].map((at): [string, number] => ["public key", at]),
      ...Array.from({ length: chunks }, (_, i) => body + i * chunk).flatMap((at): [string, number][] => {
        const end = Math.min(at + chunk, file.length);
        return [
          ["chunk, first byte", at],
          ["chunk, middle", (at + end) >> 1],
          ["chunk, tag", end - 16],
          ["chunk, last byte", end - 1],
        ];
      }),
    ];
    const counts = { refused: 0, partly: 0 };
    for (const [what, at] of places) {
      const changed = Buffer.from(file);
      changed[at]! ^= 0x20;
      const done = await take(changed);
      if ("refused" in done) {
        counts.refused++;
        continue;
      }
      counts.partly++;
      expect(what).toMatch(/^chunk/);
      expect(done.aside, what).toBe(0);
      expect(done.damaged, what).toHaveLength(1);
      const [from, upTo] = done.damaged[0]!;
      expect(at >= from && at < upTo, what).toBe(true);
      expect(done.records + done.duplicates, what).toBeLessThan(401);
    }
    console.log(
      `a file of ${file.length} bytes in ${chunks} chunks, ${places.length} bytes changed: ` +
        `${counts.refused} times refused, ${counts.partly} times taken without the damaged chunk, 0 wrong records`,
    );
    expect([counts.refused, counts.partly]).toEqual([10, places.length - 10]);
    // Each part came from some of these, and nothing but what the unit wrote is there.
    const wrong = await db.query(
      `SELECT r.seq FROM swath.wire_record r JOIN swath.unit u ON u.id = r.unit
       WHERE u.name = 'big' AND r.kind = 'telemetry' AND r.body->'c'->'rotor_speed.mean'->>0 <> r.seq::text`,
    );
    expect(wrong).toEqual([]);
    expect(await take(file)).toMatchObject({ records: 0, duplicates: 401 });
  });

  it("cut short brings its beginning, and says that its end is missing", async () => {
    const cut = fileOf(1001, 600, { unit: "big" });
    const done = await take(cut.subarray(0, 150_000));
    if ("refused" in done) throw new Error(done.refused);
    expect(done).toMatchObject({ ending: undefined, aside: 0, damaged: [[expect.any(Number), 150_000]] });
    expect(done.records).toBeGreaterThan(200);
    expect(done.records).toBeLessThan(500);
    expect((await held("big")).log).toBe(`{[1,401),[1001,${1001 + done.records})}`);
    expect(await take(cut)).toMatchObject({ records: 600 - done.records });
    for (const bytes of [0, 5, 11, 60, 200]) expect(await take(cut.subarray(0, bytes))).toHaveProperty("refused");
  });

  it.each<[string, () => ReturnType<typeof take>, RegExp]>([
    ["another key", () => take(fileOf(1, 3), { key: generateKeyPairSync("x25519").privateKey }), /sealed for key/],
    ["another organisation", () => take(fileOf(1, 3, { org: "other" })), /of organisation other, not cmac/],
    ["another fleet", () => take(fileOf(1, 3, { signed: signer("u1", "stranger") })), /another authority issued/],
    ["another unit's signature", () => take(fileOf(1, 3, { signed: signer("u2") })), /is of unit u1, but u2 signed it/],
    ["no signature", () => take(fileOf(1, 3, { signed: undefined })), /not signed/],
    ["no file of records in it", () => take(Buffer.from("a letter")), /not a file of records/],
  ])("for or with %s is refused, and nothing is written", async (_, attempt, reason) => {
    const count =
      "SELECT (SELECT count(*) FROM swath.wire_record)::int + (SELECT count(*) FROM swath.import)::int AS n";
    const before = await db.query(count);
    expect(await attempt()).toEqual({ refused: expect.stringMatching(reason) });
    expect(await db.query(count)).toEqual(before);
  });
});

describe("swath hq import", () => {
  it("says of each file what came of it, takes the good ones, and ends with 1 when one was not whole", async () => {
    const path = (name: string, bytes: Uint8Array) => {
      writeFileSync(join(dir, name), bytes);
      return join(dir, name);
    };
    const key = path("export.key", Buffer.from(exportKey.privateKey.export({ format: "pem", type: "pkcs8" })));
    const good = path("good.sealed", fileOf(2001, 10));
    const bad = path("bad.sealed", fileOf(2011, 10).subarray(0, 3000));
    const large = path("large.sealed", Buffer.alloc(0));
    execFileSync("truncate", ["-s", "300M", large]);
    const common = ["--org", ORG, "--database", url, "--key", key];
    const ca = ["--ca", join(dir, "fleet/ca/ca.crt")];
    const once = await runSwath(["hq", "import", good, bad, large, join(dir, "none"), ...common, ...ca]);
    expect(once.code).toBe(1);
    expect(once.output).toMatch(
      /good\.sealed\n {2}unit u1 on m1, written 2026-11-25T06:00:00\.000Z, signed, certificate/,
    );
    expect(once.output).toMatch(/log {3}2001 to 2010 of spool spool-aaaa\n {2}10 new, 1 known already, 0 put aside/);
    expect(once.output).toMatch(/bad\.sealed\n {2}REFUSED, nothing was taken: it is damaged or cut short/);
    expect(once.output).toMatch(/large\.sealed\n {2}REFUSED.*314572800 bytes/);
    expect(once.output).toMatch(/none\n {2}REFUSED.*ENOENT/);
    const again = await runSwath(["hq", "import", good, ...common, "--unsigned", "--json"]);
    expect(again.code).toBe(0);
    expect(JSON.parse(again.output)).toMatchObject({ file: good, unit: "u1", records: 0, duplicates: 11 });
    expect((await runSwath(["hq", "import", good, ...common])).output).toContain("expected --ca FILE");
    expect(
      (await runSwath(["hq", "import", good, ...common.slice(0, 4), "--key", hqKey.file, ...ca])).output,
    ).toContain("is a key of type ed25519, expected x25519");
  });

  it("opens with the pair that swath keys --export makes", async () => {
    const made = await runSwath(["keys", join(dir, "stick"), "--export"]);
    expect(made.code).toBe(0);
    const secret = createPrivateKey(readFileSync(join(dir, "stick.key")));
    expect(made.output).toContain(sealKeyIdOf(secret));
    expect((await runSwath(["keys", join(dir, "stick"), "--export"])).code).toBe(1);
  });
});
