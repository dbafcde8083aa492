import { describe, expect, it } from "vitest";
import { firmataBoard } from "../../devices/firmata-board.ts";
import { manualClock } from "../../src/bus/clock.ts";
import { createMemorySerial } from "../../src/bus/memory-serial.ts";
import type { BoardListener, BoardReader } from "../../src/device/board-device.ts";
import { createBoardSource } from "../../src/device/board-source.ts";
import { createPulseRate } from "../../src/device/pulse-rate.ts";

function rig(options: unknown) {
  const clock = manualClock(1000);
  const link = createMemorySerial({ name: "board", clock });
  const samples: { channel: number; t: number; x: number; q: number }[] = [];
  const states: string[] = [];
  let listener: BoardListener | undefined;
  const reader: BoardReader = {
    start: (l) => {
      listener = l;
    },
    opened: () => undefined,
    closed: () => undefined,
    bytes: () => undefined,
    lamp: () => undefined,
    noted: () => undefined,
    dueMs: Number.POSITIVE_INFINITY,
    step: () => undefined,
    close: () => undefined,
  };
  const source = createBoardSource({
    ...{ device: firmataBoard, name: "board", options, link, reader, clock },
    sink: {
      block: (channel, b) => samples.push({ channel, t: b.t[0]!, x: b.x[0]!, q: b.q[0]! }),
      scan: () => undefined,
      state: (to, _from, reason) => states.push(`${to}: ${reason}`),
    },
  });
  function wait(ms: number): void {
    for (let i = 0; i < ms; i += 50) {
      clock.advance(50);
      if (source.dueMs <= clock.monoMs()) source.step(clock.monoMs());
    }
  }
  return { clock, link, source, samples, states, wait, board: listener! };
}

const ROTOR = { pulses: { rotor: { pin: 2, pulsesPerRevolution: 60, everyMs: 100, windowMs: 500 } } };

describe("a sub-board's source", () => {
  it("runs after three reports, falls silent when they stop, and is failed while its board is refused", () => {
    const { board, states, wait, clock } = rig({ analog: { a: { pin: 0 } } });
    board.ready("StandardFirmata 2.4");
    for (let i = 0; i < 3; i++) board.value(0, 512, clock.monoMs());
    wait(3000);
    board.refused("no analog input A0");
    board.value(0, 512, clock.monoMs());
    board.ready("StandardFirmata 2.4");
    expect(states).toEqual([
      "starting: opened",
      "running: reports",
      "degraded: silent",
      "failed: no analog input A0",
      "starting: retry",
    ]);
  });

  it("gives a board time to start, and does not wait for ever", () => {
    const { states, wait, link } = rig({ analog: { a: { pin: 0 } } });
    wait(25_000);
    expect(states).toEqual(["starting: opened"]);
    wait(10_000);
    expect(states.at(-1)).toBe("degraded: silent");
    link.pull();
    expect(states.at(-1)).toBe("failed: bus/closed");
  });

  it("turns counts into the unit and marks both ends of the converter", () => {
    const { board, samples, clock } = rig({ analog: { a: { pin: 0, unit: "kPa", scale: 2, offset: -100 } } });
    for (const count of [0, 1, 1022, 1023]) board.value(0, count, clock.monoMs());
    expect(samples.map(({ x, q }) => [x, q])).toEqual([
      [-100, 1],
      [-98, 0],
      [1944, 0],
      [1946, 1],
    ]);
  });

  it("never lets time run backwards", () => {
    const { board, samples, source } = rig({ analog: { a: { pin: 0 } } });
    board.value(0, 1, 1200);
    board.value(0, 2, 1100);
    expect(samples).toHaveLength(1);
    expect(source.counters["stale"]).toBe(1);
  });

  it("times pulses by the board's own clock, over its roll-over and that of the count", () => {
    const { board, samples } = rig(ROTOR);
    // 200 pulses a second of 60 a turn: 200 rpm, whenever the reports come.
    for (let i = 0; i < 20; i++)
      board.pulses(
        0,
        (2 ** 32 - 1000 + i * 100) % 2 ** 32,
        (2 ** 32 - 100 + i * 20) % 2 ** 32,
        2000 + i * 100 + (i % 3) * 30,
      );
    expect(samples).toHaveLength(19);
    for (const { x, q } of samples) expect([x, q]).toEqual([200, 0]);
  });

  it("marks more pulses than the firmware keeps up with, and begins anew after a restart", () => {
    const { board, samples } = rig(ROTOR);
    board.pulses(0, 1000, 0, 2000);
    board.pulses(0, 1100, 300, 2100);
    expect(samples.at(-1)!.q).toBe(21);
    board.restarted("board-reset");
    board.pulses(0, 50, 3, 3000);
    expect(samples).toHaveLength(1);
    board.pulses(0, 150, 3, 3100);
    expect(samples.at(-1)).toMatchObject({ x: 0, q: 0 });
  });
});

describe("a speed from a pulse counter", () => {
  it("is the mean over the window: 2000 pulses in a second of 60 teeth are 2000 rpm", () => {
    const rate = createPulseRate(60, 1000);
    expect(rate.add(0, 0)).toBeNaN();
    for (let t = 100; t <= 3000; t += 100) expect(rate.add(t, 2 * t)).toBeCloseTo(2000, 9);
    // Half a window of standstill is half the speed, a whole one is none.
    for (let t = 3100; t <= 3500; t += 100) rate.add(t, 6000);
    expect(rate.add(3500.001, 6000)).toBeCloseTo(1000, 0);
    for (let t = 3600; t <= 4100; t += 100) rate.add(t, 6000);
    expect(rate.add(4200, 6000)).toBe(0);
  });
});

describe("the options of a sub-board", () => {
  const refusal = (o: unknown) =>
    firmataBoard.options
      .safeParse(o)
      .error?.issues.map((i) => i.message)
      .join("; ") ?? "";

  it("refuse a speed from a digital pin of the standard firmware, and say why", () => {
    for (const extra of [{ pulsesPerRevolution: 60 }, { unit: "rpm" }])
      expect(refusal({ digital: { rotor: { pin: 2, ...extra } } })).toMatch(/pulses are lost without a trace/);
    expect(refusal({ digital: { rotor: { pin: 2 } } })).toBe("");
  });

  it("refuse two pulse pins, a pin twice, more pulses than are believed and more reports than the line carries", () => {
    const p = { pulsesPerRevolution: 60 };
    expect(refusal({ pulses: { a: { pin: 2, ...p }, b: { pin: 3, ...p } } })).toMatch(/expected one/);
    expect(refusal({ digital: { a: { pin: 2 } }, pulses: { b: { pin: 2, ...p } } })).toMatch(/pin 2 is used twice/);
    expect(refusal({ pulses: { a: { pin: 2, ...p, maxHz: 5000 } } })).toMatch(/at most 2000/);
    const many = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`a${i}`, { pin: i }]));
    expect(refusal({ analog: many, samplingMs: 10 })).toMatch(/of 57600 baud/);
  });
});
