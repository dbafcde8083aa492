import { z } from "zod";
import { UNIT_CODES, type Unit } from "../../model/units.ts";
import { AffineStage } from "../affine-stage.ts";
import { defineFilter } from "../filter.ts";
import type { Signal } from "../signal.ts";

const MARKED = "Calculated like any other; the mark stays. Statistics are carried along.";
const notZero = z.number().refine((s) => s !== 0, "expected a number other than 0");

function affine(input: Signal, scale: number, offset: number, unit: Unit = input.unit): { signal: Signal } {
  const [a, b] = input.range.map((v) => v * scale + offset) as [number, number];
  return { signal: { ...input, unit, range: a <= b ? [a, b] : [b, a] } };
}

export const calibrate = defineFilter({
  name: "calibrate",
  summary: "Scale and offset of a sensor, and with `unit` what they turn it into.",
  equation: "y[k] = scale · x[k] + offset",
  marked: MARKED,
  params: z.strictObject({
    scale: notZero.default(1),
    offset: z.number().default(0),
    unit: z.enum(UNIT_CODES).optional(),
  }),
  propagate: (input, { scale, offset, unit }) => affine(input, scale, offset, unit),
  create: ({ scale, offset }) => new AffineStage(scale, offset),
});

export const offset = defineFilter({
  name: "offset",
  summary: "Adds a constant.",
  equation: "y[k] = x[k] + value",
  marked: MARKED,
  short: "value",
  params: z.strictObject({ value: z.number() }),
  propagate: (input, { value }) => affine(input, 1, value),
  create: ({ value }) => new AffineStage(1, value),
});

export const multiply = defineFilter({
  name: "multiply",
  summary: "Multiplies by a constant.",
  equation: "y[k] = value · x[k]",
  marked: MARKED,
  short: "value",
  params: z.strictObject({ value: notZero }),
  propagate: (input, { value }) => affine(input, value, 0),
  create: ({ value }) => new AffineStage(value, 0),
});
