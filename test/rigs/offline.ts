import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { decodeCompact } from "../../src/codec/compact-message.ts";
import { openPostgres } from "../../src/hq/ingest/postgres.ts";
import { parseTopic } from "../../src/model/topics.ts";
import { FULL_PLAN } from "../bench/wire-plan.ts";
import { launchIngester, makeKey, ORG, openPeer } from "./hq.ts";
import { startMosquitto } from "./mosquitto.ts";
import type { OfflineUnit, OfflineWord } from "./offline-unit.ts";
import { startPostgres } from "./postgres.ts";
import { startTcpProxy } from "./tcp-proxy.ts";
import { until } from "./unit.ts";

/** What a time without a link came to. */
export interface OfflineFigures {
  readonly hours: number;
  readonly records: number;
  /** Bytes of record bodies, and of the same records as JSON columns. */
  readonly payloadBytes: number;
  readonly jsonBytes: number;
  /** Bytes the spool takes on the card. */
  readonly spoolBytes: number;
  readonly wroteSeconds: number;
  readonly drainSeconds: number;
  /** Seconds of the machine's time drained in a second. */
  readonly timesRealTime: number;
  /** From the unit to a subscriber while the backlog drained, ms. */
  readonly live: { readonly heard: number; readonly p50: number; readonly p99: number; readonly most: number };
  readonly events: { readonly heard: number; readonly p50: number; readonly p99: number; readonly most: number };
  /** Of the unit's process, MB: a quarter into the writing, at its end, most while it drained, at the end. */
  readonly rssMb: { readonly early: number; readonly written: number; readonly most: number; readonly drained: number };
  /** Records that HQ's database holds of the backlog, where HQ frees. */
  readonly atHq: number | undefined;
}

function spread(all: number[]): { heard: number; p50: number; p99: number; most: number } {
  const sorted = [...all].sort((a, b) => a - b);
  const of = (share: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN);
  return { heard: sorted.length, p50: of(0.5), p99: of(0.99), most: of(1) };
}

/**
 * A unit that was `hours` without a link, at full rate, and then drains over a link of `bytesPerS` and `latencyMs` each way:
 * into `swath hq` with PostgreSQL, whose word frees, or (`hq: false`) freed by the broker's acknowledgement. `script` runs
 * `offlineUnit` for `--unit FILE`.
 */
export async function offline(o: {
  readonly hours: number;
  readonly hq: boolean;
  readonly bytesPerS: number;
  readonly latencyMs: number;
  readonly script: string;
  readonly timeoutMs: number;
}): Promise<OfflineFigures> {
  const cleanups: (() => unknown)[] = [];
  const dir = mkdtempSync(join(tmpdir(), "swath-offline-"));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  let unit: ChildProcess | undefined;
  try {
    const broker = await startMosquitto(["allow_anonymous true", "max_queued_messages 0", "max_inflight_messages 0"]);
    cleanups.push(() => broker.stop());
    const link = await startTcpProxy(broker.port, { bytesPerS: o.bytesPerS, latencyMs: o.latencyMs });
    cleanups.push(() => link.close());
    const key = makeKey();
    cleanups.push(() => key.remove());
    writeFileSync(join(dir, "hq.pub"), key.public.export({ format: "pem", type: "spki" }));
    const told: OfflineUnit = {
      ...{ dir: join(dir, "spool"), port: link.port, org: ORG, unit: "unit-1", hours: o.hours },
      ...(o.hq ? { keyFile: join(dir, "hq.pub") } : {}),
    };
    writeFileSync(join(dir, "unit.json"), JSON.stringify(told));

    const live: number[] = [];
    const events: number[] = [];
    let drained = false;
    const ear = await openPeer(
      broker.port,
      "ear",
      [`swath/1/${ORG}/unit-1/live`, `swath/1/${ORG}/unit-1/event`],
      (m) => {
        const nowMs = Date.now();
        if (drained) return;
        if (parseTopic(m.topic)?.cls === "live") {
          live.push(nowMs - (JSON.parse(String(m.payload)) as { atMs: number }).atMs);
          return;
        }
        const read = decodeCompact(m.payload, () => FULL_PLAN);
        const records = "records" in read ? (read.records as { detail?: { atMs?: number } }[]) : [];
        for (const { detail } of records) if (detail?.atMs !== undefined) events.push(nowMs - detail.atMs);
      },
    );
    cleanups.push(() => ear.end());

    const child = spawn(process.execPath, [o.script, "--unit", join(dir, "unit.json")], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    unit = child;
    cleanups.push(() => child.kill("SIGKILL"));
    let wrote: Extract<OfflineWord, { wrote: unknown }>["wrote"] | undefined;
    const before: number[] = [];
    const during: number[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => {
      const word = JSON.parse(line) as OfflineWord;
      if ("wrote" in word) wrote = word.wrote;
      else if ("rssMb" in word) (wrote === undefined ? before : during).push(word.rssMb);
      else drained = true;
    });
    const found = await until(
      "the records to be written",
      () => wrote ?? (child.exitCode === null ? undefined : fail()),
      o.timeoutMs,
    );

    let stored: (() => Promise<number>) | undefined;
    if (o.hq) {
      const server = await startPostgres();
      cleanups.push(() => server.stop());
      const database = server.createDatabase("offline");
      const hq = launchIngester({ port: broker.port, database, key: key.file });
      cleanups.push(() => hq.stop());
      await hq.until("HQ at the broker", () => /connected to the broker/.test(hq.output), 60_000);
      const db = openPostgres(database);
      cleanups.push(() => db.close());
      const text =
        "SELECT count(*)::int AS n FROM swath.wire_record r JOIN swath.stream s ON s.id = r.stream WHERE s.lane = 'log' AND r.seq <= $1";
      stored = async () => Number((await db.query(text, [found.records]))[0]?.["n"]);
    }
    const startedMs = performance.now();
    child.stdin.write("go\n");
    await until(
      "the backlog to be drained",
      () => drained || (child.exitCode === null ? undefined : fail()),
      o.timeoutMs,
    );
    const drainSeconds = (performance.now() - startedMs) / 1000;
    return {
      ...{ hours: o.hours, records: found.records, payloadBytes: found.payloadBytes, jsonBytes: found.jsonBytes },
      ...{ spoolBytes: found.spoolBytes, wroteSeconds: found.seconds, drainSeconds },
      timesRealTime: (o.hours * 3600) / drainSeconds,
      ...{ live: spread(live), events: spread(events) },
      rssMb: {
        ...{ early: before[Math.floor(before.length / 4)] ?? 0, written: before.at(-1) ?? 0 },
        ...{ most: Math.max(...during), drained: during.at(-1) ?? 0 },
      },
      atHq: await stored?.(),
    };
  } finally {
    unit?.kill("SIGKILL");
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

function fail(): never {
  throw new Error("the unit's side ended by itself");
}
