import { z } from "zod";
import { UNIT_CODES } from "../../model/units.ts";
import { AffineStage } from "../affine-stage.ts";
import { defineFilter, type Stage } from "../filter.ts";
import { fitPolynomial } from "../least-squares.ts";
import type { StatBlock } from "../stat-block.ts";
import { datapoints, rising } from "./datapoints.ts";

export const calibrateLinear = defineFilter({
  name: "calibrate_linear",
  summary:
    "Turns measured values into true ones by points `measured -> true`: the best straight line, or exactly through each.",
  equation: "least_squares: y = a·x + b with least Σ(y − true)²; exact: straight between neighbours, the ends go on",
  marked: "Calculated like any other; the mark stays.",
  short: "datapoints",
  params: z
    .strictObject({
      datapoints: datapoints(2),
      method: z.enum(["least_squares", "exact"]).default("least_squares"),
      unit: z.enum(UNIT_CODES).optional(),
    })
    .refine((p) => p.method !== "exact" || rising(p.datapoints), {
      path: ["datapoints"],
      message: "expected measured values that rise from point to point (method exact)",
    })
    .refine((p) => p.datapoints.some(([x]) => x !== p.datapoints[0]![0]), {
      path: ["datapoints"],
      message: "expected at least two different measured values",
    }),
  propagate(input, params) {
    const f = params.method === "exact" ? segments(params.datapoints) : [line(params.datapoints)];
    const ends = input.range.map((v) => valueAt(f, v));
    // The ends of a broken line's range may lie at its corners.
    const corners = f.filter((s) => s.from > input.range[0] && s.from < input.range[1]).map((s) => valueAt(f, s.from));
    const all = [...ends, ...corners];
    const carries = params.method === "least_squares" && input.stats === true;
    const range = [Math.min(...all), Math.max(...all)] as const;
    return { signal: { ...input, unit: params.unit ?? input.unit, range, stats: carries } };
  },
  create(params) {
    if (params.method === "exact") return new Piecewise(segments(params.datapoints));
    const { scale, offset } = line(params.datapoints);
    return new AffineStage(scale, offset);
  },
});

interface Segment {
  /** Applies from this measured value on. */
  readonly from: number;
  readonly scale: number;
  readonly offset: number;
}

type Points = readonly (readonly [number, number])[];

function line(points: Points): Segment {
  const [offset, scale] = fitPolynomial(points, 1);
  return { from: -Infinity, scale: scale!, offset: offset! };
}

function segments(points: Points): Segment[] {
  return points.slice(1).map(([x1, y1], i) => {
    const [x0, y0] = points[i]!;
    const scale = (y1 - y0) / (x1 - x0);
    return { from: i === 0 ? -Infinity : x0, scale, offset: y0 - scale * x0 };
  });
}

function valueAt(line: readonly Segment[], x: number): number {
  let i = line.length - 1;
  while (i > 0 && x < line[i]!.from) i--;
  return line[i]!.scale * x + line[i]!.offset;
}

class Piecewise implements Stage {
  readonly #line: readonly Segment[];

  constructor(line: readonly Segment[]) {
    this.#line = line;
  }

  process(block: StatBlock): StatBlock {
    const { x, n } = block;
    block.stats = false;
    const line = this.#line;
    // Written out: a function that is given a number and returns one may put both on the heap.
    for (let i = 0; i < n; i++) {
      const v = x[i]!;
      let k = line.length - 1;
      while (k > 0 && v < line[k]!.from) k--;
      x[i] = line[k]!.scale * v + line[k]!.offset;
    }
    return block;
  }

  reset(): void {}
}
