import { type Encoding, encodeMessage } from "../../src/codec/compact-message.ts";
import { encodeBody } from "../../src/codec/compact-record.ts";
import { createLanes } from "../../src/unit/lanes.ts";
import { joinBytesFor } from "../../src/unit/store.ts";
import { type OpenPipe, openMqttPipe } from "../../src/uplink/pipe.ts";
import { FULL_PLAN, fullPlanRecords } from "../bench/wire-plan.ts";
import { startTcpProxy } from "../rigs/tcp-proxy.ts";
import { openSession, until } from "./session.ts";

const SPOOL = "0011223344556677";
/** Machine seconds in one pair of records. */
const ROWS_S = 10;
const known = () => FULL_PLAN;
const never = () => {
  throw new Error("nothing is missing here");
};

const bodies = fullPlanRecords(20)
  .flatMap(({ telemetry, track }) => [telemetry, track])
  .map((draft) => encodeBody(draft, known));

/** Lanes as the unit has them, over a log that never ends: telemetry and track of the full plan, ten seconds each. */
function backlog(encoding: Encoding, joins: boolean) {
  const sent = { upTo: 0 };
  const lanes = createLanes({
    spool: {
      spoolId: SPOOL,
      spools: () => [SPOOL],
      first: () => 1,
      async read(lane, fromSeq, maxRecords, maxBytes) {
        const records = [];
        for (let seq = Math.max(1, fromSeq), bytes = 0; lane === "log" && records.length < maxRecords; seq++) {
          const body = bodies[seq % bodies.length]!;
          bytes += body.length;
          if (records.length > 0 && bytes > maxBytes) break;
          records.push({ seq, body });
        }
        return records;
      },
    },
    message: (records, spool) => encodeMessage(encoding, spool, records, known),
    joinBytes: joins ? joinBytesFor(encoding) : 0,
    gapBody: never,
    sent: (_, upToSeq) => {
      sent.upTo = upToSeq;
    },
  });
  return { lanes, sent };
}

/** A broker that takes no more than so many messages at once; what it acknowledged, and the most that were on their way. */
function atMost(messages: number) {
  const seen = { most: 0, messages: 0, bytes: 0 };
  const openPipe: OpenPipe = (options, listener) => {
    const onTheirWay = new Map<number, number>();
    const pipe = openMqttPipe(options, {
      ...listener,
      up: (limits) => listener.up({ ...limits, receiveMaximum: Math.min(messages, limits.receiveMaximum) }),
      acked(packetId, code) {
        seen.messages += 1;
        seen.bytes += onTheirWay.get(packetId) ?? 0;
        onTheirWay.delete(packetId);
        listener.acked(packetId, code);
      },
    });
    const { publish } = pipe;
    pipe.publish = (topic, payload, qos, retain, properties) => {
      const packetId = publish(topic, payload, qos, retain, properties);
      if (qos === 1) seen.most = Math.max(seen.most, onTheirWay.set(packetId, payload.length).size);
      return packetId;
    };
    return pipe;
  };
  return { seen, openPipe };
}

/** What a link carried of a backlog. */
export interface CaughtUp {
  /** Acknowledged payload as a share of what the link carries (0–1); what MQTT adds is not counted. */
  readonly share: number;
  /** Seconds of the machine's time in one second. */
  readonly timesRealTime: number;
  /** Most messages on their way at once, and the bytes of an average one. */
  readonly most: number;
  readonly messageBytes: number;
  /** From the first connection on: bytes both ways, for each byte of payload that was acknowledged; what MQTT adds, sign-ons and what was sent again included. */
  readonly wirePerNewByte: number;
  readonly cuts: number;
}

/** How a backlog is drained. */
export interface CatchUp {
  readonly unit: string;
  readonly encoding: Encoding;
  /** Records go into one message as the unit does it; false: each alone. */
  readonly joins: boolean;
  readonly messages: number;
  readonly bytesPerS: number;
  readonly latencyMs: number;
  readonly windowMs: number;
  readonly windows: number;
  readonly share: number;
  /** Bytes after which a connection is cut; asked once per connection. */
  readonly cutAfterBytes?: () => number;
  /** Ends after so many cuts, too. */
  readonly cuts?: number;
}

/**
 * Drains an endless backlog through a link with at most `messages` on their way, for `windowMs` at a time, until one of
 * `windows` reaches `share`: a computer that stands still for a second is not the link's fault. Returns the best of them.
 */
export async function catchUp(port: number, options: CatchUp): Promise<CaughtUp> {
  const {
    unit,
    encoding,
    joins,
    messages,
    bytesPerS,
    latencyMs,
    windowMs,
    windows,
    share,
    cuts = Number.POSITIVE_INFINITY,
  } = options;
  const proxy = await startTcpProxy(port, { bytesPerS, latencyMs, cutAfterBytes: options.cutAfterBytes });
  const { seen, openPipe } = atMost(messages);
  const { lanes, sent } = backlog(encoding, joins);
  const { uplink } = openSession(proxy.port, { lanes, identity: { org: "cmac", unit }, random: () => 0 }, openPipe);
  uplink.start();
  await until("a connection", () => uplink.status().connected, 20_000);
  const now = () => ({ ...seen, seq: sent.upTo, ms: performance.now() });
  let best = { share: 0, timesRealTime: 0, most: 0, messageBytes: 0 };
  for (let i = 0; i < windows && best.share < share && proxy.cuts < cuts; i++) {
    const from = now();
    await new Promise((resolve) => setTimeout(resolve, windowMs));
    const to = now();
    const seconds = (to.ms - from.ms) / 1_000;
    const bytes = to.bytes - from.bytes;
    const got = {
      share: bytes / seconds / bytesPerS,
      timesRealTime: ((to.seq - from.seq) / 2) * (ROWS_S / seconds),
      most: to.most,
      messageBytes: bytes / Math.max(1, to.messages - from.messages),
    };
    best = got.share > best.share ? got : { ...best, most: got.most };
  }
  await uplink.stop({ final: "{}" });
  await proxy.close();
  return { ...best, wirePerNewByte: proxy.bytes / seen.bytes, cuts: proxy.cuts };
}
