import type { z } from "zod";
import type { ChannelSpec } from "../model/channel.ts";

/** A serial part that sends one number on each line: its table with the options put in. */
export interface LinePlan {
  /** What stands before the number. */
  readonly prefix: string;
  /** Value = number × scale + offset. */
  readonly scale: number;
  readonly offset: number;
  /** Numbers (as sent) outside this cannot be; the sample is suspect. */
  readonly plausible?: readonly [number, number];
  /** At or beyond these numbers (as sent) the part is at the end of its range. */
  readonly clip?: readonly [number, number];
  readonly channels: Readonly<Record<string, ChannelSpec>>;
  /** Characters a second, where the rate of lines is known. */
  readonly charsPerSecond?: number;
}

/** A part that talks in lines of text, one number each. It has exactly one channel. */
export interface LineDevice {
  readonly kind: "line";
  readonly part: string;
  readonly summary: string;
  readonly source: string;
  readonly options: z.ZodType;
  /** Throws a `ZodError` for options that the schema refuses. */
  plan(options: unknown): LinePlan;
}

/** Makes a line part of its table. */
export function defineLineDevice<S extends z.ZodType>(table: {
  readonly part: string;
  readonly summary: string;
  readonly source: string;
  readonly options: S;
  readonly plan: (o: z.output<S>) => LinePlan;
}): LineDevice {
  const { part, summary, source, options } = table;
  return { kind: "line", part, summary, source, options, plan: (given) => table.plan(options.parse(given)) };
}
