import { readFileSync } from "node:fs";
import { systemClock } from "../../src/bus/clock.ts";
import { encodeMessage } from "../../src/codec/compact-message.ts";
import { encodeBody } from "../../src/codec/compact-record.ts";
import { hashOf } from "../../src/model/canonical.ts";
import type { Draft } from "../../src/model/record.ts";
import { diskFiles } from "../../src/spool/files.ts";
import { openSpool } from "../../src/spool/spool.ts";
import { hqKeys, listenToHq } from "../../src/unit/hq-link.ts";
import { createLanes, type Lanes } from "../../src/unit/lanes.ts";
import { joinBytesFor } from "../../src/unit/store.ts";
import { createUplink } from "../../src/uplink/uplink.ts";
import { FULL_PLAN, fullPlanRecords } from "../bench/wire-plan.ts";

/** What the unit's side is told. */
export interface OfflineUnit {
  readonly dir: string;
  readonly port: number;
  readonly org: string;
  readonly unit: string;
  readonly hours: number;
  /** HQ's public key: HQ's word frees; without it the broker's does. */
  readonly keyFile?: string;
}

/** What it says, one object a line. */
export type OfflineWord =
  | {
      readonly wrote: {
        readonly records: number;
        readonly payloadBytes: number;
        readonly jsonBytes: number;
        readonly spoolBytes: number;
        readonly seconds: number;
      };
    }
  | { readonly rssMb: number; readonly left: number }
  | { readonly drained: true };

/** Bytes of the spool: thirty days must fit. */
const SPOOL_BYTES = 1e9;
const ROWS_S = 10;
/** A commit of the recording as fast as it goes: a minute of the machine's time. */
const PAIRS_A_COMMIT = 6;
const LIVE_MS = 200;
const EVENT_MS = 1_000;
const WORD_MS = 500;

const hash = hashOf(FULL_PLAN);
const known = () => FULL_PLAN;

/**
 * The recording half of a unit in a process of its own: fills a spool with records of the full plan as fast as it goes, as
 * `hours` without a link would, says so, and drains it over a link as soon as it reads a line, going on with live, events and
 * new records meanwhile.
 */
export async function offlineUnit(o: OfflineUnit): Promise<never> {
  const say = (word: OfflineWord): void => void process.stdout.write(`${JSON.stringify(word)}\n`);
  const spool = await openSpool({ dir: o.dir, files: diskFiles, clock: systemClock, maxBytes: SPOOL_BYTES });
  const tenMinutes = fullPlanRecords(60);
  const { boot, t } = tenMinutes[0]!.telemetry;
  const startUtcMs = Date.parse(t!) - tenMinutes[0]!.telemetry.mono;
  const lanes: Lanes = createLanes({
    spool,
    message: (records, id) => encodeMessage("cbor", id, records, known),
    joinBytes: joinBytesFor("cbor"),
    closed: o.keyFile !== undefined,
    sent: (lane, upTo, id) => (hq === undefined ? spool.free(lane, upTo, id) : hq.sent(lane, upTo, id)),
    gapBody: () => {
      throw new Error("the spool has room for all of it");
    },
  });
  let payloadBytes = 0;
  let jsonBytes = 0;
  let records = 0;
  const append = async (lane: "log" | "event", draft: Draft): Promise<void> => {
    const body = encodeBody(draft, known);
    payloadBytes += body.length;
    records += 1;
    await spool.append(lane, body);
    lanes.appended(lane);
  };
  const at = (mono: number) => ({
    v: 1 as const,
    boot,
    mono,
    t: new Date(startUtcMs + mono).toISOString(),
    trust: "gnss" as const,
    unc: 20,
  });
  const pair = (n: number): Draft[] => {
    const { telemetry, track } = tenMinutes[n % tenMinutes.length]!;
    const mono = n * ROWS_S * 1000;
    return [
      { ...telemetry, ...at(mono), desc: hash },
      { ...track, ...at(mono + 120), desc: hash },
    ];
  };
  await Promise.all([append("log", { ...at(0), kind: "desc", hash, body: FULL_PLAN }), spool.flush()]);

  const startedMs = performance.now();
  const pairs = (o.hours * 3600) / ROWS_S;
  for (let n = 0; n < pairs; ) {
    const wait: Promise<void>[] = [];
    for (let i = 0; i < PAIRS_A_COMMIT && n < pairs; i++, n++) {
      for (const draft of pair(n)) {
        if (n < tenMinutes.length) jsonBytes += JSON.stringify(draft).length;
        wait.push(append("log", draft));
      }
    }
    await spool.flush();
    await Promise.all(wait);
    if (n % 360 === 0) say({ rssMb: process.memoryUsage.rss() / 1e6, left: spool.unsent("log") });
  }
  const seconds = (performance.now() - startedMs) / 1000;
  jsonBytes *= pairs / Math.min(pairs, tenMinutes.length);
  say({ wrote: { records, payloadBytes, jsonBytes, spoolBytes: spool.bytes, seconds } });
  await new Promise((resolve) => process.stdin.once("data", resolve));

  const log = { info: () => undefined, warn: () => undefined };
  const backlogTo = spool.newest("log");
  const nothing = async () => ({ ok: false, reason: "this unit takes no commands" });
  const hq =
    o.keyFile === undefined
      ? undefined
      : listenToHq({
          ...{
            unit: o.unit,
            keys: hqKeys([o.keyFile]),
            confirms: true,
            spool,
            lanes,
            clock: systemClock,
            marks: undefined,
            log,
          },
          announce: () => uplink.announce(),
          commands: {
            ...{ utcMs: () => Date.now(), memory: undefined, keep: async () => undefined, answer: () => undefined },
            ops: { rebirth: nothing, config: nothing, snapshot: nothing, locate: nothing },
          },
        });
  const uplink = createUplink({
    identity: { org: o.org, unit: o.unit },
    url: `mqtt://127.0.0.1:${o.port}`,
    protocol: "auto",
    lanes,
    announce: () => ({ state: "{}", desc: JSON.stringify({ v: 1, kind: "desc", hash, body: FULL_PLAN }) }),
    will: "{}",
    clock: systemClock,
    log,
    ...(hq === undefined ? {} : { downlink: hq.downlink }),
  });
  uplink.start();
  let n = pairs;
  setInterval(() => uplink.publishLive(Buffer.from(JSON.stringify({ atMs: Date.now() }))), LIVE_MS);
  setInterval(() => {
    const mono = n * ROWS_S * 1000;
    const draft: Draft = { ...at(mono), kind: "event", name: "probe", severity: "info", detail: { atMs: Date.now() } };
    void append("event", draft);
  }, EVENT_MS);
  setInterval(() => {
    for (const draft of pair(n)) void append("log", draft);
    n += 1;
  }, ROWS_S * 1000);
  let drained = false;
  setInterval(() => {
    const left = Math.max(0, backlogTo + 1 - spool.first("log"));
    say({ rssMb: process.memoryUsage.rss() / 1e6, left });
    if (left === 0 && !drained) {
      drained = true;
      say({ drained: true });
    }
  }, WORD_MS);
  return new Promise(() => undefined);
}

/** Reads what the unit's side is told from a file. */
export const toldBy = (file: string): OfflineUnit => JSON.parse(readFileSync(file, "utf8")) as OfflineUnit;
