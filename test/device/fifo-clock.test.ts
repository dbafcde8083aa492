import { describe, expect, it } from "vitest";
import { createFifoClock } from "../../src/device/fifo-clock.ts";

/** A small repeatable noise, 0 to 1. */
function noise(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * A part with a clock of its own, drained by a host that is late by up to `jitterMs`; `late` of the drains are also stamped
 * late by up to 8 ms. Calls `seen` with the true time of each sample and the one that was reconstructed.
 */
function simulate(odrHz: number, jitterMs: number, seconds: number, stampedLate: number, clock = createFifoClock(800)) {
  const random = noise(7);
  const into = new Float64Array(4096);
  const errors: number[] = [];
  const times: number[] = [];
  const periodMs = 1000 / odrHz;
  let taken = 0;
  for (let drainMs = 20; drainMs < seconds * 1000; drainMs += 20) {
    const atMs = drainMs + random() * jitterMs;
    const available = Math.floor(atMs / periodMs) - taken;
    if (available < 1) continue;
    clock.drained(available, atMs + (random() < stampedLate ? random() * 8 : 0), 0, into);
    for (let i = 0; i < available; i++) {
      errors.push(into[i]! - (taken + i + 1) * periodMs);
      times.push(into[i]!);
    }
    taken += available;
  }
  return { clock, errors, times };
}

const spread = (values: number[]) => Math.max(...values) - Math.min(...values);

describe("the clock of a FIFO", () => {
  it.each([720, 760, 800, 840, 880])("finds the rate of a part that runs at %d Hz instead of 800", (odrHz) => {
    const { clock, errors } = simulate(odrHz, 5, 10, 0);
    expect(clock.periodMs).toBeGreaterThan((1000 / odrHz) * 0.9995);
    expect(clock.periodMs).toBeLessThan((1000 / odrHz) * 1.0005);
    const settled = errors.slice(errors.length >> 1);
    expect(Math.max(...settled.map(Math.abs))).toBeLessThan(0.5);
  });

  it("is within 2 ms a second after the start, though the rate is 10 % off", () => {
    const { errors } = simulate(720, 5, 10, 0);
    expect(Math.max(...errors.slice(720).map(Math.abs))).toBeLessThan(2);
  });

  it("removes a host's jitter of several milliseconds", () => {
    const { errors } = simulate(812, 9, 10, 0.3);
    const settled = errors.slice(errors.length >> 1);
    // Drained up to 9 ms late and stamped up to 8 ms late: what is left is a steady offset and a tenth of a period.
    expect(spread(settled)).toBeLessThan(0.6);
    expect(Math.max(...settled.map(Math.abs))).toBeLessThan(2);
  });

  it("shows that jitter when samples are stamped as they are drained instead", () => {
    const random = noise(7);
    const naive: number[] = [];
    for (let ms = 20; ms < 10_000; ms += 20) {
      const atMs = ms + random() * 9 + (random() < 0.3 ? random() * 8 : 0);
      naive.push(atMs - Math.floor(atMs / 1.25) * 1.25 + random() * 8);
    }
    expect(spread(naive)).toBeGreaterThan(5);
  });

  it("gives times that only grow, in nearly even steps", () => {
    const { times } = simulate(770, 6, 10, 0.2);
    const steps = times.slice(1).map((at, i) => at - times[i]!);
    expect(Math.min(...steps)).toBeGreaterThan(0);
    expect(Math.min(...steps.slice(2000))).toBeGreaterThan(1.1);
    expect(Math.max(...steps.slice(2000))).toBeLessThan(1.5);
  });

  it("tells the time anew after samples were lost, and keeps the period", () => {
    const { clock } = simulate(760, 3, 10, 0);
    const into = new Float64Array(64);
    const periodMs = clock.periodMs;
    clock.lost();
    clock.drained(32, 13_000, 0, into);
    expect(clock.periodMs).toBe(periodMs);
    expect(into[31]!).toBeCloseTo(13_000 - periodMs / 2, 6);
    expect(into[0]!).toBeCloseTo(13_000 - 31.5 * periodMs, 6);
  });

  it("finds itself after a stall that nothing has reported", () => {
    const { clock } = simulate(800, 3, 10, 0);
    const into = new Float64Array(64);
    // 500 ms went by and only 16 samples are there: the rest was lost without a word.
    clock.drained(16, 10_500, 0, into);
    clock.drained(16, 10_520, 0, into);
    expect(into[15]!).toBeCloseTo(10_520 - 0.625, 0);
    expect(into[0]!).toBeGreaterThan(10_495);
  });

  it("counts entries left behind as time not yet read", () => {
    const { clock } = simulate(800, 0, 10, 0);
    const into = new Float64Array(64);
    clock.lost();
    clock.drained(33, 11_000, 8, into);
    expect(into[32]!).toBeCloseTo(11_000 - 8.5 * clock.periodMs, 6);
  });
});
