import { generateKeyPairSync, type KeyObject } from "node:crypto";
import mqtt, { type MqttClient } from "mqtt";
import { signText } from "../../src/codec/signed-text.ts";
import { type AckText, type CmdText, type RspMessage, rspMessage } from "../../src/model/downlink.ts";
import { LANES, type Lane, type WireRecord, wireRecord } from "../../src/model/record.ts";
import { parseTopic } from "../../src/model/topics.ts";

/** A small HQ: it keeps the numbers of all records of one unit in memory and publishes the signed watermark. */
export interface FakeHq {
  readonly publicPem: string;
  /** Messages of the lanes that it took, by `spool/lane/seq`: how often each. */
  readonly taken: ReadonlyMap<string, number>;
  readonly takenBytes: { all: number; first: number };
  readonly answers: readonly RspMessage[];
  /** How often `state` came that the broker had not kept. */
  readonly announced: number;
  /** The numbers of a lane that it has, in order, of the newest spool. */
  has(lane: Lane): number[];
  command(cmd: Partial<CmdText> & { serial: number }, retain?: boolean): Promise<void>;
  /** Goes away without a word, and comes back. */
  lose(): Promise<void>;
  back(): Promise<void>;
  close(): Promise<void>;
}

const ACK_MS = 250;

/** Connects to the broker at `port` for `unit`. `drops` names records that are lost on their way, by how often they came. */
export async function startFakeHq(
  port: number,
  options: { readonly drops?: (lane: Lane, seq: number, times: number) => boolean; readonly key?: KeyObject } = {},
): Promise<FakeHq> {
  const { drops = () => false } = options;
  const pair = generateKeyPairSync("ed25519");
  const key = options.key ?? pair.privateKey;
  const taken = new Map<string, number>();
  const takenBytes = { all: 0, first: 0 };
  const seqs = new Map<string, Set<number>>();
  const answers: RspMessage[] = [];
  let announced = 0;
  let spool = "";
  let client: MqttClient | undefined;
  let timer: NodeJS.Timeout | undefined;
  const topic = (cls: string, unit = "unit-1") => `swath/1/test/${unit}/${cls}`;

  function watermark(): void {
    if (spool === "" || client?.connected !== true) return;
    const lanes: AckText["lanes"] = {};
    for (const lane of LANES) {
      const have = seqs.get(`${spool}/${lane}`) ?? new Set();
      const upTo = Math.max(0, ...have);
      const missing: number[] = [];
      for (let seq = 1; seq < upTo && missing.length < 64; seq++) if (!have.has(seq)) missing.push(seq);
      lanes[lane] = { upTo, missing };
    }
    const text: AckText = { kind: "ack", unit: "unit-1", spool, lanes, at: new Date().toISOString() };
    client.publish(topic("ack"), JSON.stringify(signText(text, key)), { qos: 1, retain: true });
  }

  function hear(name: string, payload: Buffer, retained: boolean): void {
    const cls = parseTopic(name)?.cls;
    if (cls === "rsp") answers.push(rspMessage.parse(JSON.parse(payload.toString())));
    if (cls === "state" && !retained) announced += 1;
    if (cls !== "event" && cls !== "log" && cls !== "bulk") return;
    for (const one of [JSON.parse(payload.toString()) as unknown].flat())
      store(cls, wireRecord.parse(one), payload.length);
  }

  function store(cls: Lane, record: WireRecord, bytes: number): void {
    const { seq } = record;
    const id = `${record.spool}/${cls}/${seq}`;
    const times = (taken.get(id) ?? 0) + 1;
    taken.set(id, times);
    takenBytes.all += bytes;
    if (times === 1) takenBytes.first += bytes;
    if (drops(cls, seq, times)) return;
    spool = record.spool;
    const have = seqs.get(`${record.spool}/${cls}`) ?? new Set();
    seqs.set(`${record.spool}/${cls}`, have);
    const to = record.kind === "gap" ? record.to : seq;
    for (let s = seq; s <= to; s++) have.add(s);
  }

  async function connect(): Promise<void> {
    const c = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
      clientId: "fake-hq",
      clean: false,
      reconnectPeriod: 50,
      will: { topic: topic("state", "hq"), payload: Buffer.from('{"v":1,"state":"lost"}'), qos: 1, retain: true },
    });
    client = c;
    c.on("error", () => undefined);
    c.on("message", (name, payload, packet) => hear(name, payload, packet.retain));
    const ready = new Promise<void>((resolve) => {
      c.on("connect", () => {
        c.subscribe(
          ["event", "log", "bulk", "state", "rsp"].map((cls) => topic(cls)),
          { qos: 1 },
          () => {
            c.publish(topic("state", "hq"), '{"v":1,"state":"online"}', { qos: 1, retain: true });
            resolve();
          },
        );
      });
    });
    await ready;
    timer = setInterval(watermark, ACK_MS);
  }

  async function lose(): Promise<void> {
    clearInterval(timer);
    const c = client;
    client = undefined;
    c?.stream.destroy();
    await c?.endAsync(true);
  }

  await connect();
  return {
    publicPem: pair.publicKey.export({ format: "pem", type: "spki" }).toString(),
    taken,
    takenBytes,
    answers,
    get announced() {
      return announced;
    },
    has: (lane) => [...(seqs.get(`${spool}/${lane}`) ?? [])].sort((a, b) => a - b),
    async command(cmd, retain = false) {
      const text = {
        ...{ kind: "cmd", unit: "unit-1", id: `c-${cmd.serial}`, op: "rebirth" },
        expires: new Date(Date.now() + 3_600_000).toISOString(),
        ...cmd,
      };
      await client?.publishAsync(topic("cmd"), JSON.stringify(signText(text, key)), { qos: 1, retain });
    },
    lose,
    back: connect,
    close: lose,
  };
}
