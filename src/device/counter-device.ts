import type { z } from "zod";
import type { ChannelSpec } from "../model/channel.ts";

/** A speed from a pulse counter, with the options put in. Its one channel is `speed`. */
export interface CounterPlan {
  readonly channels: Readonly<Record<string, ChannelSpec>>;
  readonly pulsesPerRevolution: number;
  readonly everyMs: number;
  readonly windowMs: number;
  /** Faster cannot be: the sample is suspect. */
  readonly maxRpm: number;
  /** From `fromRpm` what turns takes at least `ms` to stop; undefined: nothing is known of that. */
  readonly coast?: { readonly fromRpm: number; readonly ms: number } | undefined;
}

/** A part that is a pulse counter of the kernel. */
export interface CounterDevice {
  readonly kind: "counter";
  readonly part: string;
  readonly summary: string;
  readonly source: string;
  readonly options: z.ZodType;
  /** Throws a `ZodError` for options that the schema refuses. */
  plan(options: unknown): CounterPlan;
}

/** Makes a counter part of its table. */
export function defineCounterDevice<S extends z.ZodType>(table: {
  readonly part: string;
  readonly summary: string;
  readonly source: string;
  readonly options: S;
  readonly plan: (o: z.output<S>) => CounterPlan;
}): CounterDevice {
  const { plan, ...rest } = table;
  return { kind: "counter", ...rest, plan: (given) => plan(table.options.parse(given)) };
}
