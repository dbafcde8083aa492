import { describe, expect, it } from "vitest";
import { fitDepth, levelTilt, rotorAgainst, wholePulses } from "../../src/work/calibration.ts";

const point = (readM: number, trueM: number) => ({ readM, trueM, scatterM: 0.001 });

describe("the line of a depth", () => {
  it("meets two heights exactly, and says that nothing is known of straightness", () => {
    const fit = fitDepth([point(1, 0), point(1.3, -0.3)]);
    if (typeof fit === "string") throw new Error(fit);
    expect(fit.scale).toBeCloseTo(-1, 9);
    expect(fit.offset).toBeCloseTo(1, 9);
    expect(fit).not.toHaveProperty("residualM");
    expect(fit).not.toHaveProperty("repeatabilityM");
    expect(fit.uncertaintyM).toBeCloseTo(Math.hypot(0.005, 0.001), 9);
  });

  it("says how far a bent sender is off the line, and how well it repeats", () => {
    const fit = fitDepth([point(0, 0), point(0.1, 0.12), point(0.2, 0.2), point(0.004, 0)]);
    if (typeof fit === "string") throw new Error(fit);
    expect(fit.residualM).toBeGreaterThan(0.008);
    expect(fit.repeatabilityM).toBeCloseTo(0.004 * fit.scale, 9);
    expect(fit.uncertaintyM).toBeGreaterThan(0.01);
  });

  it("is refused for one height, heights close together, and a sender that hardly moves or moves much too far", () => {
    expect(fitDepth([])).toMatch(/two different heights/);
    expect(fitDepth([point(0, 0), point(0.1, 0)])).toMatch(/two different heights/);
    expect(fitDepth([point(0, 0), point(0.09, 0.09)])).toMatch(/90 mm apart, expected at least 100 mm/);
    expect(fitDepth([point(0, 0), point(0.01, 0.3)])).toMatch(/another sender/);
    expect(fitDepth([point(0, 0), point(1.6, 0.3)])).toMatch(/another sender/);
    // It went there and came half back: no line says that.
    expect(fitDepth([point(0, 0), point(0.3, 0.15), point(0.01, 0.3)])).toMatch(/another sender/);
  });
});

describe("the tilt of a machine that turned round", () => {
  it("parts into the mounting, which stays, and the slope, which changes its sign", () => {
    expect(levelTilt(3.5, -0.5)).toEqual({ offsetDeg: 1.5, slopeDeg: 2 });
  });
});

describe("pulses in one turn", () => {
  it("are the whole number that the tachometer tells", () => {
    expect(wholePulses(1, 806, { value: 201, share: 0.01 })).toMatchObject({ pulses: 4 });
  });

  it("are refused when the tachometer cannot tell, when they are not whole, and when there is less than one", () => {
    expect(wholePulses(60, 200, { value: 200, share: 0.01 })).toMatch(/cannot tell 60 from 61/);
    expect(wholePulses(1, 700, { value: 200, share: 0.005 })).toMatch(/expected a whole number/);
    expect(wholePulses(1, 20, { value: 200, share: 0.01 })).toMatch(/pulses are missing/);
  });
});

describe("a rotor read beside a tachometer", () => {
  const reading = (mean: number) => ({ mean, scatter: 0 });
  it("that counts no pulses gets a factor", () => {
    const found = rotorAgainst({ reading: reading(200), rpm: 196, share: 0.01, configured: undefined });
    expect(found).toEqual({ scale: expect.closeTo(0.98, 9), uncertainty: 0.01 });
  });

  it("keeps its pulses where the tachometer agrees, and gets other ones only where they can be told apart", () => {
    expect(rotorAgainst({ reading: reading(201), rpm: 200, share: 0.01, configured: 60 })).toMatchObject({
      pulses: 60,
    });
    expect(rotorAgainst({ reading: reading(804), rpm: 200, share: 0.01, configured: 1 })).toMatchObject({ pulses: 4 });
    expect(rotorAgainst({ reading: reading(190), rpm: 200, share: 0.01, configured: 60 })).toMatch(/cannot tell 57/);
  });

  it("is refused when it stands still or is another shaft", () => {
    for (const rpm of [0, -5, 1e6])
      expect(rotorAgainst({ reading: reading(rpm), rpm: 200, share: 0.01, configured: undefined })).toMatch(
        /another shaft/,
      );
  });
});
