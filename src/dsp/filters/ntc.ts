import { z } from "zod";
import { defineFilter } from "../filter.ts";
import { MAP_MARKED, MapStage } from "../map-stage.ts";

const KELVIN = 273.15;

/** Three points `ohms -> °C`, or resistance and temperature of one with its B constant. */
const calibration = z.union([
  z.strictObject({ b: z.number().positive(), referenceOhm: z.number().positive(), referenceCel: z.number().min(-100) }),
  z.strictObject({
    points: z
      .array(z.strictObject({ ohm: z.number().positive(), cel: z.number().min(-100).max(500) }))
      .length(3)
      .refine((p) => new Set(p.map((x) => x.ohm)).size === 3, "expected three different resistances"),
  }),
]);

/** Coefficients of 1/T = A + B·ln R + C·(ln R)³. */
function steinhartHart(given: z.output<typeof calibration>): [number, number, number] {
  if ("b" in given) {
    const b = 1 / given.b;
    return [1 / (given.referenceCel + KELVIN) - b * Math.log(given.referenceOhm), b, 0];
  }
  const [l1, l2, l3] = given.points.map((p) => Math.log(p.ohm)) as [number, number, number];
  const [y1, y2, y3] = given.points.map((p) => 1 / (p.cel + KELVIN)) as [number, number, number];
  const g2 = (y2 - y1) / (l2 - l1);
  const g3 = (y3 - y1) / (l3 - l1);
  const c = (g3 - g2) / (l3 - l2) / (l1 + l2 + l3);
  const b = g2 - c * (l1 * l1 + l1 * l2 + l2 * l2);
  return [y1 - (b + l1 * l1 * c) * l1, b, c];
}

export const toNtcTemperature = defineFilter({
  name: "to_ntc_temperature",
  summary: "Temperature of a thermistor from its resistance.",
  equation: "1/T = A + B·ln R + C·(ln R)³ (Steinhart-Hart), T in K, y = T − 273.15",
  marked: MAP_MARKED,
  short: "calibration",
  params: z.strictObject({ calibration }),
  propagate(input) {
    if (input.unit !== "Ohm") return { error: `needs a resistance in Ohm; the signal here is in ${input.unit}` };
    return { signal: { ...input, unit: "Cel", range: [-100, 500], stats: false } };
  },
  create(params) {
    const [a, b, c] = steinhartHart(params.calibration);
    return new MapStage((x, n) => {
      for (let i = 0; i < n; i++) {
        const l = Math.log(x[i]!);
        x[i] = 1 / (a + b * l + c * l * l * l) - KELVIN;
      }
    });
  },
});

export const toNtcResistance = defineFilter({
  name: "to_ntc_resistance",
  summary: "Resistance that a thermistor has at a temperature: the other way round.",
  equation: "R with A + B·ln R + C·(ln R)³ = 1/(x + 273.15)",
  marked: MAP_MARKED,
  short: "calibration",
  params: z.strictObject({ calibration }),
  propagate(input) {
    if (input.unit !== "Cel") return { error: `needs a temperature in Cel; the signal here is in ${input.unit}` };
    return { signal: { ...input, unit: "Ohm", range: [0, 1e7], stats: false } };
  },
  create(params) {
    const [a, b, c] = steinhartHart(params.calibration);
    return new MapStage((x, n) => {
      for (let i = 0; i < n; i++) {
        const wanted = 1 / (x[i]! + KELVIN);
        // The curve is nearly straight in ln R: Newton from 10 kOhm is at rest after a few steps.
        let l = Math.log(10_000);
        for (let step = 0; step < 12; step++) l -= (a + b * l + c * l * l * l - wanted) / (b + 3 * c * l * l);
        x[i] = Math.exp(l);
      }
    });
  },
});
