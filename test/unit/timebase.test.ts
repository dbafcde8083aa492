import { describe, expect, it } from "vitest";
import { createTimebase } from "../../src/unit/timebase.ts";

const utc = Date.UTC(2026, 0, 15, 1, 2, 3);

describe("the timebase", () => {
  it("knows no time until it is told, and then resolves earlier instants of the same boot", () => {
    const time = createTimebase();
    expect(time.stamp(1000)).toEqual({ trust: "none" });
    expect(time.offer({ monoMs: 60_000, offsetMs: utc - 60_000, trust: "gnss", uncMs: 200 })).toBe(true);
    expect(time.stamp(60_000)).toEqual({ t: "2026-01-15T01:02:03.000Z", trust: "gnss", unc: 200 });
    expect(time.stamp(0)).toEqual({ t: "2026-01-15T01:01:03.000Z", trust: "gnss", unc: 203 });
  });

  it("does not let a weaker clock replace a stronger one while that is still sharper", () => {
    const time = createTimebase();
    time.offer({ monoMs: 0, offsetMs: utc, trust: "gnss", uncMs: 200 });
    expect(time.offer({ monoMs: 1000, offsetMs: utc + 5000, trust: "ntp", uncMs: 1000 })).toBe(false);
    expect(time.trust).toBe("gnss");
    // A day without a fix: 50 ppm make 4.3 s, and network time is better than that.
    expect(time.offer({ monoMs: 86_400_000, offsetMs: utc + 5000, trust: "ntp", uncMs: 1000 })).toBe(true);
    expect(time.trust).toBe("ntp");
  });

  it("tells a real move of the clock from one within its uncertainty", () => {
    const time = createTimebase();
    time.offer({ monoMs: 0, offsetMs: utc, trust: "gnss", uncMs: 200 });
    expect(time.offer({ monoMs: 1000, offsetMs: utc + 20, trust: "gnss", uncMs: 200 })).toBe(false);
    expect(time.offer({ monoMs: 2000, offsetMs: utc + 3600_000, trust: "gnss", uncMs: 200 })).toBe(true);
  });
});
