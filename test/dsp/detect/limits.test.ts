import { describe, expect, it } from "vitest";
import { createLimitDetector, type LimitChange, type LimitSpec } from "../../../src/dsp/detect/limits.ts";
import { QUALITY } from "../../../src/model/quality.ts";
import fc from "../../properties.ts";
import { blockOf, part } from "../samples.ts";

const spec: LimitSpec = { side: "over", at: 230, releaseAt: 220, afterMs: 200, releaseAfterMs: 100 };

function changesOf(of: LimitSpec, values: readonly number[], q: readonly number[] = [], cut = 7): LimitChange[] {
  const out: LimitChange[] = [];
  const detector = createLimitDetector(of, (change) => out.push({ ...change }));
  const block = blockOf(values, 1000, 50, q);
  for (let from = 0; from < block.n; from += cut) detector.process(part(block, from, Math.min(block.n, from + cut)));
  return out;
}

describe("a limit", () => {
  it("is reached once it has lasted, and left once it is good again, in the time of the samples", () => {
    //                      1000 1050 1100 1150 1200 1250 1300 1350 1400 1450 1500 1550
    const values = [200, 231, 240, 235, 233, 232, 225, 219, 221, 219, 218, 217];
    expect(changesOf(spec, values)).toEqual([
      { on: true, tMs: 1250, sinceMs: 1050, value: 232, worst: 240 },
      { on: false, tMs: 1550, sinceMs: 1050, value: 217, worst: 240 },
    ]);
  });

  it("is not reached by less than its delay, nor left between its two values", () => {
    expect(changesOf(spec, [240, 240, 240, 229, 240, 240, 240, 229])).toEqual([]);
    const held = changesOf({ ...spec, afterMs: 0 }, [231, 225, 221, 229, 221, 225]);
    expect(held.map((c) => c.on)).toEqual([true]);
  });

  it("works the other way round for too little", () => {
    const under: LimitSpec = { side: "under", at: 22, releaseAt: 23, afterMs: 0, releaseAfterMs: 0 };
    expect(changesOf(under, [24, 21.5, 20.5, 22.5, 23.5])).toEqual([
      { on: true, tMs: 1050, sinceMs: 1050, value: 21.5, worst: 21.5 },
      { on: false, tMs: 1200, sinceMs: 1050, value: 23.5, worst: 20.5 },
    ]);
  });

  it("neither begins, ends nor is interrupted by a sample that is suspect or missing", () => {
    const { suspect, missing } = QUALITY;
    const values = [500, 231, 0, 231, 231, 231, Number.NaN, 231];
    const q = [suspect, 0, suspect, 0, 0, 0, missing, 0];
    expect(changesOf(spec, values, q)).toEqual([{ on: true, tMs: 1250, sinceMs: 1050, value: 231, worst: 231 }]);
  });

  it("says the same however the samples are cut into blocks", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 200, max: 250, noNaN: true }), { maxLength: 80 }),
        fc.integer({ min: 1, max: 80 }),
        (values, cut) => {
          expect(changesOf(spec, values, [], cut)).toEqual(changesOf(spec, values, [], 1));
        },
      ),
    );
  });
});
