import { z } from "zod";
import type { Unit } from "../../model/units.ts";
import { butterworthBandPass } from "../biquad.ts";
import { FEATURE_MARKED, type Feature, FeatureStage } from "../feature-stage.ts";
import { defineFilter, type FilterDef, type Stage } from "../filter.ts";
import { LinearStage } from "../linear-stage.ts";
import { type Signal, samplesIn } from "../signal.ts";
import { Spectrum } from "../spectrum.ts";
import { belowNyquist, withinRing } from "./rules.ts";

const MOST = 65_536;
const stretch = { windowMs: z.number().positive().default(1000) };

/** Samples of a stretch, or why there is none. */
function lengthOf(input: Signal, windowMs: number): number | string {
  const samples = samplesIn(input, windowMs);
  if (samples === undefined) return "needs a signal with a regular rate; this one has none";
  if (samples < 4) return `a stretch of ${windowMs} ms holds ${samples} samples; expected at least 4`;
  if (samples > MOST) return `a stretch of ${windowMs} ms holds ${samples} samples; expected at most ${MOST}`;
  return withinRing(input, windowMs) ?? samples;
}

function reduced(input: Signal, length: number, unit: Unit, range: Signal["range"]): { signal: Signal } {
  const rateHz = input.rateHz! / length;
  return { signal: { ...input, unit, range, rateHz, capacity: Math.ceil(input.capacity / length), stats: false } };
}

function largest(input: Signal): Signal["range"] {
  return [0, Math.max(Math.abs(input.range[0]), Math.abs(input.range[1]))];
}

/** A filter that turns each stretch into one number and has no parameter but its length. */
function feature(
  name: string,
  summary: string,
  equation: string,
  shape: (input: Signal) => { unit: Unit; range: Signal["range"] },
  make: (input: Signal) => Feature,
): FilterDef {
  return defineFilter({
    name,
    summary,
    equation,
    marked: FEATURE_MARKED,
    short: "windowMs",
    params: z.strictObject(stretch),
    propagate(input, { windowMs }) {
      const length = lengthOf(input, windowMs);
      if (typeof length === "string") return { error: length, key: "windowMs" };
      const { unit, range } = shape(input);
      return reduced(input, length, unit, range);
    },
    create: ({ windowMs }, input, output) =>
      new FeatureStage(make(input), samplesIn(input, windowMs)!, output.capacity),
  });
}

export const peak = feature(
  "peak",
  "Largest distance from zero in each stretch.",
  "y = max |x|",
  (input) => ({ unit: input.unit, range: largest(input) }),
  () => (x, n, into, at) => {
    let most = 0;
    for (let i = 0; i < n; i++) if (Math.abs(x[i]!) > most) most = Math.abs(x[i]!);
    into[at] = most;
  },
);

export const crestFactor = feature(
  "crest_factor",
  "How much the peak of each stretch stands above its rms: 1.4 for a sine, high for knocks.",
  "y = max |x| / sqrt(mean x²)",
  () => ({ unit: "1", range: [1, 1000] }),
  () => (x, n, into, at) => {
    let most = 0;
    let squares = 0;
    for (let i = 0; i < n; i++) {
      if (Math.abs(x[i]!) > most) most = Math.abs(x[i]!);
      squares += x[i]! * x[i]!;
    }
    into[at] = most / Math.sqrt(squares / n);
  },
);

export const kurtosis = feature(
  "kurtosis",
  "How spiky each stretch is: 1.5 for a sine, 3 for noise, more for knocks and worn bearings.",
  "y = mean (x − m)⁴ / (mean (x − m)²)²",
  () => ({ unit: "1", range: [1, 1000] }),
  () => (x, n, into, at) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += x[i]!;
    const mean = sum / n;
    let second = 0;
    let fourth = 0;
    for (let i = 0; i < n; i++) {
      const d = (x[i]! - mean) ** 2;
      second += d;
      fourth += d * d;
    }
    into[at] = (fourth * n) / (second * second);
  },
);

export const zeroCrossingRate = feature(
  "zero_crossing_rate",
  "How often each stretch crosses its mean upwards: the frequency of whatever swings most.",
  "y = upward crossings of the mean / duration",
  (input) => ({ unit: "Hz", range: [0, input.rateHz! / 2] }),
  ({ rateHz }) =>
    (x, n, into, at) => {
      let mean = 0;
      for (let i = 0; i < n; i++) mean += x[i]! / n;
      let crossings = 0;
      for (let i = 1; i < n; i++) if (x[i - 1]! < mean && x[i]! >= mean) crossings++;
      into[at] = n < 2 ? Number.NaN : (crossings * rateHz!) / (n - 1);
    },
);

export const bandRms = defineFilter({
  name: "band_rms",
  summary: "Rms of each stretch between two frequencies: what a bearing, a gear or the rotor contributes.",
  equation: "y = sqrt(mean b²), b = band_pass(x)",
  marked: FEATURE_MARKED,
  params: z
    .strictObject({
      lowHz: z.number().positive(),
      highHz: z.number().positive(),
      order: z.literal([2, 4, 6, 8]).default(4),
      ...stretch,
    })
    .refine((p) => p.lowHz < p.highHz, { path: ["lowHz"], message: "expected less than highHz" }),
  propagate(input, { highHz, windowMs }) {
    const wrong = belowNyquist(input, highHz);
    if (wrong !== undefined) return { error: wrong, key: "highHz" };
    const length = lengthOf(input, windowMs);
    if (typeof length === "string") return { error: length, key: "windowMs" };
    return reduced(input, length, input.unit, largest(input));
  },
  create({ lowHz, highHz, order, windowMs }, input, output): Stage {
    const rateHz = input.rateHz!;
    const band = new LinearStage(butterworthBandPass(order, lowHz, highHz, rateHz), rateHz, input.capacity);
    const rms = new FeatureStage(rootMeanSquare, samplesIn(input, windowMs)!, output.capacity);
    return {
      parts: [band, rms],
      process: (block) => rms.process(band.process(block)),
      reset() {
        band.reset();
        rms.reset();
      },
    };
  },
});

const rootMeanSquare: Feature = (x, n, into, at) => {
  let squares = 0;
  for (let i = 0; i < n; i++) squares += x[i]! * x[i]!;
  into[at] = Math.sqrt(squares / n);
};

export const dominantFrequency = defineFilter({
  name: "dominant_frequency",
  summary: "The frequency with the most power in each stretch, between two bounds.",
  equation: "y = f of the largest |FFT(hann · (x − m))|², refined by a parabola through the logarithms of three",
  marked: FEATURE_MARKED,
  params: z.strictObject({
    lowHz: z.number().nonnegative().default(0),
    highHz: z.number().positive().optional(),
    ...stretch,
  }),
  propagate(input, { lowHz, highHz, windowMs }) {
    const length = lengthOf(input, windowMs);
    if (typeof length === "string") return { error: length, key: "windowMs" };
    const top = highHz ?? input.rateHz! / 2;
    if (top > input.rateHz! / 2) return { error: `${top} Hz is above half the sample rate`, key: "highHz" };
    if (lowHz >= top) return { error: "expected less than highHz", key: "lowHz" };
    return reduced(input, length, "Hz", [lowHz, top]);
  },
  create({ lowHz, highHz, windowMs }, input, output) {
    const length = samplesIn(input, windowMs)!;
    const rateHz = input.rateHz!;
    // Twice as long as the stretch: the parabola is then good to a hundredth of a bin.
    const spectrum = new Spectrum(2 ** Math.ceil(Math.log2(2 * length)));
    const first = Math.max(1, Math.ceil((lowHz * spectrum.size) / rateHz));
    const last = Math.min(spectrum.size / 2 - 1, Math.floor(((highHz ?? rateHz / 2) * spectrum.size) / rateHz));
    return new FeatureStage(
      (x, n, into, at) => {
        spectrum.run(x, n);
        const { power } = spectrum;
        let best = first;
        for (let k = first; k <= last; k++) if (power[k]! > power[best]!) best = k;
        const a = Math.log(power[best - 1]!);
        const b = Math.log(power[best]!);
        const c = Math.log(power[best + 1]!);
        const shift = (a - c) / (2 * (a - 2 * b + c));
        into[at] =
          power[best]! > 0 ? ((best + (Math.abs(shift) <= 1 ? shift : 0)) * rateHz) / spectrum.size : Number.NaN;
      },
      length,
      output.capacity,
    );
  },
});
