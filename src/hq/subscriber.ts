import { connect } from "mqtt";
import { HQ_UNIT } from "../model/downlink.ts";
import { parseTopic, TOPIC_CLASSES } from "../model/topics.ts";
import { createFleet, type Fleet } from "./fleet.ts";
import type { BadReason } from "./inbox.ts";
import type { FieldRules } from "./roles.ts";
import type { UnitModel } from "./unit-model.ts";

export interface SubscriberOptions {
  /** `mqtt://host:port` of the broker. */
  readonly url: string;
  /** Organisation to listen to; all of them by default. */
  readonly org?: string;
  readonly rules: FieldRules;
  /** Called after a unit's model took a message. */
  readonly onUnit?: (unit: UnitModel) => void;
  /** Called for a message that was put aside. */
  readonly onBad?: (reason: BadReason, topic: string) => void;
}

export interface Subscriber {
  readonly fleet: Fleet;
  connected(): boolean;
  stats(): { readonly messages: number; readonly bytes: number; readonly connects: number };
  close(): Promise<void>;
}

/** Wait before the next attempt to connect, in ms. */
const RECONNECT_MS = 1_000;

/**
 * The subscriber that stands for HQ: one session that hears every unit, checks every message and keeps the books. It
 * reconnects for ever, whatever the broker answered.
 */
export function startSubscriber(options: SubscriberOptions): Subscriber {
  const fleet = createFleet(options.rules);
  let messages = 0;
  let bytes = 0;
  let connects = 0;

  const client = connect(options.url, {
    clientId: `hq-${Math.random().toString(36).slice(2, 10)}`,
    protocolVersion: 4,
    clean: true,
    keepalive: 20,
    connectTimeout: 15_000,
    reconnectPeriod: RECONNECT_MS,
    reconnectOnConnackError: true,
    resubscribe: false,
  });
  client.on("connect", () => {
    connects++;
    client.subscribe(`swath/1/${options.org ?? "+"}/+/+/#`, { qos: 1 }, (error, granted) => {
      const refused = error !== null || granted === undefined || granted.some((grant) => grant.qos > 2);
      // A session that hears nothing is worth nothing: cut it off, and the client tries again from the start.
      if (refused && !client.disconnecting) client.stream.destroy();
    });
  });
  client.on("message", (topic, payload) => {
    const parsed = parseTopic(topic);
    // What HQ itself says is not news to it.
    if (parsed !== undefined && (parsed.unit === HQ_UNIT || TOPIC_CLASSES[parsed.cls].direction === "down")) return;
    messages++;
    bytes += payload.length;
    const result = fleet.receive(topic, payload, Date.now());
    if (typeof result === "string") options.onBad?.(result, topic);
    else if (result !== undefined) options.onUnit?.(result);
  });
  // The state is `connected()`; the client itself goes on trying.
  client.on("error", () => {});

  return {
    fleet,
    connected: () => client.connected,
    stats: () => ({ messages, bytes, connects }),
    async close() {
      await client.endAsync(true);
    },
  };
}
