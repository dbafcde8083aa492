import type { Clock } from "../model/time.ts";

const { hrtime } = process;

/** CLOCK_MONOTONIC in milliseconds. Optimized code keeps the pair in registers on Node 20 to 24; on 26 it does not. */
function byPair(): number {
  const now = hrtime();
  return now[0] * 1e3 + now[1] / 1e6;
}

/** The same time by way of a number, with the zero moved once; makes 16 bytes of garbage per call on Node 20 and 22. */
function byNumber(): () => number {
  const offsetMs = byPair() - performance.now();
  return () => performance.now() + offsetMs;
}

/** Milliseconds since the machine booted (CLOCK_MONOTONIC): the same in all processes, to some microseconds. */
export const systemClock: Clock = {
  monoMs: Number.parseInt(process.versions.node, 10) >= 24 ? byNumber() : byPair,
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
