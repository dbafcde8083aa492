import { describe, expect, it } from "vitest";
import { ABSENT, age, brief, byResolution, bytes, duration, fixed, fixWords, words } from "../../src/hq/page/format.ts";
import { advancePerTurnMm, bearingDeg, fitView, niceBelow, toMetres } from "../../src/hq/page/geometry.ts";
import type { TrackItem } from "../../src/hq/page/store.ts";
import { lastBearingDeg, workedWayM } from "../../src/hq/page/way.ts";

describe("figures on the page", () => {
  it("are a dash where there is no value, and never for a zero", () => {
    for (const absent of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(fixed(absent)).toBe(ABSENT);
      expect(brief(absent)).toBe(ABSENT);
      expect(byResolution(absent, 0.1)).toBe(ABSENT);
    }
    expect(fixed(0)).toBe("0");
    expect(brief(0)).toBe("0.000");
    expect(age(null)).toBe(ABSENT);
    expect(duration(undefined)).toBe(ABSENT);
    expect(bytes(null)).toBe(ABSENT);
  });

  it("have a real minus, thin spaces from five digits on, and no negative zero", () => {
    expect(fixed(-3.26, 1)).toBe("\u22123.3");
    expect(fixed(1234)).toBe("1234");
    expect(fixed(1234567)).toBe("1\u202f234\u202f567");
    expect(fixed(-0.01, 1)).toBe("0.0");
  });

  it("show as many decimals as the resolution is worth", () => {
    expect(byResolution(12.3456, 1)).toBe("12");
    expect(byResolution(12.3456, 0.5)).toBe("12.3");
    expect(byResolution(12.3456, 0.01)).toBe("12.35");
    expect(byResolution(12.3456, 1e-7)).toBe("12.3456");
  });

  it("speak of time and size as people do", () => {
    expect(age(2999)).toBe("now");
    expect(age(4200)).toBe("4 s ago");
    expect(duration(185)).toBe("3 min 05 s");
    expect(duration(7800)).toBe("2 h 10 min");
    expect([999, 1500, 43_000, 2_500_000, 84e9].map(bytes)).toEqual(["999 B", "1.5 kB", "43 kB", "2.5 MB", "84 GB"]);
  });

  it("name a fix as its receiver means it", () => {
    expect(fixWords(3, 4)).toBe("3D RTK fixed");
    expect(fixWords(2, 1)).toBe("2D GNSS");
    expect(fixWords(1, 0)).toBe("no fix");
    expect(fixWords(undefined, undefined)).toBe(ABSENT);
  });

  it("turn names into words", () => {
    expect(words("shock_over_limit")).toBe("Shock over limit");
    expect(words("fixQuality")).toBe("Fix quality");
    expect(words("gnss")).toBe("GNSS");
  });
});

describe("the plane of the field", () => {
  it("has a metre that is a metre, to the north and to the east", () => {
    const origin = { lat: 13, lon: 103 };
    expect(toMetres(origin, 13 + 1 / 111_320, 103).y).toBeCloseTo(1, 6);
    const east = toMetres(origin, 13, 103 + 1 / (111_320 * Math.cos((13 * Math.PI) / 180)));
    expect(east.x).toBeCloseTo(1, 6);
  });

  it("fits bounds into a canvas, never closer than the smallest span", () => {
    const wide = fitView({ minX: 0, maxX: 100, minY: 0, maxY: 10 }, 500, 300, 20, 50);
    expect(wide).toEqual({ scale: 4, centre: { x: 50, y: 5 } });
    expect(fitView({ minX: 5, maxX: 5, minY: 5, maxY: 5 }, 500, 300, 20, 50).scale).toBe(20);
  });

  it("has scale bars of 1, 2 or 5 times a power of ten", () => {
    expect([0.7, 1, 3, 9.9, 12, 49, 50, 730].map(niceBelow)).toEqual([0.5, 1, 2, 5, 10, 20, 50, 500]);
  });

  it("knows directions and how far the machine goes on a turn of the rotor", () => {
    const o = { x: 0, y: 0 };
    expect(
      [
        { x: 0, y: 1 },
        { x: 1, y: 0 },
        { x: 0, y: -1 },
        { x: -1, y: 0 },
      ].map((p) => bearingDeg(o, p)),
    ).toEqual([0, 90, 180, 270]);
    // 0.25 km/h at 200 rpm is 20.8 mm.
    expect(advancePerTurnMm(0.25 / 3.6, 200)).toBeCloseTo(20.83, 2);
    expect(advancePerTurnMm(0.1, 0)).toBeUndefined();
  });
});

describe("the way on the page", () => {
  const north = (m: number) => 13 + m / 111_320;

  it("counts only what the tool worked, and not across an interruption", () => {
    const track: TrackItem[] = [
      [north(0), 103, 0, 1],
      [north(1), 103, 1, 0],
      [north(3), 103, 2, 0],
      [north(50), 103, 1, 1],
      [north(51), 103, 1, 0],
      [north(60), 103, 0, 0],
    ];
    expect(workedWayM(track)).toBeCloseTo(3, 6);
  });

  it("tells where the machine last went, and nothing after an interruption", () => {
    expect(
      lastBearingDeg([
        [north(0), 103, 0, 1],
        [north(-1), 103, 0, 0],
      ]),
    ).toBeCloseTo(180, 6);
    expect(
      lastBearingDeg([
        [north(0), 103, 0, 1],
        [north(9), 103, 0, 1],
      ]),
    ).toBeUndefined();
  });
});
