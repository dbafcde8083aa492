import { describe, expect, it } from "vitest";
import { QUALITY } from "../../src/model/quality.ts";
import { judgeReading } from "../../src/work/reading.ts";

const RULES = { unit: "m", driftMax: 0.005, scatterMax: 0.01, samplesMin: 20 };

/** Samples 100 ms apart. */
function samples(n: number, x: (i: number) => number, q: (i: number) => number = () => 0) {
  const each = Array.from({ length: n }, (_, i) => i);
  return { t: each.map((i) => i * 100), x: each.map(x), q: each.map(q) };
}

describe("a reading", () => {
  it("is the mean and the standard deviation of what came", () => {
    const found = judgeReading(
      samples(40, (i) => 1 + (i % 2 === 0 ? 0.002 : -0.002)),
      RULES,
    );
    expect(found).toEqual({ mean: expect.closeTo(1, 9), scatter: expect.closeTo(0.002, 9), n: 40 });
  });

  it("is refused when nothing came, or too little", () => {
    expect(
      judgeReading(
        samples(0, () => 1),
        RULES,
      ),
    ).toMatch(/nothing came/);
    expect(
      judgeReading(
        samples(19, () => 1),
        RULES,
      ),
    ).toMatch(/too few samples: 19, expected at least 20/);
  });

  it("is refused when the thing moved slowly, or shook", () => {
    expect(
      judgeReading(
        samples(40, (i) => 1 + i * 0.0003),
        RULES,
      ),
    ).toMatch(/not still: the value went 0\.00[78]\d* m/);
    expect(
      judgeReading(
        samples(40, (i) => 1 + (i % 2) * 0.04),
        RULES,
      ),
    ).toMatch(/not still: the value scatters by 0\.02 m/);
  });

  it("is refused when more than a twentieth of the samples are bad, naming the marks; fewer are left out", () => {
    const bad = (share: number) =>
      samples(
        100,
        (i) => (i % Math.round(1 / share) === 0 ? 9 : 1),
        (i) => (i % Math.round(1 / share) === 0 ? QUALITY.clipped : 0),
      );
    expect(judgeReading(bad(0.1), RULES)).toMatch(/bad quality: only 90 of 100 samples are good \(clipped\)/);
    expect(judgeReading(bad(0.04), RULES)).toEqual({ mean: 1, scatter: 0, n: 96 });
    expect(
      judgeReading(
        samples(40, () => Number.NaN),
        RULES,
      ),
    ).toMatch(/bad quality.*no value/);
  });

  it("of a simulator is a reading too", () => {
    const found = judgeReading(
      samples(
        40,
        () => 1,
        () => QUALITY.simulated,
      ),
      RULES,
    );
    expect(found).toMatchObject({ n: 40 });
  });
});
