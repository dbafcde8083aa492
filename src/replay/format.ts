import { crc32 } from "node:zlib";
import { z } from "zod";
import { readSamples, SAMPLE_BYTES, writeSamples } from "../link/samples.ts";
import type { Block } from "../model/block.ts";
import { SOURCE_STATES } from "../model/record.ts";

/**
 * A recording: the 8 bytes `SWREC 1\n`, then entries, little-endian: `u32` length of the body, `u8` kind, 3 bytes zero, `f64`
 * mono ms at which it came, body, `u32` CRC-32 of kind to body. It is only ever appended to; where it was cut, what is
 * before the cut stands.
 */
export const MAGIC = "SWREC 1\n";
export const KIND = { head: 1, bytes: 2, block: 3, scan: 4, state: 5, link: 6, end: 7 } as const;
const HEADER_BYTES = 16;
/** Longest body accepted. */
const BODY_MAX = 16 * 1024 * 1024;

/** What a recording is of. Entries name buses and parts by their place in these lists. */
export const headBody = z.strictObject({
  software: z.string(),
  config: z.string().describe("hash of the configuration it was recorded with"),
  unit: z.string(),
  machine: z.string(),
  /** Mono ms at which it begins; rows are on whole multiples of their spacing after it. */
  startMs: z.number(),
  buses: z.array(z.string()).describe("serial ports whose bytes are in it"),
  parts: z
    .array(z.strictObject({ name: z.string(), part: z.string(), channels: z.array(z.string()) }))
    .describe("parts whose samples are in it, with the keys of their channels"),
});
export type Head = z.infer<typeof headBody>;

const stateBody = z.strictObject({
  part: z.int(),
  state: z.enum(SOURCE_STATES),
  previous: z.enum(SOURCE_STATES),
  reason: z.string(),
});
const endBody = z.strictObject({ reason: z.enum(["asked", "full"]) });

export type Entry =
  | { readonly kind: "head"; readonly mono: number; readonly head: Head }
  | { readonly kind: "bytes"; readonly mono: number; readonly bus: number; readonly bytes: Uint8Array }
  | {
      readonly kind: "block";
      readonly mono: number;
      readonly part: number;
      readonly channel: number;
      readonly block: Block;
    }
  | { readonly kind: "scan"; readonly mono: number; readonly part: number; readonly tMs: number }
  | ({ readonly kind: "state"; readonly mono: number } & z.infer<typeof stateBody>)
  | { readonly kind: "link"; readonly mono: number; readonly bus: number; readonly isUp: boolean }
  | { readonly kind: "end"; readonly mono: number; readonly reason: "asked" | "full" };

function entry(kind: number, mono: number, body: Uint8Array): Buffer {
  const out = Buffer.alloc(HEADER_BYTES + body.length + 4);
  out.writeUInt32LE(body.length, 0);
  out.writeUInt8(kind, 4);
  out.writeDoubleLE(mono, 8);
  out.set(body, HEADER_BYTES);
  out.writeUInt32LE(crc32(out.subarray(4, HEADER_BYTES + body.length)), HEADER_BYTES + body.length);
  return out;
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const json = (value: unknown) => Buffer.from(JSON.stringify(value));

/** Writers of one entry each. */
export const encode = {
  head: (mono: number, head: Head) => Buffer.concat([Buffer.from(MAGIC, "latin1"), entry(KIND.head, mono, json(head))]),
  bytes(mono: number, bus: number, bytes: Uint8Array) {
    const body = Buffer.alloc(2 + bytes.length);
    body.writeUInt16LE(bus, 0);
    body.set(bytes, 2);
    return entry(KIND.bytes, mono, body);
  },
  block(mono: number, part: number, channel: number, block: Block) {
    const body = Buffer.alloc(8 + block.n * SAMPLE_BYTES);
    body.writeUInt16LE(part, 0);
    body.writeUInt16LE(channel, 2);
    body.writeUInt32LE(block.n, 4);
    writeSamples(viewOf(body), 8, block);
    return entry(KIND.block, mono, body);
  },
  scan(mono: number, part: number, tMs: number) {
    const body = Buffer.alloc(10);
    body.writeUInt16LE(part, 0);
    body.writeDoubleLE(tMs, 2);
    return entry(KIND.scan, mono, body);
  },
  state: (mono: number, body: z.infer<typeof stateBody>) => entry(KIND.state, mono, json(body)),
  link(mono: number, bus: number, isUp: boolean) {
    const body = Buffer.alloc(3);
    body.writeUInt16LE(bus, 0);
    body.writeUInt8(isUp ? 1 : 0, 2);
    return entry(KIND.link, mono, body);
  },
  end: (mono: number, reason: "asked" | "full") => entry(KIND.end, mono, json({ reason })),
};

/** Whether a file begins as a recording does. */
export function isRecording(file: Uint8Array): boolean {
  return Buffer.from(file.subarray(0, MAGIC.length)).toString("latin1") === MAGIC;
}

function decode(kind: number, mono: number, body: Buffer): Entry | undefined {
  if (kind === KIND.bytes && body.length >= 2)
    return { kind: "bytes", mono, bus: body.readUInt16LE(0), bytes: body.subarray(2) };
  if (kind === KIND.scan && body.length === 10)
    return { kind: "scan", mono, part: body.readUInt16LE(0), tMs: body.readDoubleLE(2) };
  if (kind === KIND.link && body.length === 3)
    return { kind: "link", mono, bus: body.readUInt16LE(0), isUp: body.readUInt8(2) === 1 };
  if (kind === KIND.block) return decodeBlock(mono, body);
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    return undefined;
  }
  if (kind === KIND.head) {
    const head = headBody.safeParse(value);
    return head.success ? { kind: "head", mono, head: head.data } : undefined;
  }
  if (kind === KIND.state) {
    const state = stateBody.safeParse(value);
    return state.success ? { kind: "state", mono, ...state.data } : undefined;
  }
  if (kind === KIND.end) {
    const end = endBody.safeParse(value);
    return end.success ? { kind: "end", mono, reason: end.data.reason } : undefined;
  }
  return undefined;
}

function decodeBlock(mono: number, body: Buffer): Entry | undefined {
  if (body.length < 8) return undefined;
  const n = body.readUInt32LE(4);
  if (body.length !== 8 + n * SAMPLE_BYTES) return undefined;
  const block = readSamples(viewOf(body), 8, n);
  return { kind: "block", mono, part: body.readUInt16LE(0), channel: body.readUInt16LE(2), block };
}

/** The entries of a recording up to its end or the first byte that is wrong; returns how many bytes were not read. */
export function* entriesOf(file: Uint8Array): Generator<Entry, number> {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
  let at = isRecording(file) ? MAGIC.length : bytes.length;
  while (bytes.length - at >= HEADER_BYTES + 4) {
    const length = bytes.readUInt32LE(at);
    const end = at + HEADER_BYTES + length;
    if (length > BODY_MAX || end + 4 > bytes.length) break;
    if (crc32(bytes.subarray(at + 4, end)) !== bytes.readUInt32LE(end)) break;
    const found = decode(bytes.readUInt8(at + 4), bytes.readDoubleLE(at + 8), bytes.subarray(at + HEADER_BYTES, end));
    if (found === undefined) break;
    at = end + 4;
    yield found;
    if (found.kind === "end") break;
  }
  return bytes.length - at;
}
