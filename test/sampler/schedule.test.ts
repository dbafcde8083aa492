import { describe, expect, it, vi } from "vitest";
import { createLateness } from "../../src/sampler/lateness.ts";
import { createSchedule, createSimulatedSchedule, type Due, steppedClock } from "../../src/sampler/schedule.ts";

function ticker(periodMs: number, log: number[], startMs = 0): Due {
  let due = startMs;
  return {
    get dueMs() {
      return due;
    },
    step(now) {
      log.push(now);
      due += periodMs;
    },
  };
}

describe("the simulated schedule", () => {
  it("gives the same times whatever the pace", () => {
    vi.useFakeTimers();
    const runs = [1, 37].map((speed) => {
      const a: number[] = [];
      const b: number[] = [];
      let real = 0;
      const schedule = createSimulatedSchedule({
        items: [ticker(20, a), ticker(33, b)],
        clock: steppedClock(0),
        pace: { monoMs: () => real * speed },
      });
      schedule.start();
      while (real * speed < 5000) {
        real += 10;
        vi.advanceTimersByTime(10);
      }
      schedule.stop();
      return [a.filter((t) => t < 5000), b.filter((t) => t < 5000)];
    });
    vi.useRealTimers();
    expect(runs[0]![0]).toHaveLength(250);
    expect(runs[1]).toEqual(runs[0]);
  });
});

describe("the schedule", () => {
  it("steps what is due, sleeps until the next, and knows how late it was", () => {
    vi.useFakeTimers();
    let now = 0;
    const log: number[] = [];
    const lateness = createLateness();
    const schedule = createSchedule({ items: [ticker(20, log)], clock: { monoMs: () => now }, lateness });
    schedule.start();
    for (let i = 0; i < 10; i++) {
      now += 20;
      vi.advanceTimersByTime(20);
    }
    now += 57;
    vi.advanceTimersByTime(57);
    schedule.stop();
    vi.useRealTimers();
    expect(log.length).toBeGreaterThanOrEqual(11);
    const { p50Ms, maxMs } = lateness.take();
    expect(p50Ms).toBeLessThanOrEqual(0.25);
    expect(maxMs).toBeGreaterThan(30);
    expect(lateness.take()).toEqual({ p50Ms: 0, maxMs: 0 });
  });
});
