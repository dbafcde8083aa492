import { QUALITY, qualityNames } from "../model/quality.ts";

/** What was measured while a person asked for a reading: instants in ms, values in the channel's unit, quality bits. */
export interface Samples {
  readonly t: readonly number[];
  readonly x: readonly number[];
  readonly q: readonly number[];
}

/** How still a channel must be, in its unit, and how many samples are wanted. */
export interface ReadingRules {
  readonly unit: string;
  /** Most that the value may go from the first third of the reading to the last. */
  readonly driftMax: number;
  /** Largest standard deviation. */
  readonly scatterMax: number;
  readonly samplesMin: number;
}

/** One reading of a thing that stood still: mean and standard deviation in the channel's unit, and of how many samples. */
export interface Reading {
  readonly mean: number;
  readonly scatter: number;
  readonly n: number;
}

/** Share of the samples that must be good. */
const GOOD_SHARE = 0.95;
/** Marks that say nothing against a value here: it comes from a simulator, or samples before it were lost. */
const HARMLESS = QUALITY.simulated | QUALITY.overrun;

/**
 * The mean of a reading, or a sentence why it must not be believed: no samples, too few, bad quality, or the thing moved. A
 * sample counts as good when no mark but `simulated` or `overrun` is on it.
 */
export function judgeReading(samples: Samples, rules: ReadingRules): Reading | string {
  const { t, x, q } = samples;
  if (x.length === 0) return "nothing came: the sensor is missing or silent";
  const isGood = (i: number) => Number.isFinite(x[i]) && (q[i]! & ~HARMLESS) === 0;
  const good = x.flatMap((_, i) => (isGood(i) ? [i] : []));
  if (good.length < GOOD_SHARE * x.length) {
    const marks = new Set(q.flatMap((bits) => qualityNames(bits & ~HARMLESS)));
    return `bad quality: only ${good.length} of ${x.length} samples are good (${[...marks].join(", ") || "no value"})`;
  }
  if (good.length < rules.samplesMin)
    return `too few samples: ${good.length}, expected at least ${rules.samplesMin}; read for longer`;
  const mean = meanOf(good.map((i) => x[i]!));
  const scatter = Math.sqrt(meanOf(good.map((i) => (x[i]! - mean) ** 2)));
  const from = t[good[0]!]!;
  const third = (t[good[good.length - 1]!]! - from) / 3;
  const first = good.filter((i) => t[i]! <= from + third);
  const last = good.filter((i) => t[i]! >= from + 2 * third);
  const drift = meanOf(last.map((i) => x[i]!)) - meanOf(first.map((i) => x[i]!));
  const shown = (v: number) => `${Number(v.toPrecision(3))} ${rules.unit}`;
  if (Math.abs(drift) > rules.driftMax)
    return `it is not still: the value went ${shown(drift)} during the reading, expected at most ${shown(rules.driftMax)}`;
  if (scatter > rules.scatterMax)
    return `it is not still: the value scatters by ${shown(scatter)}, expected at most ${shown(rules.scatterMax)}`;
  return { mean, scatter, n: good.length };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, v) => sum + v, 0) / values.length;
}
