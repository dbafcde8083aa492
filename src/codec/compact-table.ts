import type { Descriptor } from "../model/record.ts";
import { BitReader, BitsError, BitWriter } from "./bits.ts";
import { type Counted, readColumn, type Step, stepOf, type Values, writeColumn } from "./compact-column.ts";

/** One column in its position. */
interface Place {
  readonly name: string;
  readonly step: Step;
  /** It is the first column of its channel: the others are predicted from it. */
  readonly leads: boolean;
}

/** The columns of one table of a descriptor, in the order in which compact records hold them. */
export interface Layout {
  readonly places: readonly Place[];
  readonly indexOf: ReadonlyMap<string, number>;
  /** Names the layout for a check sum: the same text on both sides or nothing is read. */
  readonly text: string;
}

/** What the columns of a record say. */
export interface Table {
  readonly c: Readonly<Record<string, Values>>;
  readonly q?: Readonly<Record<string, readonly number[]>> | undefined;
}

/** Channels by name in the order of UTF-16 code units, and each one's columns in the descriptor's order. */
export function layoutOf(descriptor: Descriptor, table: "telemetry" | "track"): Layout {
  const places: Place[] = [];
  for (const name of Object.keys(descriptor.channels).sort()) {
    const channel = descriptor.channels[name]!;
    if (channel.table !== table) continue;
    const step = stepOf(channel.resolution);
    for (const column of channel.columns) places.push({ name: column, step, leads: column === channel.columns[0] });
  }
  const indexOf = new Map(places.map(({ name }, i) => [name, i]));
  return { places, indexOf, text: JSON.stringify(places.map(({ name, step }) => [name, step.resolution])) };
}

/** Whether every column of a record of `n` rows has a place in the layout, once, and a value or a hole in each row. */
export function fits(layout: Layout, n: number, { c, q = {} }: Table): boolean {
  if (layout.indexOf.size !== layout.places.length) return false;
  for (const name in c) if (!layout.indexOf.has(name) || c[name]!.length !== n) return false;
  for (const name in q) if (!Object.hasOwn(c, name) || q[name]!.length !== n) return false;
  return true;
}

/** Columns of `n` rows as bytes. They must fit the layout. */
export function writeTable(layout: Layout, { c, q }: Table): Uint8Array {
  const out = new BitWriter();
  let lead: Counted | undefined;
  for (const { name, step, leads } of layout.places) {
    const counted = writeColumn(out, c[name], step, leads ? undefined : lead);
    if (leads) lead = counted;
  }
  out.write(q === undefined ? 0 : 1, 1);
  if (q !== undefined) for (const { name } of layout.places) if (c[name] !== undefined) writeRuns(out, q[name]);
  return out.take();
}

/** The inverse of `writeTable`. Throws `BitsError`. */
export function readTable(layout: Layout, n: number, bytes: Uint8Array): Table {
  const from = new BitReader(bytes);
  const c: [string, (number | null)[]][] = [];
  let lead: Counted | undefined;
  for (const { name, step, leads } of layout.places) {
    const { values, counted } = readColumn(from, n, step, leads ? undefined : lead);
    if (values !== undefined) c.push([name, values]);
    if (leads) lead = counted;
  }
  if (from.read(1) === 0) {
    from.end();
    return { c: Object.fromEntries(c) };
  }
  const q: [string, number[]][] = [];
  for (const [name] of c) {
    const bits = readRuns(from, n);
    if (bits !== undefined) q.push([name, bits]);
  }
  from.end();
  return { c: Object.fromEntries(c), q: Object.fromEntries(q) };
}

/** Quality bits as runs of the same value, behind one bit that says whether there are any. */
function writeRuns(out: BitWriter, bits: readonly number[] | undefined): void {
  out.write(bits === undefined ? 0 : 1, 1);
  if (bits === undefined) return;
  for (let i = 0; i < bits.length; ) {
    let end = i + 1;
    while (end < bits.length && bits[end] === bits[i]) end++;
    out.counted(bits[i]!);
    out.counted(end - i);
    i = end;
  }
}

function readRuns(from: BitReader, n: number): number[] | undefined {
  if (from.read(1) === 0) return undefined;
  const bits: number[] = [];
  while (bits.length < n) {
    const value = from.counted();
    const run = from.counted();
    if (run < 1 || bits.length + run > n) throw new BitsError(`a run of ${run} quality bits`);
    for (let i = 0; i < run; i++) bits.push(value);
  }
  return bits;
}
