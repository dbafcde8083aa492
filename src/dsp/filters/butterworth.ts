import { z } from "zod";
import { butterworthBandPass, butterworthHighPass, butterworthLowPass, butterworthNotch } from "../biquad.ts";
import { defineFilter } from "../filter.ts";
import { LINEAR_MARKED, LinearStage } from "../linear-stage.ts";
import type { Signal } from "../signal.ts";
import { belowNyquist } from "./rules.ts";

const order = z.literal([2, 4, 6, 8]).default(2);

/** What has lost its mean lies on both sides of zero, at most as far as the input can swing. */
function swinging(input: Signal): Signal {
  const swing = input.range[1] - input.range[0];
  return { ...input, range: [-swing, swing], stats: false };
}

export const lowPass = defineFilter({
  name: "low_pass",
  summary: "Butterworth low-pass: flat below the cut-off, falling 6 dB an octave for each order above it.",
  equation: "|H(f)|² = 1 / (1 + (tan(πf/fs) / tan(πfc/fs))^(2·order)), −3 dB at fc",
  marked: LINEAR_MARKED,
  params: z.strictObject({ cutoffHz: z.number().positive(), order }),
  propagate(input, { cutoffHz }) {
    const wrong = belowNyquist(input, cutoffHz);
    return wrong === undefined ? { signal: { ...input, stats: false } } : { error: wrong, key: "cutoffHz" };
  },
  create({ cutoffHz, order: n }, input) {
    const rateHz = input.rateHz!;
    return new LinearStage(butterworthLowPass(n, cutoffHz, rateHz), rateHz, input.capacity);
  },
});

export const highPass = defineFilter({
  name: "high_pass",
  summary: "Butterworth high-pass: takes mean and drift away, keeps what is above the cut-off.",
  equation: "|H(f)|² = 1 / (1 + (tan(πfc/fs) / tan(πf/fs))^(2·order)), −3 dB at fc",
  marked: LINEAR_MARKED,
  params: z.strictObject({ cutoffHz: z.number().positive(), order }),
  propagate(input, { cutoffHz }) {
    const wrong = belowNyquist(input, cutoffHz);
    return wrong === undefined ? { signal: swinging(input) } : { error: wrong, key: "cutoffHz" };
  },
  create({ cutoffHz, order: n }, input) {
    const rateHz = input.rateHz!;
    return new LinearStage(butterworthHighPass(n, cutoffHz, rateHz), rateHz, input.capacity);
  },
});

export const bandPass = defineFilter({
  name: "band_pass",
  summary: "Butterworth band-pass: keeps what lies between two frequencies.",
  equation: "|H(f)|² = 1 / (1 + ((w² − w1·w2) / (w·(w2 − w1)))^order), w = tan(πf/fs), −3 dB at both edges",
  marked: LINEAR_MARKED,
  params: z
    .strictObject({ lowHz: z.number().positive(), highHz: z.number().positive(), order })
    .refine((p) => p.lowHz < p.highHz, { path: ["lowHz"], message: "expected less than highHz" }),
  propagate(input, { highHz }) {
    const wrong = belowNyquist(input, highHz);
    return wrong === undefined ? { signal: swinging(input) } : { error: wrong, key: "highHz" };
  },
  create({ lowHz, highHz, order: n }, input) {
    const rateHz = input.rateHz!;
    return new LinearStage(butterworthBandPass(n, lowHz, highHz, rateHz), rateHz, input.capacity);
  },
});

export const notch = defineFilter({
  name: "notch",
  summary: "Butterworth notch: takes one frequency away, such as a supply hum or the rotor's own.",
  equation: "|H(f)|² = 1 / (1 + (w·B / (w² − w0²))^order), w = tan(πf/fs); −3 dB at edges `bandwidthHz` apart",
  marked: LINEAR_MARKED,
  params: z.strictObject({ hz: z.number().positive(), bandwidthHz: z.number().positive(), order }),
  propagate(input, { hz, bandwidthHz }) {
    const wrong = belowNyquist(input, hz);
    if (wrong !== undefined) return { error: wrong, key: "hz" };
    const wide = belowNyquist(input, bandwidthHz);
    return wide === undefined ? { signal: { ...input, stats: false } } : { error: wide, key: "bandwidthHz" };
  },
  create({ hz, bandwidthHz, order: n }, input) {
    const rateHz = input.rateHz!;
    return new LinearStage(butterworthNotch(n, hz, bandwidthHz, rateHz), rateHz, input.capacity);
  },
});
