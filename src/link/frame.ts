import { z } from "zod";
import type { Block } from "../model/block.ts";
import { LAMPS, type Lamp, type Screen, screen } from "../model/operator.ts";
import { IGNITION } from "../model/power.ts";
import { captureFields, channelLosses, eventFields, SOURCE_STATES, sourceHealth } from "../model/record.ts";
import { TRUST } from "../model/time.ts";
import { readSamples, SAMPLE_BYTES, writeSamples } from "./samples.ts";

/**
 * Frames between sampler and unit, little-endian: `u32` length of what follows, `u8` type, 3 bytes zero, `f64` number, body.
 * Numbered frames (`row`, `note`) are kept by the sampler until the unit acknowledges them as durable; number 0 is never kept.
 */
export const FRAME = {
  ...{ hello: 1, row: 2, note: 3, status: 4, ack: 5, lamp: 6, screen: 7 },
  ...{ askRings: 8, rings: 9, samples: 10 },
} as const;

const HEADER_BYTES = 16;
/** Longest frame either side accepts; a longer one means a broken peer and ends the connection. */
export const FRAME_MAX_BYTES = 4 * 1024 * 1024;

/** What a sampler says first: who it is (a new `session` at every start) and what it runs. */
export const helloBody = z.strictObject({
  session: z.string().min(8).max(64),
  pid: z.int(),
  config: z.string(),
  firstKept: z.int().min(0),
});
export type Hello = z.infer<typeof helloBody>;

/** Small numbered facts that are not rows. */
export const noteBody = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("anchor"),
    mono: z.number(),
    offsetMs: z.number(),
    trust: z.enum(TRUST),
    uncMs: z.number(),
  }),
  z.strictObject({
    kind: z.literal("source"),
    mono: z.number(),
    source: z.string(),
    state: z.enum(SOURCE_STATES),
    previous: z.enum(SOURCE_STATES),
    reason: z.string(),
  }),
  z.strictObject({ kind: z.literal("event"), mono: z.number(), ...eventFields }),
  z.strictObject({ kind: z.literal("capture"), mono: z.number(), ...captureFields }),
  z.strictObject({ kind: z.literal("overflow"), mono: z.number(), from: z.number(), to: z.number() }),
]);
export type Note = z.infer<typeof noteBody>;

/** Newest-wins health of the sampler, a few times a minute and at every change of a source. */
export const statusBody = z.strictObject({
  mono: z.number(),
  rssMb: z.number(),
  latenessP50Ms: z.number(),
  latenessMaxMs: z.number(),
  framesLost: z.int(),
  losses: channelLosses,
  sources: z.record(z.string(), sourceHealth),
  display: sourceHealth.optional(),
  ignition: z.enum(IGNITION).optional(),
  /** Serial number in the memory on the harness, as read last. */
  harness: z.number().optional(),
});
export type Status = z.infer<typeof statusBody>;

/** What comes before the samples of the rings, and that they were all. */
export const ringsBody = z.discriminatedUnion("word", [
  z.strictObject({
    word: z.literal("begin"),
    fromMs: z.number(),
    toMs: z.number(),
    /** Whose samples follow: the part that speaks for a channel now, and the channel's place in the part's table. */
    channels: z.array(z.strictObject({ part: z.string(), channel: z.int().min(0) })).max(4096),
  }),
  z.strictObject({ word: z.literal("end"), samples: z.int().min(0) }),
]);
export type RingsWord = z.infer<typeof ringsBody>;

/** One row of one table (0 telemetry, 1 track): values in descriptor order, NaN where there is none, and quality bits. */
export interface Row {
  readonly table: number;
  readonly monoMs: number;
  readonly values: Float64Array;
  readonly q: Uint16Array;
}

export type Frame =
  | { readonly type: "hello"; readonly number: 0; readonly body: Hello }
  | { readonly type: "row"; readonly number: number; readonly row: Row; readonly bytes: Uint8Array }
  | { readonly type: "note"; readonly number: number; readonly body: Note }
  | { readonly type: "status"; readonly number: 0; readonly body: Status }
  | { readonly type: "ack"; readonly number: number }
  | { readonly type: "lamp"; readonly number: 0; readonly lamp: Lamp }
  | { readonly type: "screen"; readonly number: 0; readonly screen: Screen }
  | { readonly type: "askRings"; readonly number: 0 }
  | { readonly type: "rings"; readonly number: 0; readonly body: RingsWord; readonly bytes: Uint8Array }
  | {
      readonly type: "samples";
      readonly number: 0;
      /** Place in the channels that were told before. */
      readonly channel: number;
      readonly block: Block;
      readonly bytes: Uint8Array;
    };

function header(type: number, number: number, bodyBytes: number): { bytes: Buffer; view: DataView } {
  const bytes = Buffer.alloc(HEADER_BYTES + bodyBytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint32(0, HEADER_BYTES - 4 + bodyBytes, true);
  view.setUint8(4, type);
  view.setFloat64(8, number, true);
  return { bytes, view };
}

function jsonFrame(type: number, number: number, body: unknown): Buffer {
  return textFrame(type, number, JSON.stringify(body));
}

function textFrame(type: number, number: number, json: string): Buffer {
  const text = Buffer.from(json);
  const { bytes } = header(type, number, text.length);
  text.copy(bytes, HEADER_BYTES);
  return bytes;
}

export const encodeHello = (body: Hello): Buffer => jsonFrame(FRAME.hello, 0, body);
export const encodeNote = (number: number, body: Note): Buffer => jsonFrame(FRAME.note, number, body);
/** A note whose JSON was written piece by piece. */
export const encodeWrittenNote = (number: number, json: string): Buffer => textFrame(FRAME.note, number, json);
export const encodeStatus = (body: Status): Buffer => jsonFrame(FRAME.status, 0, body);
/** From the unit: what the operator's lamp shall say. */
export const encodeLamp = (lamp: Lamp): Buffer => jsonFrame(FRAME.lamp, 0, lamp);
/** From the unit: what the operator's display shall show. */
export const encodeScreen = (lines: Screen): Buffer => jsonFrame(FRAME.screen, 0, lines);
/** From the unit: what is in the rings now, please. */
export const encodeAskRings = (): Buffer => header(FRAME.askRings, 0, 0).bytes;
export const encodeRings = (body: RingsWord): Buffer => jsonFrame(FRAME.rings, 0, body);
export const encodeAck = (number: number): Buffer => header(FRAME.ack, number, 0).bytes;

/** Encodes a row: `u16` table, `u16` columns, 4 bytes zero, `f64` mono, values, quality bits. */
export function encodeRow(number: number, row: Row): Buffer {
  const n = row.values.length;
  const { bytes, view } = header(FRAME.row, number, 16 + n * 10);
  view.setUint16(16, row.table, true);
  view.setUint16(18, n, true);
  view.setFloat64(24, row.monoMs, true);
  for (let i = 0; i < n; i++) view.setFloat64(32 + i * 8, row.values[i]!, true);
  for (let i = 0; i < n; i++) view.setUint16(32 + n * 8 + i * 2, row.q[i]!, true);
  return bytes;
}

/** Encodes samples of a ring: `u16` place of the channel, 2 bytes zero, `u32` how many, then the samples. */
export function encodeSamples(channel: number, block: Block): Buffer {
  const { bytes, view } = header(FRAME.samples, 0, 8 + block.n * SAMPLE_BYTES);
  view.setUint16(HEADER_BYTES, channel, true);
  view.setUint32(HEADER_BYTES + 4, block.n, true);
  writeSamples(view, HEADER_BYTES + 8, block);
  return bytes;
}

function decodeSamples(bytes: Uint8Array): Frame | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES + 8) return undefined;
  const n = view.getUint32(HEADER_BYTES + 4, true);
  if (bytes.length !== HEADER_BYTES + 8 + n * SAMPLE_BYTES) return undefined;
  const channel = view.getUint16(HEADER_BYTES, true);
  return { type: "samples", number: 0, channel, block: readSamples(view, HEADER_BYTES + 8, n), bytes };
}

function decodeRow(bytes: Uint8Array): Row | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 32) return undefined;
  const n = view.getUint16(18, true);
  if (bytes.length !== 32 + n * 10) return undefined;
  const values = new Float64Array(n);
  const q = new Uint16Array(n);
  for (let i = 0; i < n; i++) values[i] = view.getFloat64(32 + i * 8, true);
  for (let i = 0; i < n; i++) q[i] = view.getUint16(32 + n * 8 + i * 2, true);
  return { table: view.getUint16(16, true), monoMs: view.getFloat64(24, true), values, q };
}

/** One whole frame → its meaning, or undefined when it is not a frame of this protocol. `bytes` includes the length. */
export function decodeFrame(bytes: Uint8Array): Frame | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = view.getUint8(4);
  const number = view.getFloat64(8, true);
  if (!Number.isSafeInteger(number) || number < 0) return undefined;
  if (type === FRAME.ack) return { type: "ack", number };
  if (type === FRAME.askRings) return { type: "askRings", number: 0 };
  if (type === FRAME.samples) return decodeSamples(bytes);
  if (type === FRAME.row) {
    const row = decodeRow(bytes);
    return row && { type: "row", number, row, bytes };
  }
  let body: unknown;
  try {
    body = JSON.parse(
      Buffer.from(bytes.buffer, bytes.byteOffset + HEADER_BYTES, bytes.length - HEADER_BYTES).toString(),
    );
  } catch {
    return undefined;
  }
  if (type === FRAME.hello) {
    const hello = helloBody.safeParse(body);
    return hello.success ? { type: "hello", number: 0, body: hello.data } : undefined;
  }
  if (type === FRAME.note) {
    const note = noteBody.safeParse(body);
    return note.success ? { type: "note", number, body: note.data } : undefined;
  }
  if (type === FRAME.lamp) {
    const lamp = z.enum(LAMPS).safeParse(body);
    return lamp.success ? { type: "lamp", number: 0, lamp: lamp.data } : undefined;
  }
  if (type === FRAME.screen) {
    const lines = screen.safeParse(body);
    return lines.success ? { type: "screen", number: 0, screen: lines.data } : undefined;
  }
  if (type === FRAME.rings) {
    const word = ringsBody.safeParse(body);
    return word.success ? { type: "rings", number: 0, body: word.data, bytes } : undefined;
  }
  if (type === FRAME.status) {
    const status = statusBody.safeParse(body);
    return status.success ? { type: "status", number: 0, body: status.data } : undefined;
  }
  return undefined;
}

/**
 * Cuts a byte stream into frames, whatever the chunks. `malformed` is called once, for a length that cannot be or a body
 * that does not decode; the stream is then out of step and must be closed.
 */
export function createFrameReader(on: (frame: Frame) => void, malformed: () => void): (chunk: Uint8Array) => void {
  let rest: Buffer = Buffer.alloc(0);
  let broken = false;
  return (chunk) => {
    if (broken) return;
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= 4) {
      const length = 4 + rest.readUInt32LE(at);
      if (length < HEADER_BYTES || length > FRAME_MAX_BYTES) break;
      if (rest.length - at < length) {
        rest = rest.subarray(at);
        return;
      }
      const frame = decodeFrame(rest.subarray(at, at + length));
      if (frame === undefined) break;
      at += length;
      on(frame);
    }
    if (rest.length - at >= 4) {
      broken = true;
      malformed();
      return;
    }
    rest = rest.subarray(at);
  };
}
