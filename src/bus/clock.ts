import type { Clock } from "../model/time.ts";

// performance.now() and process.hrtime() read the same CLOCK_MONOTONIC; the first from a zero of its own. The second is
// the same in every process of a boot but makes an array (or a bigint) per call, so it is asked once.
const [bootS, bootNs] = process.hrtime();
const OFFSET_MS = bootS * 1e3 + bootNs / 1e6 - performance.now();

/** Milliseconds since the machine booted (CLOCK_MONOTONIC), the same in all processes to some microseconds. */
export const systemClock: Clock = {
  monoMs: () => performance.now() + OFFSET_MS,
};

/** Simulated time: starts at `startMs` and runs `speed` times as fast as `base` (0 < speed). */
export function scaledClock(base: Clock, speed: number, startMs: number): Clock {
  const originMs = base.monoMs();
  return { monoMs: () => startMs + (base.monoMs() - originMs) * speed };
}

/** Time that stands still until it is moved. */
export interface ManualClock extends Clock {
  /** Moves time forward by `ms` (≥ 0); a clock that could run back would prove nothing about one that cannot. */
  advance(ms: number): void;
}

/** A clock for tests and for simulations that run as fast as they can. */
export function manualClock(startMs = 0): ManualClock {
  let nowMs = startMs;
  return {
    monoMs: () => nowMs,
    advance(ms) {
      if (!(ms >= 0)) throw new RangeError(`a monotonic clock cannot advance by ${ms} ms`);
      nowMs += ms;
    },
  };
}
