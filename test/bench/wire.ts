import { encodeMessage, MOST_RECORDS } from "../../src/codec/compact-message.ts";
import { bodyBudget, decodeBody, encodeBody } from "../../src/codec/compact-record.ts";
import type { Result } from "./result.ts";
import { FULL_PLAN, fullPlanRecords } from "./wire-plan.ts";

const PAIRS = 360;
const ROWS = 10;
const SECONDS = PAIRS * ROWS;
const SPOOL = "0011223344556677";
/** MQTT, TCP, IP and TLS around one QoS 1 message and its acknowledgement (measured with `ss -tin`, TLS by arithmetic). */
const PACKET_BYTES = 245;

const known = () => FULL_PLAN;

/** Processor time of one round of `work`, in µs: the first of them, and the median of those after the compiler has settled. */
function cpuOf(work: () => void): { readonly first: number; readonly median: number } {
  const rounds = Array.from({ length: 30 }, () => {
    const startUs = process.cpuUsage().user;
    work();
    return process.cpuUsage().user - startUs;
  });
  const settled = rounds.slice(10).sort((a, b) => a - b);
  return { first: rounds[0]!, median: settled[settled.length >> 1]! };
}

/** Bits that remain of the differences from row to row when every column has its own best code: no coder gets below. */
function entropyBytes(pairs: ReturnType<typeof fullPlanRecords>): number {
  const columns = new Map<string, Map<number, number>>();
  const last = new Map<string, number>();
  for (const { telemetry, track } of pairs)
    for (const [name, values] of [...Object.entries(telemetry.c), ...Object.entries(track.c)])
      for (const value of values) {
        const difference = Number(((value ?? 0) - (last.get(name) ?? value ?? 0)).toFixed(7));
        last.set(name, value ?? 0);
        const counts = columns.get(name) ?? new Map<number, number>();
        columns.set(name, counts.set(difference, (counts.get(difference) ?? 0) + 1));
      }
  let bits = 0;
  for (const counts of columns.values()) for (const n of counts.values()) bits -= n * Math.log2(n / SECONDS);
  return bits / 8;
}

/** Bytes of one row as Sparkplug B with aliases: per metric its tag and length, alias, datatype and value. */
function sparkplugBytes(row: Readonly<Record<string, number | null>>): number {
  const payload = 2 + 7 + 3; // timestamp, seq
  return Object.values(row).reduce<number>((sum, v, i) => {
    const alias = i < 128 ? 2 : 3;
    const value = v !== null && Math.fround(v) === v ? 5 : 9;
    return sum + 2 + alias + 2 + value;
  }, payload);
}

/** Bytes per machine-second of the full plan, in every form the wire may have, and the time the short one takes. */
export async function run(): Promise<Result> {
  const pairs = fullPlanRecords(PAIRS);
  const drafts = pairs.flatMap(({ telemetry, track }) => [telemetry, track]);
  let named = 0;
  let sparkplug = 0;
  for (const { telemetry, track } of pairs)
    for (let row = 0; row < ROWS; row++) {
      const all = Object.entries({ ...telemetry.c, ...track.c }).map(([name, values]) => [name, values[row] ?? null]);
      const flat = Object.fromEntries(all) as Record<string, number | null>;
      named += JSON.stringify({ t: telemetry.t, ...flat }).length;
      sparkplug += sparkplugBytes(flat);
    }
  const encode = cpuOf(() => {
    for (const draft of drafts) encodeBody(draft, known);
  });
  const bodies = drafts.map((draft, i) => ({ seq: 100_000 + i, body: encodeBody(draft, known) }));
  const decode = cpuOf(() => {
    for (const { body } of bodies) decodeBody(body, known, bodyBudget());
  });

  const total = (encoding: "json" | "cbor", perMessage: number) => {
    let bytes = 0;
    let messages = 0;
    for (let i = 0; i < bodies.length; i += perMessage) {
      bytes += encodeMessage(encoding, SPOOL, bodies.slice(i, i + perMessage), known).length;
      messages++;
    }
    return { payload: bytes / SECONDS, wire: (bytes + messages * PACKET_BYTES) / SECONDS };
  };
  const json = total("json", 2);
  const live = total("cbor", 2);
  const backlog = total("cbor", MOST_RECORDS);
  const stored = bodies.reduce((sum, { body }) => sum + body.length + 32, 0) / SECONDS;
  const rows: [string, number, number][] = [
    ["named JSON, one message a second", named / SECONDS, named / SECONDS + PACKET_BYTES],
    ["Sparkplug B with aliases, by arithmetic", sparkplug / SECONDS, sparkplug / SECONDS + PACKET_BYTES],
    ["JSON columns, records of 10 s", json.payload, json.wire],
    ["cbor, records of 10 s", live.payload, live.wire],
    [`cbor, ${MOST_RECORDS} records in a message (backlog)`, backlog.payload, backlog.wire],
    ["entropy of the differences (limit)", entropyBytes(pairs) / SECONDS, Number.NaN],
  ];
  console.log("full plan: 25 channels × mean, min, max, 7 states, position; bytes per machine-second");
  console.log("form".padEnd(46), "payload".padStart(9), "with packets".padStart(13));
  for (const [what, payload, wire] of rows)
    console.log(
      what.padEnd(46),
      payload.toFixed(1).padStart(9),
      (Number.isNaN(wire) ? "" : wire.toFixed(1)).padStart(13),
    );
  console.log("elsewhere, on another set of the same plan: named JSON 1,557, Sparkplug B 971, entropy 37–43");
  const [written, read] = [encode, decode].map(({ first, median }) => ({
    first: (first / SECONDS).toFixed(1),
    median: (median / SECONDS).toFixed(1),
  }));
  console.log(
    `CPU per machine-second: ${written!.median} µs to write (goal 20; ${written!.first} in the first hour of a process), ${read!.median} µs to read (${read!.first})`,
  );
  const monthMb = (stored * 86_400 * 30) / 1e6;
  console.log(
    `in the spool, entries and all: ${((stored * 86_400) / 1e6).toFixed(2)} MB a day, ${monthMb.toFixed(0)} MB in 30 days`,
  );
  return {
    name: "wire",
    figures: {
      namedJsonBytesPerS: named / SECONDS,
      jsonBytesPerS: json.payload,
      cborBytesPerS: live.payload,
      cborWireBytesPerS: live.wire,
      encodeUsPerS: encode.median / SECONDS,
      decodeUsPerS: decode.median / SECONDS,
      spoolMbPer30Days: monthMb,
    },
  };
}
