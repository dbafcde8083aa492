import type { MemoryCounter } from "../bus/counter.ts";

/** How often pulses are added. */
const STEP_MS = 20;

/** A pickup that pulses as fast as the scene turns, on a counter of memory. */
export function createSimulatedPickup(options: {
  readonly counter: MemoryCounter;
  readonly pulsesPerRevolution: number;
  readonly startMs: number;
  /** Revolutions per minute at an instant. */
  readonly speed: (tMs: number) => number;
}) {
  const { counter, pulsesPerRevolution } = options;
  let dueMs = options.startMs;
  let owed = 0;
  return {
    get dueMs() {
      return dueMs;
    },
    step(nowMs: number): void {
      while (dueMs < nowMs - 1000) dueMs += STEP_MS;
      owed += (options.speed(dueMs) * pulsesPerRevolution * STEP_MS) / 60_000;
      const whole = Math.floor(owed);
      owed -= whole;
      counter.pulse(whole);
      dueMs += STEP_MS;
    },
  };
}
