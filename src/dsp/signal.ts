import { UNITS, type Unit } from "../model/units.ts";

/** What flows between two stages of a chain; worked out stage by stage when the configuration is read. */
export interface Signal {
  readonly unit: Unit;
  /** Samples per second, when they are regular. */
  readonly rateHz?: number;
  /** Values expected, in `unit`. Not enforced: for checks of limits and for the descriptor. */
  readonly range: readonly [number, number];
  /** Most samples in one block. */
  readonly capacity: number;
  /** Whether a sample stands for several and carries their statistics (after a decimation). */
  readonly stats?: boolean;
  /** How long the ring of the channel holds (ms): no window may look back further. */
  readonly ringMs?: number;
  /** Set when samples come only on change: within this time (ms) an older value still holds. */
  readonly holdMs?: number;
}

/** What the unit measures, such as `pressure`. */
export function quantityOf(unit: Unit): string {
  return UNITS[unit].quantity;
}

/** How many samples fill `ms` at the signal's rate; undefined when the rate is not known. */
export function samplesIn(signal: Signal, ms: number): number | undefined {
  return signal.rateHz === undefined ? undefined : Math.max(1, Math.round((ms * signal.rateHz) / 1000));
}
