import { z } from "zod";
import { decodeCompact, isJson } from "../codec/compact-message.ts";
import type { DescriptorOf } from "../codec/compact-record.ts";
import { type AlertsMessage, alertsMessage, type RspMessage, rspMessage } from "../model/downlink.ts";
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
    | { readonly cls: "alerts"; readonly body: AlertsMessage }
    | { readonly cls: "rsp"; readonly body: RspMessage }
    | { readonly cls: Lane; readonly records: readonly WireRecord[] }
  );

/** Why a message was put aside. */
export const BAD_REASONS = [
  "topic",
  "too-big",
  "empty",
  "not-json",
  "not-cbor",
  "no-descriptor",
  "schema",
  "too-many-units",
] as const;
export type BadReason = (typeof BAD_REASONS)[number];

/** Longest payload looked at, in bytes: a record of an hour of a full plan is well below it. */
export const MAX_PAYLOAD_BYTES = 1 << 20;
/** Most records one message may carry. */
const MAX_RECORDS = 1000;

/** A message that cannot be read before the descriptor of this hash is known. */
export interface Needs {
  readonly needs: string;
}

const nothingKnown: DescriptorOf = () => undefined;

/** Checks one message as it came from the broker: its topic, its size, its form and its schema. Never throws. */
export function readMessage(
  topic: string,
  payload: Uint8Array,
  descriptorOf: DescriptorOf = nothingKnown,
): Inbound | BadReason | Needs {
  const parsed = parseTopic(topic);
  if (parsed === undefined) return "topic";
  if (payload.length === 0) return "empty";
  if (payload.length > MAX_PAYLOAD_BYTES) return "too-big";
  const head = { org: parsed.org, unit: parsed.unit, bytes: payload.length };
  const { cls } = parsed;
  if (isLane(cls)) {
    const read = readRecords(payload, descriptorOf);
    if (typeof read === "string" || "needs" in read) return read;
    const records = read.flatMap((one) => ("record" in one ? [one.record] : []));
    return records.length === read.length ? { ...head, cls, records } : "schema";
  }
  const json = parseJson(payload)?.value;
  if (json === undefined) return "not-json";
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
    case "alerts": {
      const alerts = alertsMessage.safeParse(json);
      return alerts.success ? { ...head, cls, body: alerts.data } : "schema";
    }
    case "rsp": {
      const rsp = rspMessage.safeParse(json);
      return rsp.success ? { ...head, cls, body: rsp.data } : "schema";
    }
    default:
      return "topic";
  }
}

/** One record of a message with its own bytes as received; or what is wrong with it, and its place when that can be read. */
export type ReadRecord =
  | { readonly record: WireRecord; readonly raw: Uint8Array }
  | { readonly refused: string; readonly raw: Uint8Array; readonly spool?: string; readonly seq?: number };

/** The place of a record, as far as it can be believed of one that is wrong otherwise. */
const place = z.object({ spool: z.string().min(8).max(64), seq: z.int().min(1) });

/** The one place where the payload of a lane becomes records. Never throws. */
export function readRecords(
  payload: Uint8Array,
  descriptorOf: DescriptorOf,
): readonly ReadRecord[] | BadReason | Needs {
  if (payload.length === 0) return "empty";
  if (payload.length > MAX_PAYLOAD_BYTES) return "too-big";
  if (!isJson(payload)) return readCompact(payload, descriptorOf);
  const parsed = parseJson(payload);
  if (parsed === undefined) return "not-json";
  const { text, value } = parsed;
  if (!Array.isArray(value)) return [readRecord(value, payload)];
  if (value.length === 0 || value.length > MAX_RECORDS) return "schema";
  const texts = jsonElements(text);
  return value.map((one: unknown, i) => readRecord(one, Buffer.from(texts[i] ?? "")));
}

/** Of a compact record the raw bytes are its JSON: what was received stands for nothing without its descriptor. */
function readCompact(payload: Uint8Array, descriptorOf: DescriptorOf): readonly ReadRecord[] | BadReason | Needs {
  const read = decodeCompact(payload, descriptorOf);
  if ("refused" in read) return "not-cbor";
  if ("needs" in read) return read;
  return read.records.map((one) => readRecord(one, Buffer.from(JSON.stringify(one))));
}

function readRecord(value: unknown, raw: Uint8Array): ReadRecord {
  const result = wireRecord.safeParse(value);
  let refused: string | undefined;
  if (!result.success) {
    const issue = result.error.issues[0];
    refused = `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not a record"}`.slice(0, 300);
  } else if (
    result.data.kind === "gap" &&
    (result.data.from !== result.data.seq || result.data.to < result.data.from)
  ) {
    refused = "gap: stands under its first missing number, and ends there or later";
  } else {
    return { record: result.data, raw };
  }
  const at = place.safeParse(value);
  return { refused, raw, ...(at.success ? at.data : {}) };
}

function parseJson(payload: Uint8Array): { readonly text: string; readonly value: unknown } | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(payload);
    return { text, value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** The text of each element of an array that is known to be valid JSON. */
function jsonElements(text: string): string[] {
  const out: string[] = [];
  let depth = 0;
  let start = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c === "\\") i++;
      else if (c === '"') quoted = false;
      continue;
    }
    if (c === '"') quoted = true;
    else if (c === "[" || c === "{") {
      if (++depth === 1) start = i + 1;
    } else if (c === "]" || c === "}") {
      if (--depth === 0) out.push(text.slice(start, i).trim());
    } else if (c === "," && depth === 1) {
      out.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  return out;
}

/** Whether a message class is one of the lanes. */
export function isLane(cls: string): cls is Lane {
  return (LANES as readonly string[]).includes(cls);
}
