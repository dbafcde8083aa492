import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { manualClock, scaledClock, systemClock } from "../../src/bus/clock.ts";

describe("clocks", () => {
  it("count milliseconds since boot on the scale of CLOCK_MONOTONIC, the same in every process", () => {
    const ask = "import time; print(time.clock_gettime(time.CLOCK_MONOTONIC) * 1e3)";
    const before = systemClock.monoMs();
    const other = Number(execFileSync("python3", ["-c", ask]).toString());
    const after = systemClock.monoMs();
    expect(other).toBeGreaterThan(before);
    expect(other).toBeLessThan(after);
  });

  it("never run backwards", () => {
    let last = systemClock.monoMs();
    let backwards = 0;
    for (let i = 0; i < 100_000; i++) {
      const now = systemClock.monoMs();
      if (now < last) backwards += 1;
      last = now;
    }
    expect(backwards).toBe(0);
  });

  it("allocate nothing per call once the loop that asks is optimized", () => {
    for (const clock of [systemClock, manualClock(5)]) {
      const out = new Float64Array(1);
      const ask = new Function("clock", "out", "n", "for (let i = 0; i < n; i++) out[0] = clock.monoMs();");
      ask(clock, out, 300_000);
      let least = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 5; round++) {
        const before = process.memoryUsage().heapUsed;
        ask(clock, out, 50_000);
        const grown = process.memoryUsage().heapUsed - before;
        if (grown >= 0) least = Math.min(least, grown / 50_000); // less than before: a collection ran
      }
      expect(least).toBeLessThan(1);
    }
  });

  it("scale: simulated time starts where it is told and runs as many times as fast", () => {
    const base = manualClock(1000);
    const fast = scaledClock(base, 60, 500);
    expect(fast.monoMs()).toBe(500);
    base.advance(10);
    expect(fast.monoMs()).toBe(1100);
  });

  it("stand still until they are moved, and only move forward", () => {
    const clock = manualClock();
    clock.advance(2.5);
    expect(clock.monoMs()).toBe(2.5);
    expect(() => clock.advance(-1)).toThrow(RangeError);
    expect(() => clock.advance(Number.NaN)).toThrow(RangeError);
  });
});
