import { isJson } from "../codec/compact-message.ts";
import { TOPIC_CLASSES, type TopicClass, topicOf, type UnitIdentity } from "../model/topics.ts";
import type { Protocol } from "./protocol-choice.ts";

/** MQTT 5 properties of a PUBLISH that the session uses. */
export interface PublishProperties {
  readonly contentType: string;
  readonly messageExpiryInterval?: number;
}

/** What is the same for every message of a class on one connection, made once. */
export interface Envelope {
  readonly topic: string;
  readonly retain: boolean;
  readonly qos: 0 | 1;
  readonly json: PublishProperties | undefined;
  readonly cbor: PublishProperties | undefined;
  /** Bytes of a PUBLISH beyond its payload, at most. */
  readonly overheadBytes: number;
}

/** Limits the server announced in its CONNACK; absent properties mean no limit (MQTT 5, 3.2.2.3). */
export interface ServerLimits {
  readonly receiveMaximum: number;
  readonly maximumPacketSize: number;
  readonly maximumQos: 0 | 1;
  readonly retainAvailable: boolean;
}

export const NO_LIMITS: ServerLimits = {
  receiveMaximum: 65_535,
  maximumPacketSize: 268_435_460,
  maximumQos: 1,
  retainAvailable: true,
};

const JSON_TYPE = "application/json";
const CBOR_TYPE = "application/cbor";

/** The envelope of a class under what the server allows. */
export function envelopeOf(id: UnitIdentity, cls: TopicClass, protocol: Protocol, limits: ServerLimits): Envelope {
  const { qos, retain, expiryS } = TOPIC_CLASSES[cls];
  const topic = topicOf(id, cls);
  const v5 = protocol === "5";
  const properties = (contentType: string): PublishProperties | undefined =>
    !v5 ? undefined : expiryS === undefined ? { contentType } : { contentType, messageExpiryInterval: expiryS };
  // Fixed header 1 + 4, topic 2 + n, packet id 2; properties: length 1, content type 3 + n, expiry 5, topic alias 3.
  const propertyBytes = v5 ? 1 + 3 + JSON_TYPE.length + (expiryS === undefined ? 0 : 5) + 3 : 0;
  return {
    topic,
    retain: retain && limits.retainAvailable,
    qos: Math.min(qos, limits.maximumQos) as 0 | 1,
    json: properties(JSON_TYPE),
    cbor: properties(CBOR_TYPE),
    overheadBytes: 5 + 2 + topic.length + 2 + propertyBytes,
  };
}

/** Properties for this body: its first byte tells what it is. */
export function propertiesFor(envelope: Envelope, body: Uint8Array): PublishProperties | undefined {
  return isJson(body) ? envelope.json : envelope.cbor;
}

const encoder = new TextEncoder();

/** The bytes of a message given as text or as bytes. */
export function bytesOf(message: string | Uint8Array): Uint8Array {
  return typeof message === "string" ? encoder.encode(message) : message;
}
