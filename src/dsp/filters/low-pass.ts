import { z } from "zod";
import { butterworthLowPass } from "../biquad.ts";
import { defineFilter } from "../filter.ts";
import { LINEAR_MARKED, LinearStage } from "../linear-stage.ts";
import { belowNyquist } from "./rules.ts";

export const lowPass = defineFilter({
  name: "low_pass",
  summary: "Butterworth low-pass: flat below the cut-off, falling 6 dB an octave for each order above it.",
  equation: "|H(f)|² = 1 / (1 + (tan(πf/fs) / tan(πfc/fs))^(2·order)), −3 dB at fc",
  marked: LINEAR_MARKED,
  params: z.strictObject({
    cutoffHz: z.number().positive(),
    order: z.literal([2, 4, 6, 8]).default(2),
  }),
  propagate(input, { cutoffHz }) {
    const wrong = belowNyquist(input, cutoffHz);
    if (wrong !== undefined) return { error: wrong, key: "cutoffHz" };
    return { signal: { ...input, stats: false } };
  },
  create({ cutoffHz, order }, input) {
    const rateHz = input.rateHz!;
    return new LinearStage(butterworthLowPass(order, cutoffHz, rateHz), rateHz, input.capacity);
  },
});
