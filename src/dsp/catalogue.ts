import type { FilterDef } from "./filter.ts";
import { calibrate, multiply, offset } from "./filters/affine.ts";
import { bandPass, highPass, lowPass, notch } from "./filters/butterworth.ts";
import { calibrateLinear } from "./filters/calibrate-linear.ts";
import { calibratePolynomial } from "./filters/calibrate-polynomial.ts";
import { clamp } from "./filters/clamp.ts";
import { deadband } from "./filters/deadband.ts";
import { decimate, throttleAverage } from "./filters/decimate.ts";
import { exponential, exponentialMovingAverage } from "./filters/exponential.ts";
import { filterOut } from "./filters/filter-out.ts";
import { heartbeat, resample } from "./filters/grid.ts";
import { hampel } from "./filters/hampel.ts";
import { median } from "./filters/median.ts";
import { toNtcResistance, toNtcTemperature } from "./filters/ntc.ts";
import { plausible } from "./filters/plausible.ts";
import { round, roundToMultipleOf, roundToSignificantDigits } from "./filters/rounding.ts";
import { savitzkyGolay } from "./filters/savitzky-golay.ts";
import { debounce, timeout } from "./filters/silence.ts";
import { slewLimit } from "./filters/slew-limit.ts";
import { max, min, quantile, slidingWindowMovingAverage } from "./filters/sliding.ts";
import { swingingDoor } from "./filters/swinging-door.ts";
import { delta, or, skipInitial, throttle, throttleWithPriority } from "./filters/thinning.ts";
import { counter, integrator } from "./filters/totals.ts";
import { bandRms, crestFactor, dominantFrequency, kurtosis, peak, zeroCrossingRate } from "./filters/vibration.ts";

/** All filters, by what they are for: this is also the order of the reference. */
export const families: readonly { readonly title: string; readonly filters: readonly FilterDef[] }[] = [
  {
    title: "Calibration",
    filters: [calibrate, offset, multiply, calibrateLinear, calibratePolynomial, toNtcTemperature, toNtcResistance],
  },
  {
    title: "Plausibility, bounds and rounding",
    filters: [plausible, clamp, filterOut, round, roundToMultipleOf, roundToSignificantDigits],
  },
  {
    title: "Smoothing",
    filters: [
      median,
      hampel,
      slidingWindowMovingAverage,
      exponentialMovingAverage,
      exponential,
      min,
      max,
      quantile,
      slewLimit,
    ],
  },
  { title: "Frequency", filters: [lowPass, highPass, bandPass, notch, savitzkyGolay] },
  { title: "Vibration", filters: [bandRms, peak, crestFactor, kurtosis, zeroCrossingRate, dominantFrequency] },
  { title: "Totals", filters: [counter, integrator] },
  {
    title: "Fewer samples",
    filters: [
      decimate,
      throttleAverage,
      deadband,
      swingingDoor,
      delta,
      throttle,
      throttleWithPriority,
      or,
      debounce,
      skipInitial,
    ],
  },
  { title: "Samples in time", filters: [resample, heartbeat, timeout] },
];

const all = families.flatMap((family) => family.filters);

/** Every filter by the name a configuration uses. */
export const filters: Readonly<Record<string, FilterDef>> = Object.fromEntries(all.map((f) => [f.name, f]));

/** The names of all filters, for messages that say what would have been right. */
export const filterNames: readonly string[] = all.map((f) => f.name);
