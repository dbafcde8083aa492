import { type ErrorCode, isSwathError } from "../model/errors.ts";

/** What a part on a bus can fail with, each with a counter of its own; `samples` counts what went well. */
export const COUNTED = [
  "samples",
  "noAck",
  "timeout",
  "arbitration",
  "busy",
  "io",
  "crc",
  "denied",
  "stranger",
  "readback",
  "brownOut",
  "overrun",
  "stuck",
  "clipped",
  "implausible",
  "missing",
  "fault",
  "echo",
  "retries",
  "reinits",
] as const;
export type Counted = (typeof COUNTED)[number];
export type Counters = Record<Counted, number>;

/** Failures that say something about the part's health, rather than about one sample. */
export const FAILURES = [
  "noAck",
  "timeout",
  "arbitration",
  "busy",
  "io",
  "crc",
  "denied",
  "stranger",
  "readback",
  "brownOut",
  "overrun",
  "stuck",
] as const satisfies readonly Counted[];
export type Failure = (typeof FAILURES)[number];

const BY_CODE: Partial<Record<ErrorCode, Failure>> = {
  "bus/no-ack": "noAck",
  "bus/timeout": "timeout",
  "bus/arbitration": "arbitration",
  "bus/busy": "busy",
  "bus/io": "io",
  "bus/crc": "crc",
  "bus/denied": "denied",
  "bus/absent": "noAck",
};

/** What a state change names as its reason. */
export const REASONS: Readonly<Record<Failure, ErrorCode | "overrun">> = {
  noAck: "bus/no-ack",
  timeout: "bus/timeout",
  arbitration: "bus/arbitration",
  busy: "bus/busy",
  io: "bus/io",
  crc: "bus/crc",
  denied: "bus/denied",
  stranger: "device/stranger",
  readback: "device/readback",
  brownOut: "device/brown-out",
  overrun: "overrun",
  stuck: "device/stuck",
};

/** Which failure an exception of the bus is; anything unknown counts as `io`. */
export function failureOf(e: unknown): Failure {
  return (isSwathError(e) ? BY_CODE[e.code] : undefined) ?? "io";
}

/** Leaky levels above which a part that still answers counts as degraded, and below which it is well again. */
const HIGH = 3;
const LOW = 1;
/** What leaks from a level in a second. */
const LEAK_PER_S = 0.2;
/** A level goes no higher, so that a long outage is not held against a part that is back. */
const FULL = 4;

/** Counters that only grow, and beside each kind of failure a level that leaks. */
export interface FailureLog {
  readonly counters: Counters;
  count(kind: Failure): void;
  /** Lets the levels leak for the time since the last call. */
  leak(nowMs: number): void;
  /** The failure whose level is high, with hysteresis; undefined when all is well. */
  readonly ailing: Failure | undefined;
}

export function createFailureLog(): FailureLog {
  const counters = Object.fromEntries(COUNTED.map((kind) => [kind, 0])) as Counters;
  const levels = new Float64Array(FAILURES.length);
  let ailing: Failure | undefined;
  let leakedMs = 0;

  return {
    counters,
    count(kind) {
      counters[kind] += 1;
      const i = FAILURES.indexOf(kind);
      levels[i] = Math.min(FULL, levels[i]! + 1);
      if (levels[i]! >= HIGH) ailing ??= kind;
    },
    leak(nowMs) {
      const leakedS = (nowMs - leakedMs) / 1000;
      leakedMs = nowMs;
      let worst = 0;
      for (let i = 0; i < levels.length; i++) {
        levels[i] = Math.max(0, levels[i]! - LEAK_PER_S * leakedS);
        if (levels[i]! > levels[worst]!) worst = i;
      }
      if (levels[worst]! <= LOW) ailing = undefined;
    },
    get ailing() {
      return ailing;
    },
  };
}
