import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openPostgres } from "../../src/hq/ingest/postgres.ts";
import { launchIngester, makeKey, ORG } from "./hq.ts";
import { startPostgres } from "./postgres.ts";
import { openPty } from "./pty.ts";
import { talkInto } from "./receiver.ts";
import { gnssConfig, unitHome } from "./unit.ts";

/** What HQ's database held of a unit that had been at work before HQ first came. */
export interface HqOverBroker {
  readonly protocol: string;
  /** While the broker's word freed records, from HQ's first word on: numbers in the database, and holes among them. */
  readonly byBroker: { readonly have: number; readonly holes: number };
  /** Values that can be read: their descriptor is there. */
  readonly values: number;
  readonly state: string;
  readonly aside: number;
  /** While HQ's word freed records: numbers in the database, and what the unit still kept of them when it stopped. */
  readonly byHq: { readonly have: number; readonly unconfirmed: number };
}

/**
 * `swath hq` with PostgreSQL and a unit with compact records on a broker: HQ comes when the unit is long connected, is
 * killed and comes back, and then has the last word on what is freed.
 */
export async function hqOverBroker(port: number): Promise<HqOverBroker> {
  const cleanups: (() => unknown)[] = [];
  const later = <T>(made: T, cleanup: (made: T) => unknown): T => {
    cleanups.push(() => cleanup(made));
    return made;
  };
  try {
    const home = later(unitHome(), (h) => h.close());
    const server = later(await startPostgres(), (s) => s.stop());
    const key = later(makeKey(), (k) => k.remove());
    const pty = later(await openPty(), (p) => p.stop());
    later(talkInto(pty), (r) => r.stop());
    writeFileSync(join(home.dir, "hq.pub"), key.public.export({ format: "pem", type: "spki" }));
    const config = (ack: "broker" | "hq") => {
      const more = {
        ...{ org: ORG, hq: { keyFiles: ["hq.pub"] } },
        broker: { url: `mqtt://127.0.0.1:${port}`, encoding: "cbor" },
        spool: { dir: join(home.dir, ack), maxMb: 16, ack },
      };
      return gnssConfig({ brokerPort: port, spoolDir: home.spoolDir, pty: pty.path, more });
    };
    const database = server.createDatabase("broker");
    const ingest = () => later(launchIngester({ port, database, key: key.file }), (h) => h.stop());
    const db = later(openPostgres(database), (d) => d.close());

    const byBroker = await home.start(config("broker"));
    await byBroker.until("a connection", () => byBroker.output.includes('"connected":true'), 60_000);
    let hq = ingest();
    await hq.until("HQ at the broker", () => /connected to the broker/.test(hq.output), 60_000);
    const one = async (text: string): Promise<Readonly<Record<string, unknown>>> => {
      const [row] = await db.query(text);
      return row ?? {};
    };
    const runs = async () => {
      const row = await one(
        `SELECT coalesce(sum(upper(r) - lower(r)), 0)::int AS have, count(*)::int AS runs, (array_agg(s.id))[1] AS id
         FROM swath.stream s CROSS JOIN LATERAL unnest(s.have) r WHERE s.lane = 'log'
           AND s.id = (SELECT max(id) FROM swath.stream WHERE lane = 'log')`,
      );
      return { have: Number(row["have"]), runs: Number(row["runs"]), stream: row["id"] };
    };
    const values = async () => Number((await one("SELECT count(*)::int AS n FROM swath.value"))["n"]);
    const state = async () => (await one("SELECT state FROM swath.unit"))["state"] as Record<string, unknown> | null;
    // Long before the next announcement that is due by itself, a quarter of an hour after the connection.
    await hq.until("its state", async () => (await state())?.["state"] === "online", 60_000);
    await hq.until("values", async () => (await values()) > 0, 60_000);

    hq.kill("SIGKILL");
    await hq.exit;
    const before = await runs();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    hq = ingest();
    await hq.until("what came meanwhile", async () => (await runs()).have >= before.have + 8, 60_000);
    await byBroker.stop();
    await hq.until("the last word", async () => (await state())?.["state"] === "offline", 60_000);
    const first = await runs();

    const byHq = await home.start(config("hq"));
    const second = async () => {
      const now = await runs();
      return now.stream === first.stream || now.have < 15 ? undefined : now;
    };
    await byHq.until("records of the second spool", second, 60_000);
    await byHq.stop();
    const last = await hq.until(
      "the last word",
      async () => {
        const now = await state();
        return now?.["state"] === "offline" && now["unconfirmed"] !== undefined ? now : undefined;
      },
      60_000,
    );
    return {
      protocol: /"protocol":"([^"]+)"/.exec(hq.output)?.[1] ?? "",
      byBroker: { have: first.have, holes: first.runs - 1 },
      values: await values(),
      state: String(last["state"]),
      aside: Number((await one("SELECT coalesce(sum(messages), 0)::int AS n FROM swath.put_aside"))["n"]),
      byHq: {
        have: (await runs()).have,
        unconfirmed: Number((last["unconfirmed"] as Record<string, number>)["log"]),
      },
    };
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}
