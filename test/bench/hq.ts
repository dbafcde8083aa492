import { readdirSync, readFileSync, rmSync } from "node:fs";
import type { Database } from "../../src/hq/ingest/database.ts";
import { openPostgres } from "../../src/hq/ingest/postgres.ts";
import { launchIngester, makeKey, ORG } from "../rigs/hq.ts";
import { mosquittoPath, startMosquitto } from "../rigs/mosquitto.ts";
import { type Postgres, postgresBin, startPostgres } from "../rigs/postgres.ts";
import { launch, until } from "../rigs/unit.ts";
import type { Result } from "./result.ts";

const TICKS_PER_S = 100;

/** CPU seconds a process has used, user and system. */
function cpuS(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
  } catch {
    return 0;
  }
}

/** CPU seconds of the server and all its children, those that ended included. */
function serverCpuS(pid: number): number {
  let sum = cpuS(pid);
  const own = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = own.slice(own.lastIndexOf(")") + 2).split(" ");
  sum += (Number(fields[13]) + Number(fields[14])) / TICKS_PER_S;
  for (const name of readdirSync("/proc").filter((n) => /^\d+$/.test(n))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      if (Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid) sum += cpuS(Number(name));
    } catch {
      // It ended while we looked.
    }
  }
  return sum;
}

function rssMb(pid: number): number {
  const line = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1] ?? 0) / 1000;
}

const wait = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** Records a second of a plain COPY of all stored rows into a table with the same indexes: what the database can take. */
async function copyRate(db: Database, port: number): Promise<number> {
  const file = `/tmp/swath-copy-${port}.bin`;
  try {
    await db.query(`COPY (SELECT * FROM swath.wire_record) TO '${file}' WITH (FORMAT binary)`);
    await db.query("CREATE TABLE swath.plain (LIKE swath.wire_record INCLUDING INDEXES)");
    const startMs = performance.now();
    await db.query(`COPY swath.plain FROM '${file}' WITH (FORMAT binary)`);
    const seconds = (performance.now() - startMs) / 1000;
    const [row] = await db.query("SELECT count(*)::float8 AS n FROM swath.plain");
    return Number(row?.["n"]) / seconds;
  } finally {
    rmSync(file, { force: true });
  }
}

/**
 * What a unit more costs, between each load and the next: the same figure twice is a cost that grows linearly. And whether
 * the largest load keeps to the goal: committed within 2 s, at most one core.
 */
function slopes(
  loads: readonly {
    units: number;
    cores: number;
    serverCores: number;
    rss: number;
    lagP99S: number;
    confirmP99S: number;
  }[],
): string[] {
  const lines = loads.slice(1).map((load, i) => {
    const before = loads[i]!;
    const per1000 = (what: "cores" | "serverCores" | "rss") =>
      ((load[what] - before[what]) / (load.units - before.units)) * 1000;
    return `slope ${before.units} to ${load.units} units, per 1,000 units: ingester ${per1000("cores").toFixed(3)} cores and ${per1000("rss").toFixed(0)} MB, PostgreSQL ${per1000("serverCores").toFixed(3)} cores`;
  });
  const { units, cores, lagP99S, confirmP99S } = loads.at(-1)!;
  const holds = Math.max(lagP99S, confirmP99S) <= 2 && cores <= 1;
  lines.push(
    `goal at ${units} units: committed within 2 s (p99: taken up ${lagP99S.toFixed(2)} s, confirmed ${confirmP99S.toFixed(2)} s), at most one core (${cores.toFixed(2)}): ${holds ? "holds" : "does not hold"}`,
  );
  return lines;
}

interface Load {
  readonly copy?: boolean;
  readonly units: number;
  readonly rate: number;
  readonly seconds: number;
  readonly ingesters?: number;
}

/** Lets a fleet send to one or more ingesters, with a broker and a database of their own; figures of the steady part. */
async function underLoad(server: Postgres, key: { file: string }, name: string, load: Load) {
  const broker = await startMosquitto([
    "allow_anonymous true",
    "max_queued_messages 0",
    "max_inflight_messages 0",
    "log_type error",
  ]);
  const database = server.createDatabase(name);
  const hqs = Array.from({ length: load.ingesters ?? 1 }, (_, i) =>
    launchIngester({ port: broker.port, database, key: key.file, name: `bench-${i}` }),
  );
  const db = openPostgres(database);
  const stored = async () => {
    const [row] = await db.query(
      `SELECT coalesce(sum(upper(r) - lower(r)), 0)::float8 AS n FROM swath.stream s CROSS JOIN LATERAL unnest(s.have) r`,
    );
    return Number(row?.["n"]);
  };
  try {
    for (const hq of hqs) await hq.until("the broker", () => /connected to the broker/.test(hq.output));
    const fleet = launch([
      ...["simulate", "--broker", `mqtt://127.0.0.1:${broker.port}`, "--org", ORG, "--units", String(load.units)],
      ...["--rate", String(load.rate), "--seconds", String(load.seconds + load.units / 250 + 3)],
    ]);
    const stats = () => fleet.lines.at(-1) as { connected: number; made: number; bytes: number } | undefined;
    await fleet.until("all units", () => stats()?.connected === load.units, 120_000);
    await wait(2000);
    const cpu = () => hqs.reduce((sum, hq) => sum + cpuS(hq.pid), 0);
    const before = { ms: performance.now(), n: await stored(), cpu: cpu(), server: serverCpuS(server.pid()) };
    await Promise.race([wait(load.seconds * 1000), fleet.exit]);
    const seconds = (performance.now() - before.ms) / 1000;
    const records = (await stored()) - before.n;
    const recordsPerS = records / seconds;
    const cores = (cpu() - before.cpu) / seconds;
    const serverCores = (serverCpuS(server.pid()) - before.server) / seconds;
    const rss = Math.max(...hqs.map((hq) => rssMb(hq.pid)));
    const ending = await until("the fleet to be confirmed", () => fleet.ended, 180_000);
    const last = fleet.lines.at(-1) as {
      made: number;
      freed: number;
      sent: number;
      confirmMs: { p50: number; p99: number };
    };
    const [lag] = await db.query(
      `SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM received_at - t)) AS lag
       FROM swath.wire_record WHERE received_at > (SELECT min(received_at) FROM swath.wire_record) + interval '5 s'`,
    );
    const [p50, p99] = (lag?.["lag"] as number[] | null) ?? [0, 0];
    const lost = last.made - (await stored());
    return {
      ...{ recordsPerS, cores, serverCores, rss, lost, code: ending.code },
      ...{ lagP50S: p50 ?? 0, lagP99S: p99 ?? 0, confirmP99S: last.confirmMs.p99 / 1000, again: last.sent / last.made },
      copyPerS: load.copy === true ? await copyRate(db, server.port) : 0,
    };
  } finally {
    for (const hq of hqs) await hq.stop();
    await db.close();
    await broker.stop();
  }
}

export async function run(flags: readonly string[]): Promise<Result> {
  const figures: Record<string, number> = {};
  if (postgresBin() === undefined || mosquittoPath() === undefined) {
    console.log("needs PostgreSQL and Mosquitto");
    return { name: "hq", figures };
  }
  const short = flags.includes("--short");
  const server = await startPostgres(["max_wal_size=4GB"]);
  const key = makeKey();
  try {
    console.log(
      "units | ingesters | records/s | taken up after p50, p99 (s) | watermark p99 (s) | ingester cores | MB | PostgreSQL cores | sent/made | lost",
    );
    const row = async (name: string, load: Load) => {
      const r = await underLoad(server, key, name, load);
      console.log(
        `${load.units} | ${load.ingesters ?? 1} | ${r.recordsPerS.toFixed(0)} | ${r.lagP50S.toFixed(2)}, ${r.lagP99S.toFixed(2)} | ${r.confirmP99S.toFixed(2)} | ${r.cores.toFixed(2)} | ${r.rss.toFixed(0)} | ${r.serverCores.toFixed(2)} | ${r.again.toFixed(2)} | ${r.lost}`,
      );
      return r;
    };
    const seconds = short ? 8 : 30;
    const loads: {
      units: number;
      cores: number;
      serverCores: number;
      rss: number;
      lagP99S: number;
      confirmP99S: number;
    }[] = [];
    for (const units of short ? [50, 200] : [50, 500, 5000]) {
      const r = await row(`n${units}`, { units, rate: 0.1, seconds });
      loads.push({ units, ...r });
      figures[`cores${units}`] = r.cores;
      figures[`lagP99S${units}`] = r.lagP99S;
      figures[`lost${units}`] = r.lost;
    }
    for (const line of slopes(loads)) console.log(line);
    const rate = 40;
    const one = await row("full1", { units: 100, rate, seconds: short ? 8 : 20, copy: true });
    const { copyPerS } = one;
    const ratio = copyPerS / one.recordsPerS;
    console.log(`COPY of the same rows: ${copyPerS.toFixed(0)} records/s, ${ratio.toFixed(1)} × one ingester`);
    figures["copyRatio"] = ratio;
    figures["recordsPerS"] = one.recordsPerS;
    if (!short) {
      const two = await row("full2", { units: 100, rate, seconds: 20, ingesters: 2 });
      figures["recordsPerSTwo"] = two.recordsPerS;
      console.log(
        `two ingesters on a shared subscription: ${(two.recordsPerS / one.recordsPerS).toFixed(2)} × one, COPY ${(copyPerS / two.recordsPerS).toFixed(1)} × both`,
      );
    }
    return { name: "hq", figures };
  } finally {
    server.stop();
    key.remove();
  }
}
