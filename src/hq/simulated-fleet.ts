import { createHash, randomUUID } from "node:crypto";
import { hashOf } from "../model/canonical.ts";
import { ackText, signedText } from "../model/downlink.ts";
import type { Descriptor } from "../model/record.ts";
import { topicOf } from "../model/topics.ts";
import { type Connection, type ConnectionOptions, openConnection, type Protocol } from "./ingest/connection.ts";

export interface FleetOptions {
  readonly broker: Pick<ConnectionOptions, "url" | "username" | "password" | "tls">;
  readonly protocol?: Protocol;
  readonly org: string;
  readonly units: number;
  /** Records a second of each unit; the nominal is 0.1, ten rows of a second each. */
  readonly recordsPerS: number;
  /** `watermark`: a record is kept, and sent again, until HQ has said that it is committed. */
  readonly ack: "watermark" | "broker";
  /** Records of each unit, after which it makes no more; unlimited by default. */
  readonly maxRecords?: number;
  readonly prefix?: string;
}

export interface FleetStats {
  readonly connected: number;
  /** Different records made. */
  readonly made: number;
  /** Messages sent, records that went again included. */
  readonly sent: number;
  /** Bytes of their payloads. */
  readonly bytes: number;
  /** Records freed: by the watermark, or by PUBACK. */
  readonly freed: number;
  /** Records made and not freed. */
  readonly held: number;
  /** From the first sending of a record to its watermark, in ms, of the last records. */
  readonly confirmMs: { readonly p50: number; readonly p99: number };
}

export interface SimulatedFleet {
  stats(): FleetStats;
  /** Made no more records from now on. */
  quiet(): void;
  close(): Promise<void>;
}

/** Messages in flight of one unit at most. */
const WINDOW = 32;
/** A record that is not confirmed this long after it was sent goes again. */
const AGAIN_MS = 15_000;
const CHANNELS = 12;
const ROWS = 10;
const SAMPLES = 20_000;

/** A descriptor as a machine with 12 channels of three statistics has it; simulated, and says so. */
function descriptorOf(unit: string): Descriptor {
  const channels = Object.fromEntries(
    Array.from({ length: CHANNELS }, (_, i) => [
      `channel_${i}`,
      {
        ...{ label: `Channel ${i}`, unit: "1" as const, range: [0, 1000] as [number, number], resolution: 0.1 },
        ...{ source: "simulated.load", table: "telemetry" as const, filters: [], simulated: true },
        columns: [`channel_${i}.mean`],
      },
    ]),
  );
  return { machine: unit, unit, config: "0000000000000000", quality: { missing: 8 }, channels };
}

interface Held {
  readonly text: string;
  firstMs: number;
  sentMs: number;
}

/** Many units over real MQTT, each with a session, a spool in memory and valid records; for measuring what HQ can take. */
export function startFleet(options: FleetOptions): SimulatedFleet {
  const { org, units, recordsPerS, prefix = "sim" } = options;
  const confirms = new Float64Array(SAMPLES);
  const total = { connected: 0, made: 0, sent: 0, bytes: 0, freed: 0, held: 0, confirms: 0 };
  let stopping = false;
  let quiet = false;

  function startUnit(index: number): { close(): void } {
    const unit = `${prefix}-${index}`;
    const spool = createHash("sha256").update(`${unit}${randomUUID()}`).digest("hex").slice(0, 16);
    const boot = randomUUID();
    const body = descriptorOf(unit);
    const desc = hashOf(body);
    const startMs = Date.now();
    const held = new Map<number, Held>();
    const toSend: number[] = [];
    let seq = 0;
    let inFlight = 0;
    let connection: Connection | undefined;
    let failures = 0;
    let timer: NodeJS.Timeout | undefined;
    const columns = Object.fromEntries(
      Array.from({ length: CHANNELS }, (_, i) => [
        `channel_${i}.mean`,
        Array.from({ length: ROWS }, (_, row) => Math.round(5000 + 4000 * Math.sin(index + i + row / 3)) / 10),
      ]),
    );
    const tail = `"desc":"${desc}","n":${ROWS},"dt":1000,"c":${JSON.stringify(columns)}}`;

    function add(fields: string): void {
      seq++;
      const nowMs = Date.now();
      const mono = nowMs - startMs;
      const t = new Date(nowMs).toISOString();
      const text = `{"v":1,"seq":${seq},"spool":"${spool}","boot":"${boot}","mono":${mono},"t":"${t}","trust":"ntp","unc":50,${fields}`;
      held.set(seq, { text, firstMs: 0, sentMs: 0 });
      toSend.push(seq);
      total.made++;
      total.held++;
      send();
    }

    function free(freed: number): void {
      const one = held.get(freed);
      if (one === undefined) return;
      held.delete(freed);
      total.held--;
      total.freed++;
      confirms[total.confirms++ % SAMPLES] = performance.now() - one.firstMs;
    }

    function send(): void {
      while (connection !== undefined && inFlight < WINDOW && toSend.length > 0) {
        const next = toSend.shift()!;
        const one = held.get(next);
        if (one === undefined) continue;
        inFlight++;
        total.sent++;
        total.bytes += one.text.length;
        one.sentMs = performance.now();
        one.firstMs ||= one.sentMs;
        connection.publish(topicOf({ org, unit }, "log"), one.text).then(
          () => {
            inFlight--;
            if (options.ack === "broker") free(next);
            send();
          },
          () => undefined,
        );
      }
    }

    function heard(payload: Uint8Array): void {
      // Whose signature it is matters to a real unit; here nothing is at stake.
      const signed = signedText.safeParse(JSON.parse(Buffer.from(payload).toString()));
      const ack = ackText.safeParse(signed.success ? JSON.parse(signed.data.text) : undefined);
      const log = ack.success && ack.data.spool === spool ? ack.data.lanes.log : undefined;
      if (log === undefined) return;
      const missing = new Set(log.missing);
      const known = log.missing.length < 64 ? log.upTo : log.missing.at(-1)!;
      for (const one of held.keys()) if (one <= known && !missing.has(one)) free(one);
      for (const one of missing) if (held.has(one) && !toSend.includes(one)) toSend.push(one);
      send();
    }

    const again = setInterval(() => {
      if (options.ack !== "watermark" || connection === undefined) return;
      const nowMs = performance.now();
      for (const [one, { sentMs }] of held)
        if (sentMs > 0 && nowMs - sentMs > AGAIN_MS && !toSend.includes(one)) toSend.push(one);
      send();
    }, AGAIN_MS / 5);
    const make = setInterval(() => {
      if (quiet || seq >= (options.maxRecords ?? Number.POSITIVE_INFINITY)) return;
      add(`"kind":"telemetry",${tail}`);
    }, 1000 / recordsPerS);

    function open(): void {
      const opened = openConnection(
        {
          ...options.broker,
          ...{ clientId: unit, protocol: options.protocol ?? "5", sessionExpiryS: 0, receiveMaximum: 20 },
        },
        {
          up(up) {
            failures = 0;
            connection = up;
            total.connected++;
            inFlight = 0;
            const described = JSON.stringify({ v: 1, kind: "desc", hash: desc, body });
            up.publish(topicOf({ org, unit }, "desc"), described, true).catch(() => undefined);
            if (options.ack === "watermark") up.subscribe([topicOf({ org, unit }, "ack")]).catch(() => undefined);
            // What was on its way is not known to have come.
            toSend.splice(0, toSend.length, ...held.keys());
            send();
          },
          message(message) {
            heard(message.payload);
            message.ack();
          },
          closed() {
            if (connection !== undefined) total.connected--;
            connection = undefined;
            if (!stopping) timer = setTimeout(open, Math.random() * Math.min(10_000, 500 * 2 ** failures++));
          },
        },
      );
      current = opened;
    }
    let current: Connection | undefined;
    // Not all at once: a broker accepts some hundreds of connections a second.
    timer = setTimeout(open, index * 2);
    return {
      close() {
        clearInterval(make);
        clearInterval(again);
        clearTimeout(timer);
        current?.end();
      },
    };
  }

  const all = Array.from({ length: units }, (_, index) => startUnit(index));
  return {
    stats() {
      const sorted = confirms.slice(0, Math.min(SAMPLES, total.confirms)).sort();
      const at = (share: number) => Math.round(sorted[Math.floor(sorted.length * share)] ?? 0);
      const { connected, made, sent, bytes, freed, held } = total;
      return { connected, made, sent, bytes, freed, held, confirmMs: { p50: at(0.5), p99: at(0.99) } };
    },
    quiet() {
      quiet = true;
    },
    async close() {
      stopping = true;
      for (const one of all) one.close();
      await new Promise((done) => setTimeout(done, 300));
    },
  };
}
