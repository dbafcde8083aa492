import { describe, expect, it } from "vitest";
import { hash01, wander, white } from "../../src/sim/noise.ts";
import { createTillingScene } from "../../src/sim/scene.ts";

const OPTIONS = { seed: 7, toolWidthM: 2, targetDepthM: 0.2, rotorRpm: 200, workSpeedMps: 0.139 };

describe("the noise", () => {
  it("has a mean near 0 and a deviation near 1, and is the same for the same seed only", () => {
    const xs = Array.from({ length: 20_000 }, (_, i) => white(1, 2, i));
    const mean = xs.reduce((a, b) => a + b, 0) / xs.length;
    const sd = Math.sqrt(xs.reduce((a, b) => a + (b - mean) ** 2, 0) / xs.length);
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(sd).toBeGreaterThan(0.95);
    expect(sd).toBeLessThan(1.05);
    expect(hash01(1, 2, 3)).toBe(hash01(1, 2, 3));
    expect(hash01(1, 2, 3)).not.toBe(hash01(2, 2, 3));
    expect(Math.abs(wander(1, 2, 10, 5) - wander(1, 2, 10.01, 5))).toBeLessThan(0.05);
  });
});

describe("the tilling scene", () => {
  const scene = createTillingScene(OPTIONS);

  it("moves without jumps: no step of 0.1 s is longer than the machine can drive", () => {
    let before = scene.state(0);
    for (let t = 0.1; t < 3 * scene.laneS; t += 0.1) {
      const now = scene.state(t);
      expect(Math.hypot(now.east - before.east, now.north - before.north), `at ${t} s`).toBeLessThan(0.12);
      before = now;
    }
  });

  it("tills in the ground at target depth and rotor speed, and turns with the tool raised", () => {
    const working = scene.state(60);
    expect(working.phase).toBe("working");
    expect(working.toolDepthM).toBeCloseTo(0.2, 1);
    expect(working.rotorRpm).toBeGreaterThan(120);
    for (let t = 0; t < 2 * scene.laneS; t += 0.5) {
      const s = scene.state(t);
      if (s.phase === "turning" || s.phase === "shifting") expect(s.toolDepthM).toBeLessThan(0);
    }
  });

  it("covers new ground lane by lane, next to the one before", () => {
    const first = scene.state(60).east;
    const second = scene.state(60 + scene.laneS).east;
    expect(second - first).toBeGreaterThan(1.5);
    expect(second - first).toBeLessThan(2);
  });

  it("has detonations now and then, each a peak far above rock strikes, the same for the same seed", () => {
    const blows = scene.detonations(0, 3600);
    expect(blows.length).toBeGreaterThan(4);
    expect(blows.length).toBeLessThan(40);
    expect(createTillingScene(OPTIONS).detonations(0, 3600)).toEqual(blows);
    const blow = blows[0]!;
    let peak = 0;
    for (let t = blow.atS; t < blow.atS + 0.01; t += 1 / 3200) peak = Math.max(peak, scene.shock(2, t));
    expect(peak).toBeGreaterThan(1200);
    expect(scene.state(blow.atS + 0.2).rotorRpm).toBeLessThan(160);
  });
});
