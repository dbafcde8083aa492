import type { Database } from "../../src/hq/ingest/database.ts";
import { migrate } from "../../src/hq/ingest/migrations.ts";
import { openPostgres } from "../../src/hq/ingest/postgres.ts";
import { startFleet } from "../../src/hq/simulated-fleet.ts";
import { hearWatermarks, launchIngester, makeKey, ORG } from "./hq.ts";
import { startMosquitto } from "./mosquitto.ts";
import { startPostgres } from "./postgres.ts";
import { until } from "./unit.ts";

/** What came of it: produced is committed, each record once, and no watermark ran ahead. */
export interface HqFigures {
  readonly ingesterKills: number;
  readonly brokerKills: number;
  readonly databaseCrashes: number;
  readonly made: number;
  readonly lost: number;
  readonly twice: number;
  readonly watermarks: number;
  /** Watermarks that named a number which was not committed when they were heard. */
  readonly ahead: number;
  /** Messages sent per record made: what the faults cost on the wire. */
  readonly sentPerRecord: number;
}

export function hqUnharmed(figures: HqFigures): boolean {
  return figures.made > 0 && figures.lost === 0 && figures.twice === 0 && figures.ahead === 0 && figures.watermarks > 0;
}

/** Numbers in a watermark of the log lane that are not committed. */
export async function aheadOfCommit(
  db: Database,
  ack: { unit: string; spool: string; lanes: { log?: { upTo: number; missing: readonly number[] } | undefined } },
): Promise<number> {
  const { log } = ack.lanes;
  if (log === undefined) return 0;
  const [row] = await db.query(
    `SELECT coalesce((SELECT sum(upper(r) - lower(r)) FROM unnest(
        int8multirange(int8range(1, $3 + 1)) - s.have - s.gone - s.quarantined) r), 0)::float8 AS n
     FROM swath.stream s JOIN swath.unit u ON u.id = s.unit WHERE u.name = $1 AND s.spool = $2 AND s.lane = 'log'`,
    [ack.unit, ack.spool, log.upTo],
  );
  // Beyond the 64 that a watermark can name nothing is claimed.
  if (log.missing.length >= 64) return 0;
  return Math.max(0, Number(row?.["n"] ?? log.upTo) - log.missing.length);
}

/** Kills ingesters, brokers and the database under a fleet at work, each while records are on their way. */
export async function hqFaults(wanted: {
  readonly ingesterKills: number;
  readonly brokerKills: number;
  readonly databaseCrashes: number;
}): Promise<HqFigures> {
  const key = makeKey();
  const [server, broker] = await Promise.all([
    startPostgres(["fsync=on"]),
    startMosquitto(["allow_anonymous true", "max_queued_messages 0", "max_inflight_messages 0", "log_type error"]),
  ]);
  const database = server.createDatabase("faults");
  const db = openPostgres(database);
  await migrate(db);
  const launchOne = () => launchIngester({ port: broker.port, database, key: key.file });
  const broken = () => undefined;
  const stored = () =>
    db.query("SELECT count(*)::int AS n, count(DISTINCT (stream, seq))::int AS d FROM swath.wire_record").then(
      ([row]) => ({ rows: Number(row?.["n"]), different: Number(row?.["d"]) }),
      () => ({ rows: -1, different: -1 }),
    );
  let hq = launchOne();
  const fleet = startFleet({
    ...{ broker: { url: new URL(`mqtt://127.0.0.1:${broker.port}`) }, org: ORG },
    ...{ units: 5, recordsPerS: 10, ack: "watermark" },
  });
  let watermarks = 0;
  let ahead = 0;
  const checks: Promise<void>[] = [];
  const listen = () =>
    hearWatermarks(broker.port, key.public, (ack) => {
      watermarks++;
      checks.push(
        aheadOfCommit(db, ack).then((n) => {
          if (n > 0) ahead++;
        }, broken),
      );
    });
  let ears = await listen();
  try {
    const rounds = Math.max(wanted.ingesterKills, wanted.brokerKills, wanted.databaseCrashes);
    for (let round = 0; round < rounds; round++) {
      const before = Math.max(0, (await stored()).rows);
      await hq.until("new records", async () => (await stored()).rows > before, 60_000);
      await new Promise((done) => setTimeout(done, Math.random() * 150));
      if (round < wanted.ingesterKills) {
        hq.kill("SIGKILL");
        await hq.exit;
        hq = launchOne();
      }
      if (round < wanted.brokerKills) {
        await broker.kill();
        await broker.restart();
        ears.close();
        ears = await listen();
      }
      if (round < wanted.databaseCrashes) {
        server.crash();
        server.start();
      }
    }
    fleet.quiet();
    await hq.until("all records to be confirmed", () => fleet.stats().held === 0, 180_000);
    await Promise.all(checks);
    const { rows, different } = await until("the count", async () => {
      const now = await stored();
      return now.rows >= 0 ? now : undefined;
    });
    const { made, sent } = fleet.stats();
    return {
      ...wanted,
      made,
      lost: made - different,
      twice: rows - different,
      watermarks,
      ahead,
      sentPerRecord: sent / made,
    };
  } finally {
    ears.close();
    await fleet.close();
    await hq.stop();
    await db.close();
    await broker.stop();
    server.stop();
    key.remove();
  }
}
