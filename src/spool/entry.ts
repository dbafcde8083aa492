import type { Lane } from "../model/lane.ts";
import { crc32c } from "./crc32c.ts";

/** What an entry is: a record, a hole in its place, rows of a record that is being filled, or what the spool knows of itself. */
export const KIND = { record: 1, gap: 2, stage: 3, base: 4 } as const;

/** Why records do not exist any more. */
export const GAP_REASONS = ["thinned", "disk-full", "corrupt", "capture-dropped"] as const;
export type GapReason = (typeof GAP_REASONS)[number];

/** The unit in which everything is stored, in the journal as in segments. */
export interface Entry {
  readonly kind: number;
  /** Index into `LANES`. */
  readonly lane: number;
  /** Never thinned. */
  readonly keep: boolean;
  /** Record and stage: the stream of staged rows. Gap: index into `GAP_REASONS`. */
  readonly stream: number;
  /** Record: its number, 0 until it has one. Gap: the first missing number. Stage: the number of the rows. */
  seq: number;
  /** Record: the newest staged rows that it makes obsolete, 0 for none. Gap: the last missing number. */
  readonly mark: number;
  readonly weight: number;
  readonly body: Uint8Array;
}

/** Bytes before the body: magic 2, kind, lane, flags, stream, length 3, seq 6, mark 6, weight 4, zeros 3, CRC-32C 4. */
export const ENTRY_HEADER = 32;
const MAGIC = 0x5753;
const NOTHING = new Uint8Array(0);

/** Largest body of one record in bytes. */
export const MAX_BODY = 256 * 1024;

/** How many bytes `entry` takes. */
export function entryBytes(entry: Entry): number {
  return ENTRY_HEADER + entry.body.length;
}

export function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, e) => sum + entryBytes(e), 0);
}

/** A hole as an entry, stored under its first number. */
export function gapEntry(lane: number, from: number, to: number, reason: GapReason): Entry {
  const stream = GAP_REASONS.indexOf(reason);
  return { kind: KIND.gap, lane, keep: true, stream, seq: from, mark: to, weight: 0, body: NOTHING };
}

/** The CRC of everything an entry belongs to, so that one from another spool, lane or commit never validates. */
export function seedOf(spool: string, owner: Lane | number): number {
  return crc32c(Buffer.from(`${spool} ${owner}`));
}

/** Writes `entries` one after another into `out` from `at`; returns the position after the last. */
export function writeEntries(out: Buffer, at: number, entries: readonly Entry[], seed: number): number {
  let p = at;
  for (const e of entries) {
    out.writeUInt16LE(MAGIC, p);
    out[p + 2] = e.kind;
    out[p + 3] = e.lane;
    out[p + 4] = e.keep ? 1 : 0;
    out[p + 5] = e.stream;
    out.writeUIntLE(e.body.length, p + 6, 3);
    out.writeUIntLE(e.seq, p + 9, 6);
    out.writeUIntLE(e.mark, p + 15, 6);
    out.writeFloatLE(e.weight, p + 21);
    out.fill(0, p + 25, p + 28);
    out.set(e.body, p + ENTRY_HEADER);
    const end = p + ENTRY_HEADER + e.body.length;
    out.writeUInt32LE(crc32c(out, p + ENTRY_HEADER, end, crc32c(out, p, p + 28, seed)), p + 28);
    p = end;
  }
  return p;
}

/**
 * Every entry in `bytes[from..to)` whose CRC holds, in the order found. What lies between is stepped over, so
 * damage costs only the entries it touched. Bodies are views.
 */
export function readEntries(bytes: Buffer, from: number, to: number, seed: number): Entry[] {
  const found: Entry[] = [];
  let p = from;
  while (p + ENTRY_HEADER <= to) {
    const length = bytes[p] === 0x53 && bytes[p + 1] === 0x57 ? bytes.readUIntLE(p + 6, 3) : -1;
    const end = p + ENTRY_HEADER + length;
    if (
      length < 0 ||
      length > MAX_BODY ||
      end > to ||
      bytes.readUInt32LE(p + 28) !== crc32c(bytes, p + ENTRY_HEADER, end, crc32c(bytes, p, p + 28, seed))
    ) {
      const next = bytes.indexOf(MAGIC & 0xff, p + 1);
      p = next < 0 ? to : next;
      continue;
    }
    found.push({
      kind: bytes[p + 2]!,
      lane: bytes[p + 3]!,
      keep: bytes[p + 4] === 1,
      stream: bytes[p + 5]!,
      seq: bytes.readUIntLE(p + 9, 6),
      mark: bytes.readUIntLE(p + 15, 6),
      weight: bytes.readFloatLE(p + 21),
      body: bytes.subarray(p + ENTRY_HEADER, end),
    });
    p = end;
  }
  return found;
}
