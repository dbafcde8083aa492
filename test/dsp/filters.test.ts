import { describe, expect, it } from "vitest";
import { type ChainSpec, createChain } from "../../src/dsp/chain.ts";
import type { Signal } from "../../src/dsp/signal.ts";
import { QUALITY } from "../../src/model/quality.ts";
import fc from "../properties.ts";
import { blockOf, runIn, type Sample } from "./samples.ts";

const signal: Signal = { unit: "m/s", rateHz: 100, range: [-1000, 1000], capacity: 64, ringMs: 60_000 };

function run(spec: ChainSpec, xs: readonly number[], q: readonly number[] = [], input: Signal = signal): Sample[] {
  return runIn(createChain([spec], input), blockOf(xs, 0, 10, q), [64]);
}
const values = (out: Sample[]) => out.map((s) => s.x);
// Without −0, which no sensor sends and which sorts like 0.
const finite = fc.double({ min: -1000, max: 1000, noNaN: true }).map((x) => x + 0);
const some = fc.array(finite, { minLength: 1, maxLength: 100 });

describe("calibration", () => {
  it("calibrate_linear fits the best straight line, or goes exactly through its points and on beyond them", () => {
    const datapoints = ["4 -> 0", "12 -> 50", "20 -> 100"];
    const fit = values(run({ calibrate_linear: { datapoints } }, [4, 8, 20, 24]));
    [0, 25, 100, 125].forEach((want, i) => {
      expect(fit[i]).toBeCloseTo(want, 9);
    });
    const exact = { datapoints: ["0 -> 0", "10 -> 5", "20 -> 50"], method: "exact" };
    expect(values(run({ calibrate_linear: exact }, [-2, 5, 10, 15, 30]))).toEqual([-1, 2.5, 5, 27.5, 95]);
  });

  it("calibrate_linear refuses points that do not rise, or do not differ", () => {
    for (const calibrate_linear of [
      { datapoints: ["5 -> 0", "1 -> 1"], method: "exact" },
      { datapoints: ["5 -> 0", "5 -> 1"] },
      { datapoints: ["5 -> 0"] },
      { datapoints: ["5 - 0", "6 -> 1"] },
    ]) {
      expect(() => run({ calibrate_linear }, [1])).toThrow(/datapoints/);
    }
  });

  it("calibrate_polynomial goes through as many points as it has coefficients", () => {
    const calibrate_polynomial = { degree: 3, datapoints: ["0 -> 1", "1 -> 3", "2 -> -4", "7 -> 20"] };
    const out = values(run({ calibrate_polynomial }, [0, 1, 2, 7]));
    [1, 3, -4, 20].forEach((want, i) => {
      expect(out[i]).toBeCloseTo(want, 8);
    });
  });

  it("to_ntc_temperature and to_ntc_resistance undo each other", () => {
    const points = [
      { ohm: 32_650, cel: 0 },
      { ohm: 10_000, cel: 25 },
      { ohm: 1_752, cel: 75 },
    ];
    const ohms = [50_000, 32_650, 10_000, 1_752, 500];
    const cel = values(run({ to_ntc_temperature: { calibration: { points } } }, ohms, [], { ...signal, unit: "Ohm" }));
    [0, 25, 75].forEach((want, i) => {
      expect(cel[i + 1]).toBeCloseTo(want, 6);
    });
    const back = values(run({ to_ntc_resistance: { calibration: { points } } }, cel, [], { ...signal, unit: "Cel" }));
    ohms.forEach((ohm, i) => {
      expect(back[i]! / ohm).toBeCloseTo(1, 6);
    });
    expect(() => run({ to_ntc_temperature: { calibration: { points } } }, [1])).toThrow(/Ohm/);
  });
});

describe("bounds and rounding", () => {
  it("clamp holds values and says so, or takes those outside away", () => {
    const held = run({ clamp: { min: -1, max: 2 } }, [-5, 0, 9]);
    expect(held.map((s) => [s.x, s.q])).toEqual([
      [-1, QUALITY.clipped],
      [0, 0],
      [2, QUALITY.clipped],
    ]);
    const out = run({ clamp: { max: 2, ignoreOutOfRange: true } }, [0, 9]);
    expect(out[1]).toMatchObject({ x: Number.NaN, q: QUALITY.missing | QUALITY.range });
  });

  it("filter_out compares after rounding", () => {
    expect(values(run({ filter_out: { values: [85, -127], decimals: 1 } }, [85.04, 85.06, -127, 20]))).toEqual([
      Number.NaN,
      85.06,
      Number.NaN,
      20,
    ]);
  });

  it("rounds to decimals, multiples and digits", () => {
    expect(values(run({ round: 1 }, [1.25, -1.25, 1.24, 1]))).toEqual([1.3, -1.3, 1.2, 1]);
    expect(values(run({ round: -2 }, [149, 151]))).toEqual([100, 200]);
    expect(values(run({ round_to_multiple_of: 0.25 }, [0.3, 0.4]))).toEqual([0.25, 0.5]);
    expect(values(run({ round_to_significant_digits: 2 }, [0.01234, 987, 0, -4.56]))).toEqual([0.012, 990, 0, -4.6]);
  });

  it("plausible marks range, then rate, then stuck, and changes no value", () => {
    const xs = [1, 500, 2, 90, 3, 4, 4, 4, 4, 4];
    const out = run({ plausible: { min: 0, max: 100, maxRatePerS: 200, stuckMs: 30 } }, xs);
    expect(values(out)).toEqual(xs);
    const s = QUALITY.suspect;
    expect(out.map((o) => o.q)).toEqual([
      0,
      s | QUALITY.range,
      0,
      s | QUALITY.rate,
      0,
      0,
      0,
      0,
      s | QUALITY.stuck,
      s | QUALITY.stuck,
    ]);
  });

  it("plausible believes a new level after three samples of it: a step is not a spike", () => {
    const out = run({ plausible: { maxRatePerS: 100 } }, [0, 0, 50, 50, 50, 50, 50]);
    expect(out.map((o) => o.q & QUALITY.suspect)).toEqual([0, 0, 4, 4, 4, 0, 0]);
  });
});

describe("windows that slide", () => {
  const plain: Record<string, (w: number[]) => number> = {
    min: (w) => Math.min(...w),
    max: (w) => Math.max(...w),
    sliding_window_moving_average: (w) => w.reduce((a, b) => a + b, 0) / w.length,
  };
  it.each(Object.keys(plain))("%s is what a plain loop over the window gives, in samples and in time", (name) => {
    fc.assert(
      fc.property(some, fc.integer({ min: 1, max: 20 }), (xs, window) => {
        for (const params of [{ window }, { windowMs: window * 10 }]) {
          const out = values(run({ [name]: params }, xs));
          xs.forEach((_, i) => {
            expect(out[i]).toBeCloseTo(plain[name]!(xs.slice(Math.max(0, i - window + 1), i + 1)), 9);
          });
        }
      }),
      { numRuns: 40 },
    );
  });

  it("a moving average leaves out what is marked and keeps its place in time", () => {
    const sample = fc.record({ x: fc.integer({ min: -50, max: 50 }), q: fc.constantFrom(0, 0, 0, 4, 8) });
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (all, window) => {
        const out = run(
          { sliding_window_moving_average: window },
          all.map((s) => s.x),
          all.map((s) => s.q),
        );
        all.forEach(({ x, q }, i) => {
          const good = all.slice(Math.max(0, i - window + 1), i + 1).filter((s) => s.q === 0);
          const mean = good.length === 0 ? x : good.reduce((a, s) => a + s.x, 0) / good.length;
          if (q === QUALITY.missing) expect(out[i]!.x).toBeNaN();
          else expect(out[i]!.x).toBeCloseTo(mean, 9);
        });
      }),
    );
  });

  it("a moving average forgets a huge value to the last bit once it has left the window", () => {
    const xs = Array.from({ length: 200 }, (_, i) => (i === 17 ? 1e17 / 3 : i % 3));
    const out = values(run({ sliding_window_moving_average: 6 }, xs));
    expect(out.slice(23).every((v) => v === 1)).toBe(true);
    let running = 0;
    const naive = xs.map((v, i) => {
      running += v - (i >= 6 ? xs[i - 6]! : 0);
      return running / 6;
    });
    expect(naive.slice(23).every((v) => v === 1)).toBe(false);
  });

  it("quantile takes the value at the rank that ESPHome takes", () => {
    fc.assert(
      fc.property(some, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 10 }), (xs, window, tenths) => {
        const out = values(run({ quantile: { window, quantile: tenths / 10 } }, xs));
        xs.forEach((_, i) => {
          const sorted = xs.slice(Math.max(0, i - window + 1), i + 1).toSorted((a, b) => a - b);
          // In whole tenths, so that the reference has no rounding of its own.
          expect(out[i]).toBe(sorted[Math.ceil((sorted.length * tenths) / 10) - 1]);
        });
      }),
      { numRuns: 40 },
    );
  });

  it("reports in the rhythm that was asked for", () => {
    const out = run({ max: { window: 3, sendEvery: 3, sendFirstAt: 2 } }, [1, 2, 3, 4, 5, 6, 7, 8]);
    expect(out.map((s) => [s.t, s.x])).toEqual([
      [10, 2],
      [40, 5],
      [70, 8],
    ]);
    expect(() => run({ max: { sendEvery: 2, sendFirstAt: 3 } }, [1])).toThrow(/sendFirstAt/);
  });

  it("hampel replaces a spike by the median and says what it did, or only marks it", () => {
    const xs = [1, 2, 1, 2, 90, 1, 2];
    const replaced = run({ hampel: { window: 5 } }, xs);
    expect(replaced[4]).toMatchObject({ x: 2, q: QUALITY.rate });
    expect(run({ hampel: { window: 5, action: "mark" } }, xs)[4]).toMatchObject({
      x: 90,
      q: QUALITY.rate | QUALITY.suspect,
    });
  });

  it("hampel finds what the definition finds", () => {
    const middle = (v: number[]) => {
      const s = v.toSorted((a, b) => a - b);
      return s.length % 2 === 1 ? s[s.length >> 1]! : (s[s.length / 2 - 1]! + s[s.length / 2]!) / 2;
    };
    fc.assert(
      fc.property(some, fc.integer({ min: 3, max: 12 }), (xs, window) => {
        const out = run({ hampel: { window, threshold: 2 } }, xs);
        xs.forEach((v, i) => {
          const w = xs.slice(Math.max(0, i - window + 1), i + 1);
          const m = middle(w);
          const mad = middle(w.map((o) => Math.abs(o - m)));
          const outlier = w.length >= 3 && Math.abs(v - m) > 2 * 1.4826 * mad * (1 + 1e-12);
          if (Math.abs(Math.abs(v - m) - 2 * 1.4826 * mad) > 1e-6) expect(out[i]!.x).toBe(outlier ? m : v);
        });
      }),
      { numRuns: 60 },
    );
  });
});

describe("recursive filters", () => {
  it("exponential reaches 63 % of a step after its time constant, whatever the rate", () => {
    for (const rateHz of [50, 100, 1000]) {
      const n = Math.round(0.2 * rateHz);
      const block = blockOf([0, ...new Array(n).fill(1)], 0, 1000 / rateHz);
      const out = runIn(createChain([{ exponential: 200 }], { ...signal, rateHz }), block, [64]);
      expect(out.at(-1)!.x).toBeCloseTo(1 - Math.exp(-1), 9);
    }
  });

  it("exponential_moving_average follows its recursion and passes marked samples untouched", () => {
    const out = run({ exponential_moving_average: { alpha: 0.5 } }, [4, 8, 99, 8], [0, 0, QUALITY.suspect, 0]);
    expect(values(out)).toEqual([4, 6, 99, 7]);
  });

  it("slew_limit rises slowly and falls at once", () => {
    expect(values(run({ slew_limit: { risePerS: 100 } }, [0, 5, 5, -3, -2.5]))).toEqual([0, 1, 2, -3, -2.5]);
  });

  it("savitzky_golay gives value and slope of a parabola exactly, at the middle of its window", () => {
    const f = (i: number) => 3 + 2 * i - 0.5 * i * i;
    const xs = Array.from({ length: 30 }, (_, i) => f(i));
    const smooth = run({ savitzky_golay: { window: 7, degree: 2 } }, xs);
    const slope = run({ savitzky_golay: { window: 7, degree: 2, derivative: 1 } }, xs);
    expect(smooth).toHaveLength(24);
    smooth.forEach((s, i) => {
      expect(s.t).toBe((i + 3) * 10);
      expect(s.x).toBeCloseTo(f(i + 3), 8);
      expect(slope[i]!.x).toBeCloseTo((2 - (i + 3)) * 100, 6);
    });
    expect(createChain([{ savitzky_golay: { window: 7, derivative: 1 } }], signal).output.unit).toBe("m/s2");
    expect(() => run({ savitzky_golay: { window: 7, derivative: 1 } }, [1], [], { ...signal, unit: "kPa" })).toThrow(
      /kPa/,
    );
  });
});
