import { z } from "zod";
import { Agreement } from "./agreement.ts";
import { type DerivedInput, defineDerivation, eachInstant } from "./derivation.ts";
import { channelRef, coarsest, maxAge, otherUnit } from "./params.ts";

const pair = { a: channelRef("the first channel; it leads"), b: channelRef("the second channel"), ...maxAge };
const pairRoles = ({ a, b }: { a: string; b: string }) => [
  { key: "a", channel: a },
  { key: "b", channel: b },
];

export const difference = defineDerivation({
  name: "difference",
  summary: "One channel minus another of the same unit.",
  equation: "y = a − b",
  params: z.strictObject(pair),
  roles: pairRoles,
  plan(_params, inputs) {
    const wrong = otherUnit(inputs);
    if (wrong !== undefined) return { error: wrong.message, key: "b" };
    const [a, b] = [inputs[0]!, inputs[1]!];
    return {
      spec: {
        unit: a.unit,
        range: [a.range[0] - b.range[1], a.range[1] - b.range[0]],
        resolution: coarsest(inputs),
      },
      create: eachInstant((x, i, y) => {
        y[i] = x[0]![i]! - x[1]![i]!;
      }),
    };
  },
});

export const ratio = defineDerivation({
  name: "ratio",
  summary:
    "One channel divided by another of the same unit, such as the slip of a belt. Without a value where `b` is nearly zero.",
  equation: "y = a / b, missing where |b| < leastB",
  params: z.strictObject({
    ...pair,
    leastB: z.number().positive().describe("below this the quotient says nothing, in the unit of b"),
    max: z.number().positive().default(10).describe("greatest quotient expected"),
  }),
  roles: pairRoles,
  plan({ leastB, max }, inputs) {
    const wrong = otherUnit(inputs);
    if (wrong !== undefined) return { error: wrong.message, key: "b" };
    const b = inputs[1]!;
    const reach = Math.max(Math.abs(b.range[0]), Math.abs(b.range[1]));
    if (leastB >= reach) return { error: `${b.name} never reaches ${leastB} ${b.unit}`, key: "leastB" };
    const lowest = inputs[0]!.range[0] < 0 || b.range[0] < 0 ? -max : 0;
    return {
      spec: { unit: "1", range: [lowest, max], resolution: 0.001 },
      create: eachInstant((x, i, y) => {
        const divisor = x[1]![i]!;
        y[i] = Math.abs(divisor) < leastB ? Number.NaN : x[0]![i]! / divisor;
      }),
    };
  },
});

const farthest = ({ range }: DerivedInput) => Math.max(Math.abs(range[0]), Math.abs(range[1]));

export const magnitude = defineDerivation({
  name: "magnitude",
  summary: "The length of a vector from its two or three axes.",
  equation: "y = √(x² + y² + z²)",
  params: z.strictObject({
    of: z.array(channelRef("an axis")).min(2).max(3).describe("the axes; the first leads"),
    ...maxAge,
  }),
  roles: ({ of }) => of.map((channel, i) => ({ key: `of.${i}`, channel })),
  plan(_params, inputs) {
    const wrong = otherUnit(inputs);
    if (wrong !== undefined) return { error: wrong.message, key: `of.${wrong.index}` };
    return {
      spec: { unit: inputs[0]!.unit, range: [0, Math.hypot(...inputs.map(farthest))], resolution: coarsest(inputs) },
      create: eachInstant((x, i, y) => {
        let sum = 0;
        for (let k = 0; k < x.length; k++) sum += x[k]![i]! * x[k]![i]!;
        y[i] = Math.sqrt(sum);
      }),
    };
  },
});

const WAYS = ["mean", "median", "min", "max", "range", "sum", "linear"] as const;

export const combination = defineDerivation({
  name: "combination",
  summary:
    "Mean, median, least, greatest, range, sum or weighted sum of two to eight channels of one unit, as ESPHome's sensor of this name has it.",
  equation: "y = mean | median | min | max | max − min | Σ | Σ factorₖ · xₖ  of all inputs",
  params: z
    .strictObject({
      type: z.enum(WAYS).describe("how they become one"),
      of: z.array(channelRef("a channel")).min(2).max(8).describe("the channels; the first leads"),
      factors: z.array(z.number()).optional().describe("one factor for each channel, for `linear` only"),
      ...maxAge,
    })
    .refine((p) => (p.factors !== undefined) === (p.type === "linear"), {
      path: ["factors"],
      message: "expected with `linear`, and only there",
    })
    .refine((p) => p.factors === undefined || p.factors.length === p.of.length, {
      path: ["factors"],
      message: "expected one factor for each channel",
    }),
  roles: ({ of }) => of.map((channel, i) => ({ key: `of.${i}`, channel })),
  plan({ type, factors }, inputs) {
    const wrong = otherUnit(inputs);
    if (wrong !== undefined) return { error: wrong.message, key: `of.${wrong.index}` };
    const weights = type === "sum" ? inputs.map(() => 1) : (factors ?? inputs.map(() => 0));
    const summed = type === "sum" || type === "linear";
    const lows = inputs.map((s) => s.range[0]);
    const highs = inputs.map((s) => s.range[1]);
    const reach = (end: 0 | 1) =>
      inputs.reduce((sum, s, k) => sum + weights[k]! * s.range[weights[k]! < 0 ? 1 - end : end]!, 0);
    const widest = Math.max(...highs) - Math.min(...lows);
    const range: readonly [number, number] = summed
      ? [reach(0), reach(1)]
      : type === "range"
        ? [0, widest]
        : [Math.min(...lows), Math.max(...highs)];
    const n = inputs.length;
    const sorted = new Float64Array(n);
    return {
      spec: { unit: inputs[0]!.unit, range, resolution: coarsest(inputs) },
      create: eachInstant((x, i, y) => {
        let sum = 0;
        for (let k = 0; k < n; k++) {
          const v = x[k]![i]!;
          sum += summed ? weights[k]! * v : v;
          let place = k;
          for (; place > 0 && sorted[place - 1]! > v; place--) sorted[place] = sorted[place - 1]!;
          sorted[place] = v;
        }
        if (summed) y[i] = sum;
        else if (type === "mean") y[i] = sum / n;
        else if (type === "min") y[i] = sorted[0]!;
        else if (type === "max") y[i] = sorted[n - 1]!;
        else if (type === "range") y[i] = sorted[n - 1]! - sorted[0]!;
        else y[i] = (sorted[(n - 1) >>> 1]! + sorted[n >>> 1]!) / 2;
      }),
    };
  },
});

export const agreement = defineDerivation({
  name: "agreement",
  summary:
    "Plausibility between sensors of the same thing: the value of the first, marked suspect while it lies farther than `within` from the median of all. With two sensors nobody knows which is wrong, so it is marked when they differ by more.",
  equation: "y = x₀; suspect + disagrees when |x₀ − median(x)| > within  (two inputs: |x₀ − x₁| > within)",
  marked:
    "An input that is missing, suspect or stale is no witness; with no witness left the value passes as it is. The value keeps its own marks, and is never taken away.",
  params: z.strictObject({
    of: z.array(channelRef("a channel")).min(2).max(5).describe("the channel to be judged, then its witnesses"),
    within: z.number().positive().describe("how far apart they may be, in their unit"),
    ...maxAge,
  }),
  roles: ({ of }) => of.map((channel, i) => ({ key: `of.${i}`, channel })),
  plan({ within }, inputs) {
    const wrong = otherUnit(inputs);
    if (wrong !== undefined) return { error: wrong.message, key: `of.${wrong.index}` };
    const { unit, range, resolution } = inputs[0]!;
    if (within >= range[1] - range[0])
      return { error: `${within} ${unit} is the whole range of ${inputs[0]!.name}`, key: "within" };
    return { spec: { unit, range, resolution }, create: () => new Agreement(within, inputs.length) };
  },
});
