import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { openPostgres } from "../../src/hq/ingest/postgres.ts";
import { LANES } from "../../src/model/record.ts";
import { diskFiles } from "../../src/spool/files.ts";
import { openSpool } from "../../src/spool/spool.ts";
import { listenAt } from "../rigs/broker-ear.ts";
import { launchIngester, makeKey, ORG } from "../rigs/hq.ts";
import { startMosquitto } from "../rigs/mosquitto.ts";
import { startPostgres } from "../rigs/postgres.ts";
import { openPty } from "../rigs/pty.ts";
import { talkInto } from "../rigs/receiver.ts";
import { gnssConfig, unitHome } from "../rigs/unit.ts";

/** How often unit, broker and ingester are killed each; the long form sets it. */
const ROUNDS = Number(process.env["SWATH_PROOF_ROUNDS"] ?? 2);
/** Where the long form writes what it found. */
const RESULT = process.env["SWATH_PROOF_RESULT"];
/** Between two kills. */
const PAUSE_MS = 1_500;

/** What is torn down after each test, last made first. */
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS * (0.5 + Math.random())));

it(
  "what the unit made is what HQ's database holds, each once, with unit, broker and ingester killed over and over",
  async () => {
    const startedMs = performance.now();
    const home = unitHome();
    cleanups.push(() => home.close());
    const server = await startPostgres();
    cleanups.push(() => server.stop());
    const broker = await startMosquitto();
    cleanups.push(() => broker.stop());
    const key = makeKey();
    cleanups.push(() => key.remove());
    const pty = await openPty();
    cleanups.push(() => pty.stop());
    const receiver = talkInto(pty);
    cleanups.push(receiver.stop);
    const database = server.createDatabase("proof");
    mkdirSync(home.dir, { recursive: true });
    writeFileSync(join(home.dir, "hq.pub"), key.public.export({ format: "pem", type: "spki" }));
    const more = {
      ...{ org: ORG, hq: { keyFiles: ["hq.pub"] } },
      spool: { dir: home.spoolDir, maxMb: 16, ack: "hq" },
    };
    const config = gnssConfig({ brokerPort: broker.port, spoolDir: home.spoolDir, pty: pty.path, more });
    const ingest = () => launchIngester({ port: broker.port, database, key: key.file });

    let hq = ingest();
    cleanups.push(() => hq.stop());
    await hq.until("HQ at the broker", () => /connected to the broker/.test(hq.output), 60_000);
    const ear = await listenAt(broker.port, "unit-1", ORG);
    cleanups.push(() => ear.close());
    let unit = await home.start(config);
    /** Waits until the unit that runs has sent something, so that there is something to lose. */
    const worked = async () => {
      const before = ear.heard("log").length;
      await unit.until("records on the wire", () => ear.heard("log").length >= before + 3, 60_000);
    };
    for (let round = 0; round < ROUNDS; round++) {
      await worked();
      await pause();
      unit.kill("SIGKILL");
      await unit.exit;
      unit = await home.start(config);
      await worked();
      hq.kill("SIGKILL");
      await hq.exit;
      hq = ingest();
      await pause();
      await broker.kill();
      await broker.restart();
      if ((round + 1) % 20 === 0)
        console.log(`${round + 1} rounds in ${Math.round((performance.now() - startedMs) / 1000)} s`);
    }
    await pause();
    expect((await unit.stop()).code).toBe(0);

    // A last run that measures nothing brings home what is left.
    const drain = await home.start({ ...config, parts: {}, channels: {}, buses: {}, track: undefined });
    const left = () => {
      const { unsent, unconfirmed } = ear.health?.spool ?? {};
      return unconfirmed === undefined
        ? undefined
        : LANES.reduce((n, lane) => n + unsent![lane] + unconfirmed[lane], 0);
    };
    await drain.until("nothing unsent and nothing unconfirmed", () => left() === 0, 300_000);
    expect((await drain.stop()).code).toBe(0);
    await hq.stop();

    const db = openPostgres(database);
    cleanups.push(() => db.close());
    const spool = await openSpool({
      ...{ dir: home.spoolDir, files: diskFiles, maxBytes: 16e6 },
      clock: { monoMs: () => performance.now() },
    });
    cleanups.push(() => spool.close());
    const rows = await db.query(
      `SELECT s.lane, sum(upper(r) - lower(r))::int AS known, (SELECT count(*)::int FROM swath.wire_record x WHERE x.stream = s.id) AS stored,
              (SELECT count(DISTINCT x.seq)::int FROM swath.wire_record x WHERE x.stream = s.id) AS once
       FROM swath.stream s CROSS JOIN LATERAL unnest(s.have) r WHERE s.spool = $1 GROUP BY s.id, s.lane`,
      [spool.spoolId],
    );
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    const found = [
      "npm run test:proof: produced = committed, with unit, ingester and broker killed over and over.",
      `kill -9 of the unit ${ROUNDS}, of the ingester ${ROUNDS}, of the broker ${ROUNDS}, in ${seconds} s`,
    ];
    const held = Object.fromEntries(rows.map((row) => [String(row["lane"]), row]));
    for (const lane of LANES) {
      const made = spool.newest(lane);
      if (made === 0) continue;
      const { known, stored, once } = held[lane] ?? {};
      found.push(`${lane}: made ${made}, at HQ ${known}, rows ${stored}, of them once ${once}`);
      expect([known, stored, once], lane).toEqual([made, made, made]);
    }
    expect(spool.newest("log")).toBeGreaterThan(5);
    console.log(found.join("\n"));
    if (RESULT !== undefined) writeFileSync(RESULT, `${found.join("\n")}\nlost 0, there twice 0\n`);
  },
  ROUNDS * 60_000 + 300_000,
);
