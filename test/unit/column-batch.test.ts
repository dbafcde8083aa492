import { describe, expect, it } from "vitest";
import { stepOf } from "../../src/codec/compact-column.ts";
import { createColumnBatch, wireValue } from "../../src/unit/column-batch.ts";
import fc from "../properties.ts";

const row = (monoMs: number, values: number[], q = values.map(() => 0)) => ({
  table: 0,
  monoMs,
  values: Float64Array.from(values),
  q: Uint16Array.from(q),
});

describe("rows into columns", () => {
  it("keeps absent as null, never 0, and names only the columns that are not all good", () => {
    const batch = createColumnBatch([
      { name: "a", resolution: 0.1 },
      { name: "b", resolution: 1 },
    ]);
    batch.add(row(5000, [1.26, 7]));
    batch.add(row(6000, [Number.NaN, 8], [8, 0]));
    expect(batch.take()).toEqual({
      mono: 5000,
      n: 2,
      at: [0, 1000],
      c: { a: [1.3, null], b: [7, 8] },
      q: { a: [0, 8] },
    });
    expect(batch.take()).toBeUndefined();
  });

  it("rounds to the resolution, never further off than half a step of it", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.constantFrom(1, 0.5, 0.1, 0.4805, 1e-3, 1e-9),
        (x, res) => {
          expect(Math.abs(wireValue(x, stepOf(res).decimals)! - x)).toBeLessThanOrEqual(
            res / 2 + 1e-9 * Math.abs(x) + 1e-15,
          );
        },
      ),
    );
    expect(wireValue(-0.01, 1)).toBe(0);
  });
});
