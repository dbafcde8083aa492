import type { z } from "zod";
import type { ChannelSpec } from "../model/channel.ts";
import type { Verified } from "../model/record.ts";

/** Where a protocol puts what it reads. */
export interface SerialOutput {
  /** Puts the value of one channel (by its place in the table) into the scan being built; NaN is missing. */
  put(channel: number, x: number, q: number): void;
  /** Ends the scan: what was put since the last one was taken at `tMs`. A good message. */
  scan(tMs: number): void;
  /** Ends a scan of values that are missing because nothing good came: no good message. */
  missed(tMs: number): void;
  /** A good message that carries no value. */
  heard(atMs: number): void;
  /** Sends bytes; false when the link is down. */
  write(bytes: Uint8Array): boolean;
  /** The far end has been recognised, as the plan says that it is; false: what was known of it holds no more. */
  verified(is: boolean): void;
  /** The far end is there but must not be read as it is: the source is `failed` until `retry` or until the link reopens. */
  refuse(reason: string): void;
  retry(): void;
  /** UTC of an epoch, NaN where it has none that is believable. */
  utc(utcMs: number, atMs: number): void;
}

/** What speaks to one far end. Never throws. */
export interface SerialProtocol {
  /** One counter per kind of failure. Monotone. */
  readonly counters: Readonly<Record<string, number>>;
  /** Takes the next bytes, cut anywhere. */
  take(chunk: Uint8Array, atMs: number): void;
  /** Forgets a begun message: the line broke. */
  reset(): void;
  /** The link has opened: a protocol that asks begins here. */
  opened?(atMs: number): void;
  /** When `step` wants to be called next (mono ms). */
  readonly dueMs?: number;
  step?(nowMs: number): void;
}

/** The far end of a protocol, for the simulated machine. */
export interface SerialTwin {
  /** When `step` wants to be called next (mono ms). */
  readonly dueMs: number;
  /** Sends what is due. */
  step(nowMs: number): void;
  /** Takes what the unit has sent. */
  hears?(bytes: Uint8Array): void;
}

/** What a twin is told. */
export interface SerialTwinSpec {
  readonly startMs: number;
  /** What the scene says of a channel; undefined for one it does not know. */
  readonly value: (channelKey: string, tMs: number) => number | undefined;
  readonly send: (bytes: Uint8Array) => void;
}

/** A serial part with the options put in. */
export interface SerialPlan {
  readonly channels: Readonly<Record<string, ChannelSpec>>;
  /** What a good message is called: `blocks`, `frames`. */
  readonly expects: string;
  /** No good message for so long (ms): the source is `degraded`. */
  readonly silentMs: number;
  /** How the far end is recognised, when the protocol says that it is. */
  readonly verifies: Verified;
  /** Scans per second when each carries every channel and they are regular: their times are found from their count. */
  readonly scanHz?: number;
  /** Characters a second on the wire, both ways together, when the plan runs; pauses that must be kept count as characters. */
  readonly charsPerSecond?: number;
  protocol(out: SerialOutput): SerialProtocol;
  /** Undefined where the scene itself plays the far end. */
  twin?(spec: SerialTwinSpec): SerialTwin;
}

/** A part on a serial port, as one table and the protocol it speaks. */
export interface SerialDevice {
  readonly kind: "serial";
  readonly part: string;
  readonly summary: string;
  /** What is spoken, for people: `VE.Direct text, 19200 baud`. */
  readonly speaks: string;
  readonly source: string;
  readonly options: z.ZodType;
  /** Throws a `ZodError` for options that the schema refuses. */
  plan(options: unknown): SerialPlan;
}

/** Makes a serial part of its table. */
export function defineSerialDevice<S extends z.ZodType>(table: {
  readonly part: string;
  readonly summary: string;
  readonly speaks: string;
  readonly source: string;
  readonly options: S;
  readonly plan: (o: z.output<S>) => SerialPlan;
}): SerialDevice {
  const { plan, ...rest } = table;
  return { kind: "serial", ...rest, plan: (given) => plan(table.options.parse(given)) };
}
