import { encode } from "cborg";
import { type Descriptor, descriptorBody } from "../model/record.ts";
import type { Budget } from "./compact-generic.ts";
import { decodeCbor } from "./compact-generic.ts";
import { type Body, bodyBudget, type DescriptorOf, decodeBody, isCompact } from "./compact-record.ts";

/** How records are written on the wire. */
export const ENCODINGS = ["json", "cbor"] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** A record with its number, as it lies in a spool. */
export interface Numbered {
  readonly seq: number;
  readonly body: Uint8Array;
}

/** Most records that go into one message. */
export const MOST_RECORDS = 16;

const SPOOL_HEX = /^(?:[0-9a-f]{2}){4,32}$/;
const OPENING_BRACE = 0x7b;
const OPENING_BRACKET = 0x5b;

/** Records of one spool id as one message; several become a list. JSON where every descriptor is known, else CBOR. */
export function encodeMessage(
  encoding: Encoding,
  spool: string,
  records: readonly Numbered[],
  descriptorOf: DescriptorOf,
): Uint8Array {
  return (encoding === "json" ? asJson(spool, records, descriptorOf) : undefined) ?? asCbor(spool, records);
}

/** CBOR: a list of the spool's id, then number and body of each record. */
function asCbor(spool: string, records: readonly Numbered[]): Uint8Array {
  const id = SPOOL_HEX.test(spool) ? Buffer.from(spool, "hex") : spool;
  return encode([id, ...records.flatMap(({ seq, body }) => [seq, body])]);
}

function asJson(spool: string, records: readonly Numbered[], descriptorOf: DescriptorOf): Uint8Array | undefined {
  const texts: Buffer[] = [];
  for (const { seq, body } of records) {
    const object = isCompact(body) ? jsonOf(decodeBody(body, descriptorOf, bodyBudget())) : Buffer.from(body);
    if (object === undefined) return undefined;
    const end = Buffer.from(`,"seq":${seq},"spool":${JSON.stringify(spool)}}`);
    texts.push(Buffer.concat([object.subarray(0, -1), end]));
  }
  if (texts.length === 1) return texts[0];
  return Buffer.concat([...texts.flatMap((text, i) => [Buffer.from(i === 0 ? "[" : ","), text]), Buffer.from("]")]);
}

const jsonOf = (body: Body) => ("draft" in body ? Buffer.from(JSON.stringify(body.draft)) : undefined);

/** Whether a payload is JSON, by its first byte: an object or a list. No message in CBOR begins like that. */
export function isJson(payload: Uint8Array): boolean {
  return payload[0] === OPENING_BRACE || payload[0] === OPENING_BRACKET;
}

/** What a message in CBOR turned out to be; `needs` is the hash of a descriptor without which it cannot be read. */
export type Compact =
  | { readonly records: readonly unknown[] }
  | { readonly needs: string }
  | { readonly refused: string };

/**
 * The records of a message in CBOR, not yet held against the schemas. A descriptor may come in the same message before
 * the records it describes. Never throws, and never makes more than about 16 records of a full plan may hold.
 */
export function decodeCompact(payload: Uint8Array, descriptorOf: DescriptorOf): Compact {
  let fields: unknown;
  try {
    fields = decodeCbor(payload);
  } catch (error) {
    return { refused: error instanceof Error ? error.message : "not CBOR" };
  }
  if (!Array.isArray(fields) || fields.length < 3 || fields.length % 2 === 0 || fields.length > 1 + 2 * MOST_RECORDS)
    return { refused: "not a spool's id, then number and body of each record" };
  const [id, ...rest] = fields as unknown[];
  const spool = id instanceof Uint8Array ? Buffer.from(id).toString("hex") : id;
  const { bytes, values } = bodyBudget();
  const budget: Budget = { bytes: MOST_RECORDS * bytes, values: MOST_RECORDS * values };
  const own = new Map<string, Descriptor>();
  const records: unknown[] = [];
  for (let i = 0; i < rest.length; i += 2) {
    const body = rest[i + 1];
    if (!(body instanceof Uint8Array)) return { refused: "a body that is not bytes" };
    const read = decodeBody(body, (hash) => own.get(hash) ?? descriptorOf(hash), budget);
    if (!("draft" in read)) return read;
    const { draft } = read;
    if (typeof draft !== "object" || draft === null) return { refused: "a record that is not an object" };
    if ("kind" in draft && draft.kind === "desc" && "hash" in draft && "body" in draft) {
      const descriptor = descriptorBody.safeParse(draft.body);
      if (descriptor.success && typeof draft.hash === "string") own.set(draft.hash, descriptor.data);
    }
    records.push({ ...draft, seq: rest[i], spool });
  }
  return { records };
}
