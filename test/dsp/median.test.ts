import { describe, expect, it } from "vitest";
import { createChain } from "../../src/dsp/chain.ts";
import type { Signal } from "../../src/dsp/signal.ts";
import { QUALITY, UNUSABLE } from "../../src/model/quality.ts";
import fc from "../properties.ts";
import { blockOf, runIn } from "./samples.ts";

const signal: Signal = { unit: "V", rateHz: 100, range: [-10, 10], capacity: 50 };

function plainMedian(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const mid = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[mid]! : (sorted[mid - 1]! + sorted[mid]!) / 2;
}

const noisy = fc.array(
  fc.record({
    // Few different values, so that equal ones meet often.
    x: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true, noDefaultInfinity: true })),
    q: fc.oneof({ weight: 12, arbitrary: fc.constant(0) }, fc.constantFrom(QUALITY.suspect, QUALITY.missing)),
  }),
  { minLength: 1, maxLength: 150 },
);

describe("median", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 9, 25])("of %i is the median of the usable samples in the window", (window) => {
    fc.assert(
      fc.property(noisy, fc.integer({ min: 1, max: 50 }), (all, size) => {
        const block = blockOf(
          all.map((s) => s.x),
          0,
          10,
          all.map((s) => s.q),
        );
        const out = runIn(createChain([{ median: { window } }], signal), block, [size]);
        all.forEach((s, i) => {
          const usable = all.slice(Math.max(0, i - window + 1), i + 1).filter((o) => (o.q & UNUSABLE) === 0);
          const want = usable.length === 0 ? s.x : plainMedian(usable.map((o) => o.x));
          // 0 and -0 are the same reading.
          expect(out[i]!.x + 0).toBe((s.q & QUALITY.missing) !== 0 ? Number.NaN : want + 0);
          expect(out[i]!.q & ~QUALITY.warmup).toBe(s.q);
          expect((out[i]!.q & QUALITY.warmup) !== 0).toBe(i < window - 1);
        });
      }),
    );
  });
});
