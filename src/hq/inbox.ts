import {
  type Descriptor,
  descMessage,
  type HealthMessage,
  healthMessage,
  LANES,
  type Lane,
  type LiveMessage,
  liveMessage,
  type StateMessage,
  stateMessage,
  type WireRecord,
  wireRecord,
} from "../model/record.ts";
import { parseTopic, type UnitIdentity } from "../model/topics.ts";

/** A message that passed every check, ready for the model of its unit. */
export type Inbound = UnitIdentity & { readonly bytes: number } & (
    | { readonly cls: "state"; readonly body: StateMessage }
    | { readonly cls: "live"; readonly body: LiveMessage }
    | { readonly cls: "health"; readonly body: HealthMessage }
    | { readonly cls: "desc"; readonly hash: string; readonly body: Descriptor }
    | { readonly cls: Lane; readonly records: readonly WireRecord[] }
  );

/** Why a message was put aside. */
export const BAD_REASONS = ["topic", "too-big", "empty", "not-json", "schema", "too-many-units"] as const;
export type BadReason = (typeof BAD_REASONS)[number];

/** Longest payload looked at, in bytes: a record of an hour of a full plan is well below it. */
export const MAX_PAYLOAD_BYTES = 1 << 20;
/** Most records one message may carry. */
const MAX_RECORDS = 1000;

/** Checks one message as it came from the broker: its topic, its size, its JSON and its schema. Never throws. */
export function readMessage(topic: string, payload: Uint8Array): Inbound | BadReason {
  const parsed = parseTopic(topic);
  if (parsed === undefined) return "topic";
  if (payload.length === 0) return "empty";
  if (payload.length > MAX_PAYLOAD_BYTES) return "too-big";
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    return "not-json";
  }
  const head = { org: parsed.org, unit: parsed.unit, bytes: payload.length };
  const { cls } = parsed;
  switch (cls) {
    case "state": {
      const state = stateMessage.safeParse(json);
      return state.success ? { ...head, cls, body: state.data } : "schema";
    }
    case "live": {
      const live = liveMessage.safeParse(json);
      return live.success ? { ...head, cls, body: live.data } : "schema";
    }
    case "health": {
      const health = healthMessage.safeParse(json);
      return health.success ? { ...head, cls, body: health.data } : "schema";
    }
    case "desc": {
      const desc = descMessage.safeParse(json);
      return desc.success ? { ...head, cls, hash: desc.data.hash, body: desc.data.body } : "schema";
    }
    case "event":
    case "log":
    case "bulk": {
      const list: unknown[] = Array.isArray(json) ? json : [json];
      if (list.length === 0 || list.length > MAX_RECORDS) return "schema";
      const records: WireRecord[] = [];
      for (const one of list) {
        const record = wireRecord.safeParse(one);
        if (!record.success) return "schema";
        records.push(record.data);
      }
      return { ...head, cls, records };
    }
    default:
      return "topic";
  }
}

/** Whether a message class is one of the lanes. */
export function isLane(cls: string): cls is Lane {
  return (LANES as readonly string[]).includes(cls);
}
