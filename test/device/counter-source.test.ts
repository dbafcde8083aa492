import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { interruptCounter } from "../../devices/interrupt-counter.ts";
import { manualClock } from "../../src/bus/clock.ts";
import type { PulseCounter } from "../../src/bus/counter.ts";
import { openLinuxCounter } from "../../src/bus/linux-counter.ts";
import { createMemoryCounter } from "../../src/bus/memory-counter.ts";
import { createCounterSource } from "../../src/device/counter-source.ts";

const ROTOR = { pulsesPerRevolution: 60, windowMs: 500, coast: { fromRpm: 200, ms: 4000 } };

function run(counter: PulseCounter, options: unknown = ROTOR) {
  const clock = manualClock(1000);
  const samples: { t: number; x: number; q: number }[] = [];
  const states: string[] = [];
  const source = createCounterSource({
    ...{ device: interruptCounter, name: "rotor", options, counter, startMs: 1000 },
    sink: {
      block: (_, b) => samples.push({ t: b.t[0]!, x: b.x[0]!, q: b.q[0]! }),
      scan: () => undefined,
      state: (to, _from, reason) => states.push(`${to}: ${reason}`),
    },
  });
  /** Moves time on by steps of 10 ms; `each` is what happens in the world meanwhile. */
  function pass(ms: number, each: (nowMs: number) => void = () => undefined): void {
    for (let i = 0; i < ms; i += 10) {
      clock.advance(10);
      each(clock.monoMs());
      if (source.dueMs <= clock.monoMs()) source.step(clock.monoMs());
    }
  }
  return { clock, samples, states, source, pass };
}

/** A rotor on a counter of memory: turns at a speed that may change. */
function rotor(options: unknown = ROTOR) {
  const counter = createMemoryCounter({ name: "counter0" });
  const r = run(counter, options);
  let owed = 0;
  return {
    ...r,
    counter,
    turn: (ms: number, rpm: (nowMs: number) => number) =>
      r.pass(ms, (now) => {
        owed += (rpm(now) * 60 * 10) / 60_000;
        counter.pulse(Math.floor(owed));
        owed %= 1;
      }),
  };
}

describe("a speed from a counter of the kernel", () => {
  it("is switched on, read back, and runs", () => {
    const { turn, states, samples, source } = rotor();
    turn(3000, () => 200);
    expect(states).toEqual(["starting: opened", "running: counts"]);
    expect(source.verified).toBe("readback");
    expect(source.channels[0]).toMatchObject({ key: "speed", unit: "rpm", rateHz: 10, resolution: 2 });
    for (const { x, q } of samples.slice(5)) {
      expect(Math.abs(x - 200)).toBeLessThanOrEqual(2);
      expect(q).toBe(0);
    }
  });

  it("says 0 of a rotor that comes to rest as it can, without a mark", () => {
    const { turn, states, samples } = rotor();
    turn(2000, () => 200);
    const from = samples.at(-1)!.t;
    turn(4000, (now) => Math.max(0, 200 - (now - from) / 20));
    turn(3000, () => 0);
    expect(samples.at(-1)).toMatchObject({ x: 0, q: 0 });
    expect(samples.every((s) => s.q === 0)).toBe(true);
    expect(states).toHaveLength(2);
  });

  it("finds pulses that end at full speed, and says so until they come again", () => {
    const { turn, states, samples, source } = rotor();
    turn(2000, () => 200);
    turn(5000, () => 0);
    expect(states.at(-1)).toBe("degraded: device/stuck");
    expect(samples.at(-1)).toMatchObject({ x: 0, q: 4 | 64 });
    // Found within three readings: the mean has not fallen by half yet.
    expect(samples.find((s) => s.q !== 0)!.x).toBeGreaterThan(100);
    turn(2000, () => 180);
    expect(states.at(-1)).toBe("running: counts");
    expect(samples.at(-1)!.q).toBe(0);
    expect(source.counters["stuck"]).toBe(1);
  });

  it("is not told of a stop where nothing is known of the rotor", () => {
    const { turn, samples } = rotor({ pulsesPerRevolution: 60, windowMs: 500 });
    turn(2000, () => 200);
    turn(3000, () => 0);
    expect(samples.at(-1)).toMatchObject({ x: 0, q: 0 });
  });

  it("goes on over the roll-over of the count, and takes no leap for a speed", () => {
    const { turn, counter, samples, source } = rotor();
    turn(300, () => 200);
    counter.set({ count: 2 ** 32 - 150 });
    turn(2000, () => 200);
    expect(source.counters["jumps"]).toBe(1);
    expect(samples.filter((s) => Number.isNaN(s.x))).toHaveLength(1);
    for (const { x } of samples.slice(-8)) expect(Math.abs(x - 200)).toBeLessThanOrEqual(2);
  });

  it("switches on anew a counter that was switched off, and marks what is faster than can be", () => {
    const { turn, counter, states, samples, source } = rotor({ ...ROTOR, maxRpm: 250 });
    turn(1000, () => 200);
    counter.set({ enabled: false });
    turn(3000, () => 200);
    expect(states).toEqual([
      "starting: opened",
      "running: counts",
      "degraded: device/brown-out",
      "starting: opened",
      "running: counts",
    ]);
    expect(source.counters["brownOut"]).toBe(1);
    turn(1000, () => 300);
    expect(samples.at(-1)!.q).toBe(21);
  });

  it("is absent while there is none, and a stranger when it counts both ways", () => {
    const { pass, counter, states } = rotor();
    counter.set({ gone: true });
    pass(1000);
    expect(states).toEqual([]);
    counter.set({ gone: false, direction: "quadrature x4" });
    pass(2000);
    expect(states).toEqual(["failed: device/stranger"]);
    counter.set({ direction: "increase" });
    pass(8000);
    expect(states.slice(1)).toEqual(["starting: opened", "running: counts"]);
    counter.set({ gone: true });
    pass(1000);
    expect(states.at(-1)).toBe("absent: bus/absent");
  });
});

describe("a counter in sysfs", () => {
  const undo: (() => void)[] = [];
  afterEach(() => {
    for (const step of undo.splice(0)) step();
  });

  function sysfs() {
    const root = mkdtempSync(join(tmpdir(), "swath-counter-"));
    undo.push(() => rmSync(root, { recursive: true, force: true }));
    const folder = join(root, "counter3", "count0");
    mkdirSync(folder, { recursive: true });
    const write = (file: string, text: string) => writeFileSync(join(folder, file), text);
    write("function", "increase\n");
    write("enable", "0\n");
    write("count", "0\n");
    return { root, folder, write };
  }

  it("is read digit by digit, modulo 2^32, however the kernel writes it", () => {
    const { root, write } = sysfs();
    const counter = openLinuxCounter({ name: "rotor", device: 3, root });
    undo.push(() => counter.close());
    expect(counter.read()).toBe(0);
    for (const [text, count] of [
      ["123456", 123_456],
      ["2147483647", 2_147_483_647],
      // 2^31 in a counter of 32 bits, with its sign carried on to 64.
      ["18446744071562067968", 2_147_483_648],
      ["18446744073709551615", 4_294_967_295],
      ["4294967296", 0],
    ] as const) {
      write("count", `${text}\n`);
      expect(counter.read(), text).toBe(count);
    }
    write("count", "\n");
    expect(() => counter.read()).toThrow(/holds no number/);
  });

  it("is a source like any other: switched on, counted, gone and back", () => {
    const { root, write, folder } = sysfs();
    const { pass, states, samples, source } = run(openLinuxCounter({ name: "rotor", device: 3, root }));
    let count = 2 ** 31 - 400;
    const turn = () => {
      count += 2;
      write("count", `${count < 2 ** 31 ? BigInt(count) : BigInt(count) + (2n ** 64n - 2n ** 32n)}\n`);
    };
    pass(4000, turn);
    expect(states).toEqual(["starting: opened", "running: counts"]);
    for (const { x } of samples.slice(5)) expect(Math.abs(x - 200)).toBeLessThanOrEqual(2);
    rmSync(folder, { recursive: true });
    const told = samples.length;
    pass(2500);
    // What is open goes on being read until it is asked whether it still counts.
    expect(states.at(-1)).toBe("absent: bus/absent");
    expect(samples.length - told).toBeLessThan(12);
    expect(source.counters["noAck"]).toBeGreaterThan(0);
  });

  it("says which file it cannot read", () => {
    const counter = openLinuxCounter({ name: "rotor", device: 9, root: "/no/such/folder" });
    expect(() => counter.read()).toThrow(/counter9\/count0\/count: ENOENT/);
  });
});
