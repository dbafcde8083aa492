import { LANES, type Lane } from "../../src/model/record.ts";
import type { UplinkOptions } from "../../src/uplink/contract.ts";
import { type OpenPipe, openMqttPipe } from "../../src/uplink/pipe.ts";
import { startTcpProxy } from "../rigs/tcp-proxy.ts";
import type { TestBroker } from "./brokers.ts";
import { seqOf } from "./memory-lanes.ts";
import { openSession, until } from "./session.ts";

/** What arrived of a lane: how many different numbers, how often one came again, and whether first arrivals are in order. */
export interface Arrived {
  readonly unique: number;
  readonly duplicates: number;
  readonly inOrder: boolean;
}

export function arrived(broker: TestBroker, lane: Lane): Arrived {
  const seen = new Set<number>();
  let duplicates = 0;
  let newest = 0;
  let inOrder = true;
  for (const { cls, body } of broker.delivered) {
    if (cls !== lane) continue;
    const seq = seqOf(body);
    if (seen.has(seq)) {
      duplicates += 1;
      continue;
    }
    if (seq < newest) inOrder = false;
    newest = Math.max(newest, seq);
    seen.add(seq);
  }
  return { unique: seen.size, duplicates, inOrder };
}

/** Frees what was handed to the socket, as a queue without acknowledgement would: the negative control. */
export const freeAtSend: OpenPipe = (options, listener) => {
  const pipe = openMqttPipe(options, { ...listener, acked: () => {} });
  return {
    publish(topic, payload, qos, retain, properties) {
      const packetId = pipe.publish(topic, payload, qos, retain, properties);
      if (qos === 1) queueMicrotask(() => listener.acked(packetId, 0));
      return packetId;
    },
    subscribe: (topics, asPublished) => pipe.subscribe(topics, asPublished),
    ping: () => pipe.ping(),
    get congested() {
      return pipe.congested;
    },
    finish: () => pipe.finish(),
    destroy: () => pipe.destroy(),
  };
};

/** Sends `records` a lane through a link that is cut at random bytes, until the lanes are empty. */
export async function sendOverCutLink(
  broker: TestBroker,
  options: {
    records: number;
    cutAfterBytes: () => number;
    latencyMs: number;
    protocol: UplinkOptions["protocol"];
    openPipe?: OpenPipe;
    timeoutMs?: number;
  },
): Promise<{ lanes: Record<Lane, Arrived>; cuts: number; bytes: number }> {
  const { records, cutAfterBytes, latencyMs, protocol, openPipe } = options;
  const proxy = await startTcpProxy(broker.port, { cutAfterBytes, latencyMs });
  const { uplink, lanes } = openSession(proxy.port, { protocol, random: () => 0 }, openPipe);
  uplink.start();
  let left = records;
  while (left > 0) {
    const part = Math.min(left, 25);
    for (const lane of LANES) lanes.append(lane, part);
    left -= part;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await until(
    "the lanes to be empty",
    () => LANES.every((lane) => lanes.unsent(lane) === 0),
    options.timeoutMs ?? 15_000,
  );
  proxy.faults.cutAfterBytes = undefined;
  await uplink.stop({ final: '{"state":"offline"}' });
  // What the broker has acknowledged is on its way to the subscriber; a message after all of it shows the end.
  await until(
    "the last state to be delivered",
    () => broker.delivered.some((d) => d.body.includes("offline")),
    1_000,
  ).catch(() => undefined);
  await proxy.close();
  const result = { event: arrived(broker, "event"), log: arrived(broker, "log"), bulk: arrived(broker, "bulk") };
  return { lanes: result, cuts: proxy.cuts, bytes: proxy.bytes };
}
