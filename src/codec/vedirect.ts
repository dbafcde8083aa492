/** What the framer saw, by kind. Monotone; never depends on how the bytes were cut. */
export interface VeDirectCounters {
  blocks: number;
  badChecksum: number;
  /** Labels and values longer than the protocol has, whose block is dropped, and fields too many, which are left out. */
  tooLong: number;
  /** HEX messages skipped. */
  hexMessages: number;
  /** Bytes outside any block. */
  junkBytes: number;
}

const CR = 0x0d;
const LF = 0x0a;
const TAB = 0x09;
const COLON = 0x3a;
/** The protocol says 9 and 33; a little more is borne. */
const LABEL_MAX = 16;
const VALUE_MAX = 48;
/** The protocol says 22 fields. */
const FIELDS_MAX = 40;
const HEX_MAX = 128;

const IDLE = 0;
const LABEL = 1;
const VALUE = 2;
const CHECKSUM = 3;

/**
 * Bytes of the VE.Direct text protocol, cut anywhere, to checked blocks: fields `CR LF label TAB value`, ended by a field
 * `Checksum` whose one byte makes the sum of the block 0. HEX messages (`:` to LF) may come anywhere and are in no sum.
 * Never throws, holds at most one block. Source: VE.Direct protocol by Victron, and its reference frame handler.
 */
export function createVeDirectFramer(onBlock: (fields: ReadonlyMap<string, string>, startedMs: number) => void) {
  const counters: VeDirectCounters = { blocks: 0, badChecksum: 0, tooLong: 0, hexMessages: 0, junkBytes: 0 };
  let fields = new Map<string, string>();
  let state = IDLE;
  let sum = 0;
  let label = "";
  let value = "";
  let hexBytes = 0;
  let startedMs = 0;

  function abandon(): void {
    counters.tooLong++;
    reset();
  }

  function reset(): void {
    state = IDLE;
    sum = 0;
    label = "";
    value = "";
    hexBytes = 0;
    if (fields.size > 0) fields = new Map();
  }

  function idle(c: number, atMs: number): void {
    if (c === CR) {
      sum = CR;
      startedMs = atMs;
    } else if (c === LF && sum === CR) {
      sum = CR + LF;
      state = LABEL;
    } else {
      sum = 0;
      counters.junkBytes++;
    }
  }

  function inLabel(c: number): void {
    if (c === TAB) state = label === "Checksum" ? CHECKSUM : VALUE;
    else if (label.length === LABEL_MAX) abandon();
    else if (c !== CR && c !== LF) label += String.fromCharCode(c);
  }

  function inValue(c: number): void {
    if (c === CR) return;
    if (c === LF) {
      if (fields.size < FIELDS_MAX) fields.set(label, value);
      else counters.tooLong++;
      label = "";
      value = "";
      state = LABEL;
    } else if (value.length === VALUE_MAX) abandon();
    else value += String.fromCharCode(c);
  }

  function finish(): void {
    if ((sum & 0xff) === 0) {
      counters.blocks++;
      onBlock(fields, startedMs);
    } else counters.badChecksum++;
    reset();
  }

  function take(c: number, atMs: number): void {
    if (hexBytes > 0) {
      hexBytes = c === LF || hexBytes === HEX_MAX ? 0 : hexBytes + 1;
      return;
    }
    if (c === COLON && state !== CHECKSUM) {
      hexBytes = 1;
      counters.hexMessages++;
      return;
    }
    if (state === IDLE) {
      idle(c, atMs);
      return;
    }
    sum += c;
    if (state === LABEL) inLabel(c);
    else if (state === VALUE) inValue(c);
    else finish();
  }

  return {
    counters: counters as Readonly<VeDirectCounters>,
    push(chunk: Uint8Array, atMs: number): void {
      for (let i = 0; i < chunk.length; i++) take(chunk[i]!, atMs);
    },
    /** Forgets a begun block, so that it is never joined with what follows a break of the line. */
    reset,
  };
}

/** One block with its checksum: the inverse of the framer, for the twin. */
export function encodeVeDirect(fields: Iterable<readonly [string, string]>): Uint8Array {
  const text = `${[...fields].map(([label, value]) => `\r\n${label}\t${value}`).join("")}\r\nChecksum\t`;
  const bytes = Uint8Array.from(`${text}\0`, (ch) => ch.charCodeAt(0));
  let sum = 0;
  for (const byte of bytes) sum += byte;
  bytes[bytes.length - 1] = -sum & 0xff;
  return bytes;
}
