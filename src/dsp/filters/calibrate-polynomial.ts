import { z } from "zod";
import { UNIT_CODES } from "../../model/units.ts";
import { defineFilter } from "../filter.ts";
import { fitPolynomial } from "../least-squares.ts";
import { MAP_MARKED, MapStage } from "../map-stage.ts";
import { datapoints } from "./datapoints.ts";

export const calibratePolynomial = defineFilter({
  name: "calibrate_polynomial",
  summary: "Turns measured values into true ones by the polynomial that fits points `measured -> true` best.",
  equation: "y = a0 + a1·x + … + aD·x^D with least Σ(y − true)²",
  marked: MAP_MARKED,
  params: z
    .strictObject({
      degree: z.int().min(1).max(8),
      datapoints: datapoints(2),
      unit: z.enum(UNIT_CODES).optional(),
    })
    .refine((p) => new Set(p.datapoints.map(([x]) => x)).size > p.degree, {
      path: ["degree"],
      message: "expected fewer than the number of different measured values",
    }),
  propagate(input, { degree, datapoints: points, unit }) {
    const poly = fitPolynomial(points, degree);
    // A polynomial may turn anywhere in between: its range is looked up at many places.
    const [from, to] = input.range;
    const ys = Array.from({ length: 257 }, (_, i) => valueAt(poly, from + ((to - from) * i) / 256));
    const range = [Math.min(...ys), Math.max(...ys)] as const;
    return { signal: { ...input, unit: unit ?? input.unit, range, stats: false } };
  },
  create({ degree, datapoints: points }) {
    const poly = Float64Array.from(fitPolynomial(points, degree));
    return new MapStage((x, n) => {
      for (let i = 0; i < n; i++) {
        const v = x[i]!;
        let y = poly[degree]!;
        for (let p = degree - 1; p >= 0; p--) y = y * v + poly[p]!;
        x[i] = y;
      }
    });
  },
});

function valueAt(poly: readonly number[], x: number): number {
  return poly.reduceRight((y, a) => y * x + a, 0);
}
