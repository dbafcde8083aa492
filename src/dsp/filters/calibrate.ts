import { z } from "zod";
import { UNIT_CODES } from "../../model/units.ts";
import { AffineStage } from "../affine-stage.ts";
import { defineFilter } from "../filter.ts";
import type { Signal } from "../signal.ts";

export const calibrate = defineFilter({
  name: "calibrate",
  summary: "Scale and offset of a sensor, and with `unit` what they turn it into.",
  equation: "y[k] = scale · x[k] + offset",
  marked: "Calculated like any other; the mark stays.",
  params: z.strictObject({
    scale: z
      .number()
      .refine((s) => s !== 0, "expected a number other than 0")
      .default(1),
    offset: z.number().default(0),
    unit: z.enum(UNIT_CODES).optional(),
  }),
  propagate(input, { scale, offset, unit }) {
    const ends = input.range.map((v) => v * scale + offset) as [number, number];
    return { signal: { ...input, unit: unit ?? input.unit, range: ordered(ends) } };
  },
  create: ({ scale, offset }) => new AffineStage(scale, offset),
});

function ordered([a, b]: readonly [number, number]): Signal["range"] {
  return a <= b ? [a, b] : [b, a];
}
