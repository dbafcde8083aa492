import type { Unit } from "../../model/units.ts";
import { quantityOf, type Signal } from "../signal.ts";

/** Why a frequency cannot be used on a signal: no regular rate, or not below half of it. */
export function belowNyquist(input: Signal, hz: number): string | undefined {
  if (input.rateHz === undefined) return "needs a signal with a regular rate; this one has none";
  if (hz < input.rateHz / 2) return undefined;
  return `${hz} Hz is not below half the sample rate (${input.rateHz / 2} Hz here)`;
}

/** Why bounds written in `unit` cannot be used on a signal; undefined when the unit was left out or is right. */
export function sameUnit(input: Signal, unit: Unit | undefined): string | undefined {
  if (unit === undefined || unit === input.unit) return undefined;
  const wrong =
    quantityOf(unit) !== quantityOf(input.unit) ? ` (${quantityOf(unit)}, not ${quantityOf(input.unit)})` : "";
  return `written in ${unit}, but the signal here is in ${input.unit}${wrong}`;
}

/** Why a window of `ms` cannot be used: it would look back further than the ring of the channel holds. */
export function withinRing(input: Signal, ms: number): string | undefined {
  if (input.ringMs === undefined || ms <= input.ringMs) return undefined;
  return `a window of ${ms} ms is longer than the ring of the channel (${input.ringMs} ms)`;
}
