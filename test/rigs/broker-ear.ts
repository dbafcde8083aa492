import mqtt from "mqtt";
import { z } from "zod";
import { decodeCompact, isJson } from "../../src/codec/compact-message.ts";
import {
  type Descriptor,
  descMessage,
  type HealthMessage,
  healthMessage,
  type Lane,
  type LiveMessage,
  liveMessage,
  type RecordKind,
  type StateMessage,
  stateMessage,
  type WireRecord,
  wireRecord,
} from "../../src/model/record.ts";
import { parseTopic } from "../../src/model/topics.ts";

/** One message as it arrived: when (`performance.now()`), whether the broker had kept it, and what it said. */
export interface Heard<T> {
  readonly atMs: number;
  readonly retained: boolean;
  readonly body: T;
}

/** A subscriber at the broker that holds every message to the schemas and keeps them all. */
export interface BrokerEar {
  readonly states: readonly Heard<StateMessage>[];
  readonly healths: readonly Heard<HealthMessage>[];
  readonly lives: readonly Heard<LiveMessage>[];
  /** How often the broker has granted the subscription. */
  readonly subscriptions: number;
  /** Messages of the lanes that came as CBOR. */
  readonly compact: number;
  readonly state: StateMessage | undefined;
  readonly health: HealthMessage | undefined;
  /** Every record of a lane as it arrived, repeats included. */
  heard(lane: Lane): readonly Heard<WireRecord>[];
  /** Each record once, in the order of its number. Throws for a number with two bodies, a hole, or a start other than 1. */
  whole(lane: Lane): WireRecord[];
  /** Of `whole("log")`, one kind. */
  ofKind<K extends RecordKind>(kind: K, lane?: Lane): Extract<WireRecord, { kind: K }>[];
  /** Sends a message through the broker and waits for it, so that all that came before has been heard. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

const MARK = "swath-test/mark";

/** Connects to the broker at `port` and hears all that `unit` says; connects again by itself. */
export async function listenAt(port: number, unit = "unit-1", org = "test"): Promise<BrokerEar> {
  const states: Heard<StateMessage>[] = [];
  const healths: Heard<HealthMessage>[] = [];
  const lives: Heard<LiveMessage>[] = [];
  const lanes: Record<Lane, Heard<WireRecord>[]> = { event: [], log: [], bulk: [] };
  const wrong: string[] = [];
  let subscriptions = 0;
  let compact = 0;
  let marks = 0;
  let marked: (() => void) | undefined;

  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
    clientId: `ear-${process.pid}-${Math.random().toString(36).slice(2, 8)}`,
    reconnectPeriod: 50,
    resubscribe: false,
  });
  client.on("error", () => undefined);
  client.on("connect", () => {
    client.subscribe({ [`swath/1/${org}/${unit}/#`]: { qos: 1 }, [MARK]: { qos: 1 } }, (e) => {
      if (!e) subscriptions++;
    });
  });

  /** Of the retained `desc` and of the records of that kind. */
  const descriptors = new Map<string, Descriptor>();
  const takeRecord = (one: unknown, into: Heard<WireRecord>[], how: Omit<Heard<0>, "body">, topic: string) => {
    const parsed = wireRecord.safeParse(one);
    if (!parsed.success) {
      wrong.push(`${topic}: ${z.prettifyError(parsed.error)}\n${JSON.stringify(one)}`);
      return;
    }
    if (parsed.data.kind === "desc") descriptors.set(parsed.data.hash, parsed.data.body);
    into.push({ ...how, body: parsed.data });
  };

  client.on("message", (topic, payload, packet) => {
    const atMs = performance.now();
    if (topic === MARK) {
      if (payload.toString() === String(marks)) marked?.();
      return;
    }
    const cls = parseTopic(topic)?.cls;
    const take = <T>(schema: z.ZodType<T>, into: Heard<T>[]) => {
      const parsed = schema.safeParse(JSON.parse(payload.toString()));
      if (parsed.success) into.push({ atMs, retained: packet.retain, body: parsed.data });
      else wrong.push(`${topic}: ${z.prettifyError(parsed.error)}\n${payload}`);
    };
    if (cls === "state") take(stateMessage, states);
    else if (cls === "health") take(healthMessage, healths);
    else if (cls === "live") take(liveMessage, lives);
    else if (cls === "event" || cls === "log" || cls === "bulk") {
      const read = isJson(payload)
        ? { records: [JSON.parse(payload.toString()) as unknown].flat() }
        : decodeCompact(payload, (hash) => descriptors.get(hash));
      if (!isJson(payload)) compact++;
      if (!("records" in read)) wrong.push(`${topic}: ${JSON.stringify(read)}`);
      else for (const one of read.records) takeRecord(one, lanes[cls], { atMs, retained: packet.retain }, topic);
    } else if (cls === "desc") {
      const { hash, body } = descMessage.parse(JSON.parse(payload.toString()));
      descriptors.set(hash, body);
    } else if (cls !== "alerts" && cls !== "ack" && cls !== "cmd" && cls !== "rsp")
      wrong.push(`${topic} is not a topic of a unit`);
  });

  function whole(lane: Lane): WireRecord[] {
    if (wrong.length > 0) throw new Error(`messages against the schemas:\n${wrong.join("\n")}`);
    const bySeq = new Map<number, WireRecord>();
    for (const { body } of lanes[lane]) {
      const known = bySeq.get(body.seq);
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(body))
        throw new Error(`${lane} ${body.seq} came with two bodies`);
      bySeq.set(body.seq, body);
    }
    const records = [...bySeq.values()].sort((a, b) => a.seq - b.seq);
    if (new Set(records.map((r) => r.spool)).size > 1) throw new Error(`${lane}: records of several spools`);
    records.forEach((r, i) => {
      if (r.seq !== i + 1) throw new Error(`${lane}: a hole before ${r.seq}`);
    });
    return records;
  }

  const ear: BrokerEar = {
    states,
    healths,
    lives,
    get subscriptions() {
      return subscriptions;
    },
    get compact() {
      return compact;
    },
    get state() {
      return states.at(-1)?.body;
    },
    get health() {
      return healths.at(-1)?.body;
    },
    heard: (lane) => lanes[lane],
    whole,
    ofKind: <K extends RecordKind>(kind: K, lane: Lane = "log") =>
      whole(lane).filter((r): r is Extract<WireRecord, { kind: K }> => r.kind === kind),
    settle() {
      marks++;
      return new Promise((resolve, reject) => {
        marked = resolve;
        client.publish(MARK, String(marks), { qos: 1 }, (e) => e && reject(e));
      });
    },
    close: () => client.endAsync(true),
  };
  const endMs = performance.now() + 5000;
  while (subscriptions === 0) {
    if (performance.now() > endMs) throw new Error(`no subscription at port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return ear;
}
