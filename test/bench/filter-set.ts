import { type Biquad, butterworthBandPass, butterworthHighPass, butterworthNotch } from "../../src/dsp/biquad.ts";
import type { ChainSpec } from "../../src/dsp/chain.ts";
import type { Signal } from "../../src/dsp/signal.ts";

/** A chain of the product written in `c/chains.c` under the same name. */
export interface SetChain {
  readonly name: string;
  readonly signal: Signal;
  readonly specs: readonly ChainSpec[];
  /** What the C program cannot work out itself: sections, weights, shares. */
  readonly coefficients: readonly number[];
  /** The value of a sample; `noise` is even between -0.5 and 0.5. */
  sample(k: number, noise: () => number): number;
}

/** Samples of a block. */
export const BURST = 32;
const RATE_HZ = 800;

const vibration: Signal = { unit: "m/s2", rateHz: RATE_HZ, range: [-2000, 2000], capacity: BURST };
const shaking = (k: number, noise: () => number) => 30 * Math.sin(0.21 * k) + 12 * Math.sin(0.6 * k) + 40 * noise();
const sections = (of: readonly Biquad[]) => of.flatMap(({ b0, b1, b2, a1, a2 }) => [b0, b1, b2, a1, a2]);
const highPass = butterworthHighPass(2, 10, RATE_HZ);
const overMean: ChainSpec = { high_pass: { cutoffHz: 10 } };
/** Slope of the straight line through an odd number of samples, which is that of the parabola too. */
const slope = (window: number) => {
  const at = Array.from({ length: window }, (_, k) => k - (window - 1) / 2);
  return at.map((u) => (u * RATE_HZ) / at.reduce((s, v) => s + v * v, 0));
};

/** 4–20 mA sender, three vibration features, spike removal, speed from a position, two band filters, pulses to a rate. */
export const CHAIN_SET: readonly SetChain[] = [
  {
    name: "sender",
    signal: { ...vibration, unit: "1", range: [0, 24] },
    specs: [
      { clamp: { min: 4, max: 20 } },
      { calibrate_linear: { datapoints: ["4 -> 0", "20 -> 250"], unit: "kPa" } },
      { sliding_window_moving_average: 15 },
      { decimate: 10 },
    ],
    coefficients: [250 / 16, -62.5],
    sample: (k, noise) => 12 + 8.05 * Math.sin(0.001 * k) + 0.3 * noise(),
  },
  {
    name: "band rms",
    signal: vibration,
    specs: [overMean, { band_rms: { lowHz: 50, highHz: 200 } }],
    coefficients: sections([...highPass, ...butterworthBandPass(4, 50, 200, RATE_HZ)]),
    sample: shaking,
  },
  {
    name: "peak",
    signal: vibration,
    specs: [overMean, { peak: 1000 }],
    coefficients: sections(highPass),
    sample: shaking,
  },
  {
    name: "kurtosis",
    signal: vibration,
    specs: [overMean, { kurtosis: 1000 }],
    coefficients: sections(highPass),
    sample: shaking,
  },
  {
    name: "spikes",
    signal: { ...vibration, unit: "Cel", range: [-40, 150] },
    specs: [{ hampel: { window: 7 } }, { exponential: 500 }, { slew_limit: { risePerS: 20 } }],
    coefficients: [-Math.expm1(-1000 / RATE_HZ / 500), 20 / RATE_HZ],
    sample: (k, noise) => 60 + 20 * Math.sin(0.002 * k) + noise() + (noise() > 0.49 ? 200 * noise() : 0),
  },
  {
    name: "slope",
    signal: { ...vibration, unit: "deg", range: [-90, 90] },
    specs: [{ savitzky_golay: { window: 11, degree: 2, derivative: 1 } }, { deadband: 2 }],
    coefficients: slope(11),
    sample: (k, noise) => 40 * Math.sin(0.0015 * k) + 0.05 * noise(),
  },
  {
    name: "bands",
    signal: vibration,
    specs: [
      { notch: { hz: 50, bandwidthHz: 4 } },
      { band_pass: { lowHz: 20, highHz: 200, order: 4 } },
      { decimate: 16 },
    ],
    coefficients: sections([...butterworthNotch(2, 50, 4, RATE_HZ), ...butterworthBandPass(4, 20, 200, RATE_HZ)]),
    sample: shaking,
  },
  {
    name: "pulses",
    signal: { ...vibration, unit: "1", range: [0, 65_535] },
    specs: [{ counter: 65_536 }, { savitzky_golay: { window: 5, degree: 1, derivative: 1 } }, { median: 5 }],
    coefficients: slope(5),
    sample: (k, noise) => Math.floor(37 * k + 4 * noise()) & 0xffff,
  },
];

/** The same samples for every run. */
export function samplesOf(chain: SetChain, count: number): Float64Array {
  let seed = 12345;
  const noise = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32 - 0.5;
  };
  return Float64Array.from({ length: count }, (_, k) => chain.sample(k, noise));
}
