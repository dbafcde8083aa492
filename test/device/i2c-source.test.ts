import { describe, expect, it } from "vitest";
import { ads1115 } from "../../devices/ads1115.ts";
import { adxl375 } from "../../devices/adxl375.ts";
import { ina228 } from "../../devices/ina228.ts";
import { lsm6dsox } from "../../devices/lsm6dsox.ts";
import type { I2cTwin } from "../../src/bus/i2c.ts";
import { QUALITY } from "../../src/model/quality.ts";
import { createScriptPart } from "../golden/script-part.ts";
import { createRig, createTwinRig } from "./rig.ts";

const G = 9.80665;
/** Gravity on one axis and a little noise, as a machine at rest shows it. */
const atRest = (key: string, tMs: number) => (key === "shockZ" ? G : 0) + (Math.floor(tMs) % 3) * 0.4;

describe("telling apart parts with one identity", () => {
  const sized = (size: number) => (key: string, tMs: number) => atRest(key, tMs) * size;

  it("refuses a ±16 g part, whose gravity is 256 counts, as a stranger and takes no sample", () => {
    const rig = createTwinRig(adxl375, {}, sized(256 / 20.4));
    rig.run(5000);
    expect(rig.source.state).toBe("failed");
    expect(rig.states.at(-1)!.reason).toBe("device/stranger");
    expect(rig.kept).toEqual({});
  });

  it("is not misled by a knock now and then", () => {
    const knocked = (key: string, tMs: number) =>
      Math.floor(tMs / 5) % 8 === 0 ? 100 * G : sized(256 / 20.4)(key, tMs);
    for (let startMs = 0; startMs < 40; startMs += 5) {
      const rig = createTwinRig(adxl375, {}, (key, tMs) => knocked(key, tMs + startMs));
      rig.run(1000);
      expect(rig.source.state, `start ${startMs}`).toBe("failed");
    }
  });

  it("accepts the ±200 g part at rest, whose gravity is 20 counts", () => {
    const rig = createTwinRig(adxl375, {}, sized(1));
    rig.run(2000);
    expect(rig.source.state).toBe("running");
  });

  it("accepts the ±200 g part that is shaken while it starts, though the median is that of the other", () => {
    const rig = createTwinRig(adxl375, {}, (_key, tMs) => 10 * G * Math.sin(tMs / 3));
    rig.run(2000);
    expect(rig.source.state).toBe("running");
  });
});

describe("an IMU of twice the range with the same identity", () => {
  const still = (key: string, tMs: number) => (key === "accelZ" ? G : 0) + (Math.floor(tMs / 3) % 3) * 0.02;

  it("is refused, because gravity is half as many counts", () => {
    const rig = createTwinRig(lsm6dsox, {}, (key, tMs) => still(key, tMs) / 2);
    rig.run(3000);
    expect(rig.states.map((s) => s.reason)).toEqual(["device/stranger"]);
    expect(rig.kept).toEqual({});
  });

  it("is not mistaken for the right one, which runs: both sensors, each sample once", () => {
    const rig = createTwinRig(lsm6dsox, {}, still);
    rig.run(5000);
    expect(rig.source.state).toBe("running");
    const { accelZ, gyroX } = rig.kept;
    expect(Math.abs(accelZ!.x.length - 104 * 4.6)).toBeLessThan(20);
    expect(gyroX!.x.length).toBe(accelZ!.x.length);
    expect(accelZ!.t.every((at, i) => i === 0 || at > accelZ!.t[i - 1]!)).toBe(true);
  });
});

describe("a part that is already as wanted", () => {
  const battery = (key: string) =>
    ({ voltage: 27, current: 3, power: 81, dieTemp: 30, charge: 100, energy: 9000 })[key];
  const options = { shuntOhm: 0.015, maxA: 10 };

  it("is not written to, so that charge and energy live through a restart of the program", () => {
    const first = createTwinRig(ina228, options, battery);
    first.run(1000);
    const writes: number[] = [];
    const spy: I2cTwin = {
      read: (register, into, length) => first.twin.read(register, into, length),
      write: (register) => void writes.push(register),
    };
    const second = createRig(ina228, options, () => spy);
    second.run(3000);
    expect(second.source.state).toBe("running");
    expect(writes).toEqual([]);
    expect(second.kept["charge"]!.x.at(-1)).toBeCloseTo(100, 4);
  });

  it("is set up anew when only SHUNT_CAL shows the value it wakes up with", () => {
    const rig = createTwinRig(ina228, options, battery);
    rig.twin.poke("ADC_CONFIG", 0xfb6a);
    expect(rig.twin.peek("SHUNT_CAL")).toBe(0x1000);
    rig.run(1000);
    expect(rig.twin.peek("SHUNT_CAL")).toBe(3750);
  });

  it("refuses a shunt and a current that the part cannot measure", () => {
    expect(() => ina228.plan({ shuntOhm: 0.015, maxA: 20 })).toThrow(/0.16384 V/);
  });
});

describe("a stream from a FIFO", () => {
  /** A sawtooth from which the instant of a sample can be read: 1 count a millisecond, with a spell of 4 s. */
  const COUNT = 0.049 * G;
  const saw = (_key: string, tMs: number) => ((tMs % 4000) - 2000) * COUNT;
  const instant = (x: number) => x / COUNT + 2000;

  it.each([0.9, 1, 1.1])(
    "times its samples within 1.5 ms when the part's own rate is %d of the nominal",
    (rateFactor) => {
      const rig = createTwinRig(adxl375, {}, saw, { rateFactor });
      rig.run(12_000);
      const { t, x } = rig.kept["shockX"]!;
      expect(t.length).toBeGreaterThan(8000 * rateFactor);
      for (let i = 4000; i < t.length; i++) {
        const off = (((t[i]! - instant(x[i]!)) % 4000) + 4000) % 4000;
        expect(Math.min(off, 4000 - off), `sample ${i}`).toBeLessThan(1.5);
      }
    },
  );

  it("loses none while the host comes in time, and marks the first sample after it came too late", () => {
    const rig = createTwinRig(adxl375, {}, saw);
    rig.run(5000);
    const before = rig.kept["shockX"]!.x.length;
    expect(rig.source.counters["overrun"]).toBe(0);
    rig.clock.advance(200);
    rig.run(1000);
    const { q, t } = rig.kept["shockX"]!;
    expect(rig.source.counters["overrun"]).toBe(1);
    expect(
      q
        .slice(before)
        .map((bits, i) => ((bits & QUALITY.overrun) !== 0 ? i : -1))
        .filter((i) => i >= 0),
    ).toEqual([0]);
    expect(t[before]! - t[before - 1]!).toBeGreaterThan(100);
    expect(t.every((at, i) => i === 0 || at > t[i - 1]!)).toBe(true);
  });

  it("has degraded when it overruns again and again, and says that it is the overrun", () => {
    const rig = createTwinRig(adxl375, {}, saw);
    rig.run(2000);
    for (let i = 0; i < 5; i++) {
      rig.clock.advance(200);
      rig.run(30);
    }
    rig.run(1100);
    expect(rig.source.state).toBe("degraded");
    expect(rig.states.at(-1)!.reason).toBe("overrun");
    rig.run(30_000);
    expect(rig.source.state).toBe("running");
  });
});

describe("a capture of a shock", () => {
  const options = { mode: "armed", thresholdG: 20, before: 8 };
  const shocks = [3000.4, 6017.9];
  /** 50 g for 4 ms at each of the instants. */
  const blows = (key: string, tMs: number) =>
    atRest(key, tMs) + (key === "shockX" && shocks.some((at) => tMs >= at && tMs < at + 4) ? 50 * G : 0);

  it("gives 8 samples from before and 24 after, each at its time, and is armed for the next one", () => {
    const rig = createTwinRig(adxl375, options, blows);
    rig.run(8000);
    const { t, x } = rig.kept["shockX"]!;
    expect(t.length).toBe(64);
    for (const [n, shock] of shocks.entries()) {
      const xs = x.slice(32 * n, 32 * n + 32);
      const ts = t.slice(32 * n, 32 * n + 32);
      const first = xs.findIndex((v) => v > 40 * G);
      expect(first).toBe(8);
      expect(Math.abs(ts[first]! - shock)).toBeLessThan(2.5);
      expect(ts[31]! - ts[0]!).toBeCloseTo(31 * 1.25, 6);
    }
    expect(rig.scans).toHaveLength(2);
    expect(rig.source.state).toBe("running");
  });

  it("gives nothing while nothing happens", () => {
    const rig = createTwinRig(adxl375, options, atRest);
    rig.run(5000);
    expect(rig.kept).toEqual({});
    expect(rig.source.state).toBe("running");
  });

  it("reads the interrupt source on a timer, so that an edge before arming does not disarm it for good", () => {
    const part = createScriptPart(0);
    part.answer("00", "e5");
    part.answer("39", "08");
    const rig = createRig(adxl375, options, () => part);
    rig.run(5000);
    expect(part.log.filter((line) => line === "30 1").length).toBeGreaterThanOrEqual(4);
  });
});

describe("conversions one at a time", () => {
  const volts = { a0: { volts: {} }, a1: { volts: {}, everyMs: 200 }, a2: { volts: {} } };
  const level = (key: string) => ({ a0: 0.5, a1: 1.5, a2: 2.5 })[key];

  it("never mix up the inputs, and keep to the period of each", () => {
    const rig = createTwinRig(ads1115, volts, level);
    rig.run(4000);
    for (const [key, n] of [
      ["a0", 80],
      ["a1", 20],
      ["a2", 80],
    ] as const) {
      const { x, q } = rig.kept[key]!;
      expect(Math.abs(x.length - n), key).toBeLessThanOrEqual(1);
      expect(
        x.every((v) => v === level(key)),
        key,
      ).toBe(true);
      expect(q.every((bits) => bits === 0)).toBe(true);
    }
  });

  it("wait for the result without holding up the loop: no step takes time, the next is due 2 ms later", () => {
    const rig = createTwinRig(ads1115, volts, level);
    rig.run(1000);
    rig.run(100, () => rig.source.dueMs - rig.clock.monoMs() < 2.5 && rig.source.dueMs > rig.clock.monoMs());
    const now = rig.clock.monoMs();
    expect(rig.source.dueMs - now).toBeGreaterThan(0);
    expect(rig.source.dueMs - now).toBeLessThanOrEqual(2);
  });

  it("let a true value through that looks like the command read back, after one hole", () => {
    const part = createScriptPart(0);
    // 0x43e3 is a possible conversion (2.1726 V), and it is also the command with its start bit masked.
    part.answer("00", "43 e3");
    const rig = createRig(ads1115, { a0: { volts: {} } }, () => part);
    rig.run(1000);
    const { x } = rig.kept["a0"]!;
    expect(rig.source.counters["echo"]).toBe(1);
    expect(x[0]).toBeNaN();
    expect(x.slice(1).every((v) => Math.abs(v - 0x43e3 * 125e-6) < 1e-9)).toBe(true);
  });

  it("refuses a supply input that is not measured", () => {
    const ratiometric = { supply: "a3", lo: 0, hi: 1, unit: "kPa" };
    expect(() => ads1115.plan({ a0: { ratiometric } })).toThrow(/a3 must be configured as volts/);
    expect(() => ads1115.plan({})).toThrow(/at least one input/);
  });
});

describe("the ladder of recovery", () => {
  const options = { shuntOhm: 0.015, maxA: 10 };
  const value = () => 1;

  it("asks a part that never answers after 1, 2, 4 … up to 60 s, and tells once that it is absent", () => {
    const rig = createTwinRig(ina228, options, value);
    rig.pull();
    const asked: number[] = [];
    const endMs = rig.clock.monoMs() + 400_000;
    let last = 0;
    while (rig.clock.monoMs() < endMs) {
      rig.run(500);
      if (rig.source.counters["noAck"]! > last) asked.push(Math.round(rig.clock.monoMs() / 1000));
      last = rig.source.counters["noAck"]!;
    }
    const waits = asked.slice(1).map((s, i) => s - asked[i]!);
    expect(waits.slice(0, 8).map((w) => Math.round(w))).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    expect(rig.states.map((s) => s.state)).toEqual(["absent"]);
  });

  it("gives up a part that does not keep what is written, and says so", () => {
    const part = createScriptPart(0);
    part.answer("3e", "54 49");
    part.answer("3f", "22 81");
    part.answer("02", "10 00");
    const rig = createRig(ina228, options, () => part);
    rig.run(2000);
    expect(rig.source.state).toBe("failed");
    expect(rig.states.at(-1)!.reason).toBe("device/readback");
    expect(rig.source.counters["readback"]).toBeGreaterThanOrEqual(3);
    expect(rig.kept).toEqual({});
  });

  it("marks the samples that a failing bus has cost, and never puts 0 in their place", () => {
    const rig = createTwinRig(ina228, options, value);
    rig.run(1000);
    rig.forget();
    rig.bus.faults.inject(rig.address, "io", 30);
    rig.run(3000);
    const { x, q } = rig.kept["voltage"]!;
    expect(x.some(Number.isNaN)).toBe(true);
    for (let i = 0; i < x.length; i++) expect(Number.isNaN(x[i]!) ? q[i]! & QUALITY.missing : x[i]!).toBeGreaterThan(0);
  });

  it("waits while the bus is busy with another part, and goes on without a new set-up", () => {
    const rig = createTwinRig(ina228, options, value);
    rig.run(1000);
    rig.bus.faults.inject(rig.address, "busy");
    rig.run(1500);
    expect(rig.source.state).toBe("running");
    rig.bus.faults.lift(rig.address);
    rig.forget();
    rig.run(1000);
    expect(rig.kept["voltage"]!.x.length).toBeGreaterThan(8);
    expect(rig.source.counters["reinits"]).toBe(0);
  });

  it("gives a bus up that stays busy", () => {
    const rig = createTwinRig(ina228, options, value);
    rig.run(1000);
    rig.bus.faults.inject(rig.address, "busy");
    rig.run(4000);
    expect(rig.source.state).toBe("failed");
    expect(rig.states.at(-1)!.reason).toBe("bus/busy");
    rig.bus.faults.lift(rig.address);
    rig.run(30_000);
    expect(rig.source.state).toBe("running");
  });

  it("sets a stuck part up anew once, and then only watches it", () => {
    const rig = createTwinRig(adxl375, {}, atRest);
    rig.run(2000);
    rig.twin.freeze();
    rig.run(20_000);
    expect(rig.source.counters["reinits"]).toBe(1);
    expect(rig.states.map((s) => [s.state, s.reason])).toEqual([
      ["running", "settled"],
      ["degraded", "device/stuck"],
    ]);
  });

  it("parks a part that falls over again and again, instead of setting it up for ever", () => {
    const rig = createTwinRig(adxl375, {}, atRest);
    rig.run(2000);
    for (let i = 0; i < 4; i++) {
      rig.bus.faults.inject(rig.address, "io", 3);
      rig.run(300);
    }
    expect(rig.source.state).toBe("failed");
    expect(rig.source.counters["reinits"]).toBe(3);
    rig.run(20_000);
    expect(rig.source.state).toBe("running");
  });
});
