import { z } from "zod";

/** One level of a topic: RabbitMQ and NATS map `/` to `.`, so a dot in a name breaks both; upper case breaks ACLs. */
export const topicLevel = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/, "1 to 32 of a-z, 0-9 and -, not at an end");

/** Message classes: direction, QoS, retained, and expiry in seconds where MQTT 5 can tell it. */
export const TOPIC_CLASSES = {
  state: {
    direction: "up",
    qos: 1,
    retain: true,
    expiryS: undefined,
    about: "whether the unit is there, and what it runs; also the last will",
  },
  desc: {
    direction: "up",
    qos: 1,
    retain: true,
    expiryS: undefined,
    about: "the descriptor: every channel with unit, range, resolution and source",
  },
  live: {
    direction: "up",
    qos: 0,
    retain: false,
    expiryS: 60,
    about: "the newest row and position, for dashboards; never spooled",
  },
  event: { direction: "up", qos: 1, retain: false, expiryS: undefined, about: "the event lane" },
  log: {
    direction: "up",
    qos: 1,
    retain: false,
    expiryS: undefined,
    about: "the log lane: telemetry, track, outage and gap records",
  },
  bulk: { direction: "up", qos: 1, retain: false, expiryS: undefined, about: "the bulk lane" },
  health: {
    direction: "up",
    qos: 1,
    retain: true,
    expiryS: 300,
    about: "one a minute: source states, counters, disk, spool depth, lateness",
  },
  alerts: {
    direction: "up",
    qos: 1,
    retain: true,
    expiryS: undefined,
    about: "all alarms that stand now, in one list",
  },
  ack: {
    direction: "down",
    qos: 1,
    retain: true,
    expiryS: undefined,
    about: "the signed commit watermark: what HQ's database holds of the unit's spool",
  },
  cmd: {
    direction: "down",
    qos: 1,
    retain: false,
    expiryS: undefined,
    about: "a signed command; HQ sends it again until it is answered, and a retained one is ignored",
  },
  rsp: { direction: "up", qos: 1, retain: false, expiryS: undefined, about: "the answer to a command" },
} as const;

export type TopicClass = keyof typeof TOPIC_CLASSES;
/** The classes that a unit publishes. */
export type UpClass = {
  [C in TopicClass]: (typeof TOPIC_CLASSES)[C]["direction"] extends "up" ? C : never;
}[TopicClass];

/** The identity of a unit on the wire; `unit` is also its MQTT client id. The unit id `hq` is reserved. */
export interface UnitIdentity {
  readonly org: string;
  readonly unit: string;
}

/** `swath/1/<org>/<unit>/<class>`, always five levels. */
export function topicOf(id: UnitIdentity, cls: TopicClass): string {
  return `swath/1/${id.org}/${id.unit}/${cls}`;
}

/** The parts of a Swath topic, or undefined when it is not one. */
export function parseTopic(topic: string): (UnitIdentity & { cls: TopicClass }) | undefined {
  const [root, version, org, unit, cls, ...rest] = topic.split("/");
  if (root !== "swath" || version !== "1" || rest.length > 0 || cls === undefined || !(cls in TOPIC_CLASSES))
    return undefined;
  if (!topicLevel.safeParse(org).success || !topicLevel.safeParse(unit).success) return undefined;
  return { org: org!, unit: unit!, cls: cls as TopicClass };
}
