import { z } from "zod";
import { defineFilter } from "../filter.ts";
import { MAP_MARKED, MapStage } from "../map-stage.ts";

export const round = defineFilter({
  name: "round",
  summary: "Rounds to a number of decimals, halves away from zero.",
  equation: "y[k] = round(x[k] · 10^decimals) / 10^decimals",
  marked: MAP_MARKED,
  short: "decimals",
  params: z.strictObject({ decimals: z.int().min(-9).max(12) }),
  propagate: (input) => ({ signal: { ...input, stats: false } }),
  create({ decimals }) {
    const factor = 10 ** Math.abs(decimals);
    return new MapStage((x, n) => {
      for (let i = 0; i < n; i++) {
        const v = Math.abs(x[i]!);
        // Multiplied or divided by a whole number: 10^-2 is not one, and would round 0.145 and its like wrongly.
        const scaled = Math.floor((decimals < 0 ? v / factor : v * factor) + 0.5);
        x[i] = Math.sign(x[i]!) * (decimals < 0 ? scaled * factor : scaled / factor);
      }
    });
  },
});

export const roundToMultipleOf = defineFilter({
  name: "round_to_multiple_of",
  summary: "Rounds to the nearest multiple of a value.",
  equation: "y[k] = x[k] − remainder(x[k], multiple)",
  marked: MAP_MARKED,
  short: "multiple",
  params: z.strictObject({ multiple: z.number().positive() }),
  propagate: (input) => ({ signal: { ...input, stats: false } }),
  create: ({ multiple }) =>
    new MapStage((x, n) => {
      for (let i = 0; i < n; i++) x[i] = Math.round(x[i]! / multiple) * multiple;
    }),
});

export const roundToSignificantDigits = defineFilter({
  name: "round_to_significant_digits",
  summary: "Rounds to a number of digits that count, whatever the size of the value.",
  equation: "y[k] = x[k] rounded to `digits` digits from its first one",
  marked: MAP_MARKED,
  short: "digits",
  params: z.strictObject({ digits: z.int().min(1).max(15) }),
  propagate: (input) => ({ signal: { ...input, stats: false } }),
  create: ({ digits }) =>
    new MapStage((x, n) => {
      for (let i = 0; i < n; i++) {
        const v = x[i]!;
        if (v === 0 || !(v * 0 === 0)) continue;
        const places = digits - 1 - Math.floor(Math.log10(Math.abs(v)));
        const factor = 10 ** Math.abs(places);
        x[i] = places < 0 ? Math.round(v / factor) * factor : Math.round(v * factor) / factor;
      }
    }),
});
