import { describe, expect, it } from "vitest";
import { asciiLine } from "../../devices/ascii-line.ts";
import { maxbotixHrxl } from "../../devices/maxbotix-hrxl.ts";
import { manualClock } from "../../src/bus/clock.ts";
import { createMemorySerial } from "../../src/bus/memory-serial.ts";
import type { SerialListener } from "../../src/bus/serial.ts";
import type { LineDevice } from "../../src/device/line-device.ts";
import { createLineSource } from "../../src/device/line-source.ts";
import { QUALITY } from "../../src/model/quality.ts";

function rig(options: Record<string, unknown>, device: LineDevice = asciiLine) {
  const clock = manualClock(1000);
  const memory = createMemorySerial({ name: "range", clock });
  let listener: SerialListener | undefined;
  const link = {
    ...memory,
    start(l: SerialListener) {
      listener = l;
      memory.start(l);
    },
  };
  const samples: { t: number; x: number; q: number }[] = [];
  const states: string[] = [];
  const source = createLineSource({
    device,
    name: "range",
    options,
    link,
    clock,
    sink: {
      block: (_, b) => {
        for (let i = 0; i < b.n; i++) samples.push({ t: b.t[i]!, x: b.x[i]!, q: b.q[i]! });
      },
      scan: () => undefined,
      state: (s) => states.push(s),
    },
  });
  const send = (text: string) => link.feed(Buffer.from(text, "latin1"));
  return { clock, link, gatherMs: () => listener?.gatherMs ?? 0, source, samples, states, send };
}

const MM = { prefix: "R", unit: "m", scale: 0.001, range: [300, 5000] };

describe("a MaxBotix HRXL", () => {
  it("reads what it sends, with noise in between, and marks that it found nothing or is too near", () => {
    const { samples, send } = rig({}, maxbotixHrxl);
    send("R1234\r\xffR0480 \rR5000\rR0300\r");
    expect(samples.map((s) => [s.x, s.q])).toEqual([
      [1.234, 0],
      [0.48, 0],
      [5, QUALITY.clipped],
      [0.3, QUALITY.clipped],
    ]);
  });
});

describe("a part that sends one number on each line", () => {
  it("scales to the channel's unit and marks the ends of the range", () => {
    const { samples, send, source } = rig(MM);
    send("R1234\rR5000\rR0299\r");
    expect(samples.map((s) => s.x)).toEqual([1.234, 5, 0.299]);
    expect(samples.map((s) => s.q)).toEqual([0, QUALITY.clipped, QUALITY.clipped | QUALITY.suspect | QUALITY.range]);
    expect(source.channels[0]).toMatchObject({ key: "value", unit: "m", range: [0.3, 5], resolution: 0.001 });
  });

  it("lets fast lines gather between reads once the clock of their times has settled, and slow ones never", () => {
    const slow = rig({ unit: "m", range: [0, 10], rateHz: 10 });
    const fast = rig({ unit: "m", range: [0, 10], rateHz: 1000 });
    const hold = () => [slow.gatherMs(), fast.gatherMs()];
    expect(hold()).toEqual([0, 0]);
    for (let burst = 0; burst < 300; burst++) {
      for (const { clock, send } of [slow, fast]) {
        clock.advance(10);
        send("1\n".repeat(10));
      }
    }
    expect(hold()).toEqual([0, 50]);
  });

  it("keeps the times of gathered lines to a tenth of their period", () => {
    const { clock, samples, send } = rig({ unit: "m", range: [0, 10], rateHz: 1000 });
    for (let burst = 0; burst < 1300; burst++) {
      const lines = burst < 300 ? 10 : 50;
      clock.advance(lines);
      send("1\n".repeat(lines));
    }
    const gaps = samples.slice(-1000).map((s, i, all) => (i === 0 ? 1 : s.t - all[i - 1]!.t));
    for (const gap of gaps) expect(Math.abs(gap - 1)).toBeLessThan(0.1);
  });

  it("gives lines that arrive in bursts the times at which they were taken", () => {
    const { clock, samples, send } = rig({ unit: "m", range: [0, 10], rateHz: 1000 });
    for (let burst = 0; burst < 600; burst++) {
      clock.advance(10);
      send("1\n".repeat(10));
    }
    const gaps = samples.slice(-1000).map((s, i, all) => (i === 0 ? 1 : s.t - all[i - 1]!.t));
    for (const gap of gaps) expect(Math.abs(gap - 1)).toBeLessThan(0.05);
  });

  it("says when it falls silent, when the plug is pulled, and when it is back", () => {
    const { clock, link, source, states, send } = rig(MM);
    send("R1000\rR1000\rR1000\r");
    for (let beat = 0; beat < 12; beat++) {
      clock.advance(250);
      source.step(clock.monoMs());
    }
    expect(source.counters["silences"]).toBe(1);
    send("R1000\rR1000\r");
    expect(source.state).toBe("degraded");
    send("R1000\r");
    link.pull();
    link.plug();
    send("R1\rnonsense\rR1000\rR1000\r");
    expect(states).toEqual(["starting", "running", "degraded", "running", "failed", "starting", "running"]);
    expect(source.counters["malformed"]).toBe(1);
  });
});
