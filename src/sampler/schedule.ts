import type { Clock } from "../model/time.ts";
import type { Lateness } from "./lateness.ts";

/** Something with a next time to be called: a source, the row grid, a simulated receiver. Never throws. */
export interface Due {
  readonly dueMs: number;
  step(nowMs: number): void;
}

/** The loop that calls what is due, in order of due time. */
export interface Schedule {
  start(): void;
  stop(): void;
}

/** What is due within this much is done in the same wake-up: a wake-up costs more than being a millisecond early. */
const COALESCE_MS = 1;
/** Never sleep longer, so that a source whose due time moved forward is seen. */
const MAX_SLEEP_MS = 250;

function next(items: readonly Due[]): Due | undefined {
  let first: Due | undefined;
  for (const item of items) if (first === undefined || item.dueMs < first.dueMs) first = item;
  return first;
}

/** The loop over real parts: sleeps until the next due time, then steps everything that is due once. */
export function createSchedule(options: { items: readonly Due[]; clock: Clock; lateness: Lateness }): Schedule {
  const { items, clock, lateness } = options;
  let timer: NodeJS.Timeout | undefined;
  let running = false;

  function run(): void {
    const now = clock.monoMs();
    for (const item of items) {
      const due = item.dueMs;
      if (due > now + COALESCE_MS) continue;
      const at = clock.monoMs();
      lateness.add(at - due);
      item.step(at);
    }
    const due = next(items)?.dueMs ?? Number.POSITIVE_INFINITY;
    const sleep = Math.min(MAX_SLEEP_MS, Math.max(0, due - clock.monoMs()));
    if (running) timer = setTimeout(run, sleep);
  }

  return {
    start() {
      running = true;
      run();
    },
    stop() {
      running = false;
      clearTimeout(timer);
    },
  };
}

/** A clock that the simulated schedule moves from one due time to the next. */
export interface SteppedClock extends Clock {
  set(nowMs: number): void;
}

export function steppedClock(startMs: number): SteppedClock {
  let now = startMs;
  return {
    monoMs: () => now,
    set(nowMs) {
      if (nowMs > now) now = nowMs;
    },
  };
}

/** Moves the clock to an instant, doing everything that is due up to it, in order; `before`: not what is due with it. */
export function stepUntil(items: readonly Due[], clock: SteppedClock, untilMs: number, before = false): void {
  for (;;) {
    const item = next(items);
    if (item === undefined || item.dueMs > untilMs || (before && item.dueMs >= untilMs)) break;
    clock.set(item.dueMs);
    item.step(clock.monoMs());
  }
  clock.set(untilMs);
}

const PACE_MS = 10;
/** Simulated time done in one go before other work gets a turn. */
const SLICE_MS = 2000;

/**
 * The loop over twins: simulated time jumps from one due time to the next, so what comes out depends on the seed alone and
 * not on timers; it is only held back to `pace`, the simulated time that should have passed by now.
 */
export function createSimulatedSchedule(options: {
  items: readonly Due[];
  clock: SteppedClock;
  pace: Clock;
}): Schedule {
  const { items, clock, pace } = options;
  let timer: NodeJS.Timeout | undefined;

  function run(): void {
    const target = Math.min(pace.monoMs(), clock.monoMs() + SLICE_MS);
    stepUntil(items, clock, target);
  }

  return {
    start() {
      timer = setInterval(run, PACE_MS);
    },
    stop() {
      clearInterval(timer);
    },
  };
}
