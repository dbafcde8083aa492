import { z } from "zod";
import { decodeFrame, type Row } from "../link/frame.ts";
import type { ColumnSpec } from "./column-batch.ts";

/**
 * What the unit knows about the rows of one stage entry, so that another run of the unit, perhaps with another
 * configuration, can still make a record of them and go on where this one stopped.
 */
const context = z.strictObject({
  boot: z.string(),
  desc: z.string(),
  session: z.string(),
  /** Everything the sampler sent up to this number is durable with this entry. */
  number: z.int().min(0),
  /** Where the row grid goes on. */
  nextMono: z.number().optional(),
  /** Columns of the table; on the first entry of each record only. */
  columns: z.array(z.strictObject({ name: z.string(), resolution: z.number() })).optional(),
});
export type StageContext = z.infer<typeof context>;

/** `u32` length of the context, the context as JSON, then whole frames as they came. */
export function encodeStaged(ctx: StageContext, frames: readonly Uint8Array[]): Buffer {
  const text = Buffer.from(JSON.stringify(ctx));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text, ...frames]);
}

/** The inverse; undefined when the bytes are not a stage entry of this program. */
export function decodeStaged(bytes: Uint8Array): { context: StageContext; rows: Row[] } | undefined {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (all.length < 4) return undefined;
  let at = 4 + all.readUInt32LE(0);
  if (at > all.length) return undefined;
  let parsed: ReturnType<typeof context.safeParse>;
  try {
    parsed = context.safeParse(JSON.parse(all.toString("utf8", 4, at)));
  } catch {
    return undefined;
  }
  if (!parsed.success) return undefined;
  const rows: Row[] = [];
  while (at + 4 <= all.length) {
    const end = at + 4 + all.readUInt32LE(at);
    const frame = end <= all.length ? decodeFrame(all.subarray(at, end)) : undefined;
    if (frame?.type !== "row") break;
    rows.push(frame.row);
    at = end;
  }
  return { context: parsed.data, rows };
}

/** Stage entries of one table put together again: the rows of each record that was being filled. */
export function groupStaged(
  entries: readonly Uint8Array[],
): { context: StageContext; columns: readonly ColumnSpec[]; rows: Row[] }[] {
  const groups: { context: StageContext; columns: readonly ColumnSpec[]; rows: Row[] }[] = [];
  for (const bytes of entries) {
    const entry = decodeStaged(bytes);
    if (entry === undefined) continue;
    const { columns } = entry.context;
    const group = groups.at(-1);
    if (columns !== undefined || group === undefined) {
      groups.push({ context: entry.context, columns: columns ?? [], rows: entry.rows });
    } else {
      group.rows.push(...entry.rows);
      group.context = entry.context;
    }
  }
  return groups;
}
