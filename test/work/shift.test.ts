import { describe, expect, it } from "vitest";
import { createShift, type WorkSample, workOf } from "../../src/work/shift.ts";
import fc from "../properties.ts";

const RULES = { toolWidthM: 2, targetDepthM: 0.2, rotorRpm: 200 };
const at = (monoMs: number, more: Partial<WorkSample> = {}): WorkSample => ({
  monoMs,
  rotorRpm: 200,
  depthM: 0.2,
  speedMps: 0.14,
  ...more,
});

describe("whether the tool works", () => {
  it.each([
    ["working with the rotor turning in the ground", {}, "working"],
    ["idle with the rotor at rest", { rotorRpm: 0 }, "idle"],
    ["idle with the rotor at rest, whatever the depth says", { rotorRpm: 0, depthM: undefined }, "idle"],
    ["idle with the tool in the air", { depthM: -0.3 }, "idle"],
    ["idle with the tool in the air, whatever the rotor says", { depthM: -0.3, rotorRpm: undefined }, "idle"],
    ["unknown without the rotor's speed", { rotorRpm: undefined }, "unknown"],
    ["unknown without the depth", { depthM: undefined }, "unknown"],
  ] as const)("is %s", (_words, more, work) => {
    expect(workOf(at(0, more), RULES)).toBe(work);
  });
});

describe("the sum of a shift", () => {
  it("is way × width for the ground, with what was at depth", () => {
    const shift = createShift(RULES);
    for (let s = 0; s <= 100; s++) shift.add(at(s * 1000, { depthM: s <= 50 ? 0.25 : 0.15 }));
    const sum = shift.summary();
    expect(sum.workingS).toBe(100);
    expect(sum.wayM).toBeCloseTo(14, 9);
    expect(sum.processedM2).toBeCloseTo(28, 9);
    expect(sum.meanDepthM).toBeCloseTo(0.2, 9);
    expect(sum.atDepth).toBeCloseTo(0.5, 9);
  });

  it("tells nothing it cannot know", () => {
    const shift = createShift({});
    expect(shift.summary()).toEqual({ workingS: 0, idleS: 0, unknownS: 0, wayM: 0 });
    shift.add(at(0));
    shift.add(at(1000));
    expect(shift.summary()).not.toHaveProperty("processedM2");
    expect(shift.summary()).not.toHaveProperty("atDepth");
  });

  it("calls the time of a hole unknown", () => {
    const shift = createShift(RULES);
    shift.add(at(0));
    shift.add(at(60_000));
    expect(shift.summary()).toMatchObject({ workingS: 3, unknownS: 57 });
  });

  it("accounts for every second, whatever comes", () => {
    const sample = fc.record({
      stepMs: fc.integer({ min: -500, max: 10_000 }),
      rotorRpm: fc.option(fc.double({ min: 0, max: 400, noNaN: true }), { nil: undefined }),
      depthM: fc.option(fc.double({ min: -0.5, max: 0.6, noNaN: true }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1 }), (samples) => {
        const shift = createShift(RULES);
        let mono = 1e6;
        let newest = Number.NEGATIVE_INFINITY;
        for (const { stepMs, ...rest } of samples) {
          mono += stepMs;
          newest = Math.max(newest, mono);
          shift.add(at(mono, rest));
        }
        const { workingS, idleS, unknownS } = shift.summary();
        const first = 1e6 + samples[0]!.stepMs;
        expect(workingS + idleS + unknownS).toBeCloseTo((newest - first) / 1000, 6);
      }),
    );
  });
});
