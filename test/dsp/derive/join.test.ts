import { describe, expect, it } from "vitest";
import { QUALITY } from "../../../src/model/quality.ts";
import fc from "../../properties.ts";
import { blockOf, part } from "../samples.ts";
import { derivedRig, input } from "./rig.ts";

const wide = [-1e6, 1e6] as const;
const pair = [input("a", "rpm", wide, 50), input("b", "rpm", wide, 20)];
const rig = (maxAgeMs = 500) => derivedRig("difference", { a: "a", b: "b" }, pair, maxAgeMs);

describe("channels brought together in event time", () => {
  it("are compared at the instants of the first, whatever their rates and phases", () => {
    const r = rig();
    // Two ramps that are the same line: the difference is 0 at every instant, not only where samples meet.
    r.feed(
      1,
      blockOf(
        Array.from({ length: 40 }, (_, i) => 2 * (7 + 50 * i)),
        7,
        50,
      ),
    );
    r.feed(
      0,
      blockOf(
        Array.from({ length: 90 }, (_, i) => 2 * (20 * i + 10)),
        10,
        20,
      ),
    );
    expect(r.out).toHaveLength(90);
    for (const { x, q } of r.out) {
      expect(q).toBe(0);
      expect(x).toBeCloseTo(0, 9);
    }
  });

  it("give the same however they are cut and whichever comes first, while none is later than 100 ms", () => {
    const a = blockOf(
      Array.from({ length: 200 }, (_, i) => Math.sin(i / 9)),
      0,
      20,
    );
    const b = blockOf(
      Array.from({ length: 82 }, (_, i) => Math.cos(i / 5)),
      -13,
      50,
    );
    const whole = rig();
    whole.feed(1, b);
    whole.feed(0, a);
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 1, maxLength: 20 }),
        fc.nat(9),
        (sizes, lagMs) => {
          const r = rig();
          let [atA, atB] = [0, 0];
          for (let k = 0; atA < a.n || atB < b.n; k++) {
            const end = Math.min(a.n, atA + sizes[k % sizes.length]!);
            if (atA < a.n) r.feed(0, part(a, atA, end));
            atA = end;
            const now = atA === a.n ? Number.POSITIVE_INFINITY : a.t[atA - 1]! - lagMs;
            let endB = atB;
            while (endB < b.n && b.t[endB]! <= now) endB++;
            if (endB > atB) r.feed(1, part(b, atB, endB));
            atB = endB;
            if (atA === a.n && atB === b.n) break;
          }
          expect(r.out).toEqual(whole.out);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("are marked stale where the other is too old, and missing when it is gone", () => {
    const r = rig(100);
    r.feed(1, blockOf([5], 0));
    r.feed(
      0,
      blockOf(
        Array.from({ length: 200 }, () => 7),
        0,
        20,
      ),
    );
    r.settle(1e9);
    const at = (ms: number) => r.out.find((o) => o.t === ms)!;
    expect(at(0)).toMatchObject({ x: 2, q: 0 });
    expect(at(100)).toMatchObject({ x: 2, q: 0 });
    expect(at(120)).toMatchObject({ x: 2, q: QUALITY.stale });
    expect(at(1020)).toEqual({ t: 1020, x: Number.NaN, q: QUALITY.stale | QUALITY.missing });
  });

  it("bear the marks of both", () => {
    const r = rig();
    r.feed(1, blockOf([1, 1, 1, 1], 0, 20, [0, QUALITY.clipped, QUALITY.missing, 0]));
    r.feed(0, blockOf([3, 3, 3, 3], 0, 20, [0, 0, 0, QUALITY.suspect | QUALITY.rate]));
    expect(r.out.map((o) => o.q)).toEqual([0, QUALITY.clipped, QUALITY.missing, QUALITY.suspect | QUALITY.rate]);
    expect(r.out[2]!.x).toBeNaN();
  });

  it("wait for one that is late no longer than until their row is closed", () => {
    const r = rig();
    r.feed(1, blockOf([1], 0));
    r.feed(0, blockOf([3, 4, 5], 0, 20));
    expect(r.out).toHaveLength(1);
    r.settle(40);
    expect(r.out.map((o) => o.x)).toEqual([2, 3]);
  });

  it("hold what comes only on change, with no line drawn between", () => {
    const held = { ...input("b", "rpm", wide), holdMs: 10_000 };
    const r = derivedRig("difference", { a: "a", b: "b" }, [pair[0]!, held], 10_000);
    r.feed(1, blockOf([0, 100], 0, 1000));
    r.feed(
      0,
      blockOf(
        Array.from({ length: 60 }, () => 0),
        0,
        20,
      ),
    );
    expect(r.out.find((o) => o.t === 980)!.x).toBeCloseTo(0, 9);
    expect(r.out.find((o) => o.t === 1000)!.x).toBe(-100);
  });
});
