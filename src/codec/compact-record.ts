import { crc32 } from "node:zlib";
import { encode } from "cborg";
import type { Descriptor, Draft, DraftOf } from "../model/record.ts";
import { TRUST } from "../model/time.ts";
import { BitsError } from "./bits.ts";
import { type Budget, decodeCbor, packColumn, packJson, spend, unpackColumn, unpackJson } from "./compact-generic.ts";
import { fits, type Layout, layoutOf, readTable, writeTable } from "./compact-table.ts";

/** How a body is made, its first byte. JSON begins with a brace. */
const BODY = { table: 1, plain: 2, deflated: 3 } as const;
const OPENING_BRACE = 0x7b;
/** Values in one body at the most: a larger record stays JSON. */
const MOST_VALUES = 1 << 16;
/** Check sum behind the first byte. */
const HEAD_BYTES = 5;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const HEX = /^(?:[0-9a-f]{2})+$/;

/** Gives the descriptor of a hash, if it is known. */
export type DescriptorOf = (hash: string) => Descriptor | undefined;

/** What a body turned out to be. */
export type Body = { readonly draft: unknown } | { readonly needs: string } | { readonly refused: string };

interface Layouts {
  readonly telemetry: Layout;
  readonly track: Layout;
}

const known = new WeakMap<Descriptor, Layouts>();

function layoutsOf(descriptor: Descriptor): Layouts {
  const found = known.get(descriptor);
  if (found !== undefined) return found;
  const made = { telemetry: layoutOf(descriptor, "telemetry"), track: layoutOf(descriptor, "track") };
  known.set(descriptor, made);
  return made;
}

const jsonBody = (draft: Draft) => Buffer.from(JSON.stringify(draft));

/** A record without its place in a spool, as short as can be: positional by its descriptor, or named where that is unknown. */
export function encodeBody(draft: Draft, descriptorOf: DescriptorOf): Uint8Array {
  try {
    if (draft.kind === "telemetry" || draft.kind === "track") {
      const descriptor = descriptorOf(draft.desc);
      const layout = descriptor && layoutsOf(descriptor)[draft.kind];
      const bytes = layout && encodeTable(draft, layout);
      if (bytes !== undefined) return bytes;
    }
    const { bytes, deflated } = packJson(draft);
    const body = sealed(deflated ? BODY.deflated : BODY.plain, bytes, "");
    return "draft" in decodeBody(body, descriptorOf, bodyBudget()) ? body : jsonBody(draft);
  } catch {
    // What the short form cannot say, such as text that is not Unicode, the long one can.
    return jsonBody(draft);
  }
}

/** The inverse of `encodeBody`, also of a body that is JSON. Never throws, and never makes more than the budget allows. */
export function decodeBody(body: Uint8Array, descriptorOf: DescriptorOf, budget: Budget): Body {
  try {
    const form = body[0];
    if (form === OPENING_BRACE) {
      spend(budget, "bytes", body.length);
      return { draft: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as unknown };
    }
    const bytes = body.subarray(HEAD_BYTES);
    if (form === BODY.table) return decodeTable(body, bytes, descriptorOf, budget);
    if (form !== BODY.plain && form !== BODY.deflated) return { refused: "not a body" };
    if (!holds(body, bytes, "")) return { refused: "the check sum does not hold" };
    return { draft: unpackJson(bytes, form === BODY.deflated, budget) };
  } catch (error) {
    return { refused: error instanceof Error ? error.message : "not a body" };
  }
}

/** What one body may make of itself when nothing else is in the message. */
export const bodyBudget = (): Budget => ({ bytes: 1 << 20, values: MOST_VALUES });

/** Whether a body is in the short form. */
export const isCompact = (body: Uint8Array): boolean => body[0] !== OPENING_BRACE;

function sealed(form: number, bytes: Uint8Array, layout: string): Uint8Array {
  const out = new Uint8Array(HEAD_BYTES + bytes.length);
  out[0] = form;
  new DataView(out.buffer).setUint32(1, crc32(bytes, crc32(layout)));
  out.set(bytes, HEAD_BYTES);
  return out;
}

function holds(body: Uint8Array, bytes: Uint8Array, layout: string): boolean {
  if (body.length < HEAD_BYTES) return false;
  return new DataView(body.buffer, body.byteOffset).getUint32(1) === crc32(bytes, crc32(layout));
}

/** Fields that a table body has a place for: a record that says more is written with its names. */
const PLACED = new Set(["v", "kind", "boot", "mono", "t", "trust", "unc", "desc", "n", "c", "q", "dt", "at"]);

type TableDraft = DraftOf<"telemetry"> | DraftOf<"track">;

/** In this order: kind, boot, mono, UTC, trust, uncertainty, descriptor, rows, spacing or instants, columns. */
function encodeTable(draft: TableDraft, layout: Layout): Uint8Array | undefined {
  const { boot, mono, t, trust, unc, desc, n } = draft;
  if (n * layout.places.length > MOST_VALUES || !fits(layout, n, draft)) return undefined;
  if (draft.kind === "track" && draft.at.length !== n) return undefined;
  for (const field in draft) if (!PLACED.has(field)) return undefined;
  const utcMs = t === undefined ? null : Date.parse(t);
  if (utcMs !== null && new Date(utcMs).toISOString() !== t) return undefined;
  const tenths = Math.round(mono * 10);
  const fields = [
    draft.kind === "telemetry" ? 0 : 1,
    UUID.test(boot) ? Buffer.from(boot.replaceAll("-", ""), "hex") : boot,
    // A fraction says ms, a whole number tenths of them.
    tenths / 10 === mono && Number.isSafeInteger(tenths) ? tenths : [mono],
    utcMs,
    TRUST.indexOf(trust),
    unc ?? null,
    HEX.test(desc) ? Buffer.from(desc, "hex") : desc,
    n,
    draft.kind === "telemetry" ? draft.dt : packColumn(draft.at),
    writeTable(layout, draft),
  ];
  return sealed(BODY.table, encode(fields), layout.text);
}

function decodeTable(body: Uint8Array, bytes: Uint8Array, descriptorOf: DescriptorOf, budget: Budget): Body {
  const fields = decodeCbor(bytes);
  if (!Array.isArray(fields) || fields.length !== 10) return { refused: "not ten fields" };
  const [kindNo, bootBytes, tenths, utcMs, trustNo, unc, descBytes, n, spacing, columns] = fields as unknown[];
  const boot = textOf(bootBytes);
  const desc = textOf(descBytes);
  const mono = typeof tenths === "number" ? tenths / 10 : Array.isArray(tenths) ? (tenths[0] as unknown) : undefined;
  const trust = typeof trustNo === "number" ? TRUST[trustNo] : undefined;
  if (boot === undefined || desc === undefined || typeof mono !== "number" || trust === undefined)
    return { refused: "a field of the head is not what it should be" };
  if (typeof n !== "number" || !Number.isInteger(n) || n < 1 || !(columns instanceof Uint8Array))
    return { refused: "no rows" };
  const kind = kindNo === 0 ? "telemetry" : "track";
  const descriptor = descriptorOf(desc);
  if (descriptor === undefined) return { needs: desc };
  const layout = layoutsOf(descriptor)[kind];
  if (!holds(body, bytes, layout.text)) return { refused: "the check sum does not hold" };
  spend(budget, "values", n * (layout.places.length + 1));
  const table = readTable(layout, n, columns);
  const head = {
    v: 1,
    kind,
    boot: bootBytes instanceof Uint8Array ? dashed(boot) : boot,
    mono,
    ...(typeof utcMs === "number" ? { t: new Date(utcMs).toISOString() } : {}),
    trust,
    ...(typeof unc === "number" ? { unc } : {}),
    ...{ desc, n },
    ...table,
  };
  if (kind === "telemetry") return { draft: { ...head, dt: spacing } };
  if (!(spacing instanceof Uint8Array)) throw new BitsError("no instants");
  return { draft: { ...head, at: unpackColumn(spacing, budget) } };
}

function textOf(value: unknown): string | undefined {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  return typeof value === "string" ? value : undefined;
}

const dashed = (hex: string) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.*)$/, "$1-$2-$3-$4-$5");
