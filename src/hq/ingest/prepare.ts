import type { DescriptorOf } from "../../codec/compact-record.ts";
import { hashOf } from "../../model/canonical.ts";
import type { Descriptor, Lane, WireRecord } from "../../model/record.ts";
import { parseTopic } from "../../model/topics.ts";
import { type Inbound, isLane, type Needs, readMessage, readRecords } from "../inbox.ts";

/** A message as it came and was queued. */
export interface Arrived {
  /** `org/unit`. */
  readonly unit: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly bytes: number;
  readonly atMs: number;
  ack(): void;
}

/** A record that passed every check. */
export interface GoodRecord {
  readonly lane: Lane;
  readonly record: WireRecord;
  readonly raw: Uint8Array;
}

/** What was put aside, and why; with its place in the spool where that can be read. */
export interface PutAside {
  readonly reason: string;
  readonly detail: string;
  readonly raw: Uint8Array;
  readonly place?: { readonly lane: Lane; readonly spool: string; readonly seq: number };
}

/** The retained words of a unit that HQ keeps the newest of, and answers to commands. */
export type Word = Extract<Inbound, { cls: "state" | "health" | "alerts" | "rsp" }>;

/** A message after all checks, ready to be written. */
export interface Prepared {
  readonly arrived: Arrived;
  readonly org: string;
  readonly unit: string;
  readonly records: readonly GoodRecord[];
  readonly descriptors: readonly { readonly hash: string; readonly body: Descriptor }[];
  readonly words: readonly Word[];
  readonly aside: readonly PutAside[];
}

/**
 * Checks a message by the schemas. Undefined when its topic is not one of a unit; a hash when it cannot be read before that
 * descriptor is known. Never throws.
 */
export function prepare(arrived: Arrived, descriptorOf: DescriptorOf): Prepared | Needs | undefined {
  const parsed = parseTopic(arrived.topic);
  if (parsed === undefined) return undefined;
  const { org, unit, cls } = parsed;
  const made = { arrived, org, unit, records: [], descriptors: [], words: [], aside: [] };
  if (!isLane(cls)) return { ...made, ...readOther(arrived) };

  const read = readRecords(arrived.payload, descriptorOf);
  if (typeof read === "string") return { ...made, aside: [{ reason: read, detail: "", raw: arrived.payload }] };
  if ("needs" in read) return read;
  const records: GoodRecord[] = [];
  const descriptors: { hash: string; body: Descriptor }[] = [];
  const aside: PutAside[] = [];
  for (const one of read) {
    if ("refused" in one) {
      const { refused, raw, spool, seq } = one;
      const place = spool === undefined || seq === undefined ? {} : { place: { lane: cls, spool, seq } };
      aside.push({ reason: "schema", detail: refused, raw, ...place });
      continue;
    }
    const { record, raw } = one;
    if (record.kind === "desc") {
      const { hash, body, spool, seq } = record;
      if (hashOf(body) !== hash) {
        aside.push({
          reason: "hash",
          detail: `the body hashes to ${hashOf(body)}`,
          raw,
          place: { lane: cls, spool, seq },
        });
        continue;
      }
      descriptors.push({ hash, body });
    }
    records.push({ lane: cls, record, raw });
  }
  return { ...made, records, descriptors, aside };
}

function readOther(arrived: Arrived): Partial<Prepared> {
  const message = readMessage(arrived.topic, arrived.payload);
  if (typeof message !== "string" && "needs" in message) return {};
  if (typeof message === "string") return { aside: [{ reason: message, detail: "", raw: arrived.payload }] };
  switch (message.cls) {
    case "desc": {
      const { hash, body } = message;
      const real = hashOf(body);
      return real === hash
        ? { descriptors: [{ hash, body }] }
        : { aside: [{ reason: "hash", detail: `the body hashes to ${real}`, raw: arrived.payload }] };
    }
    case "state":
    case "health":
    case "alerts":
    case "rsp":
      return { words: [message] };
    default:
      return {};
  }
}
