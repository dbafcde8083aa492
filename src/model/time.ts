/**
 * Where a UTC time came from, weakest first. `none`: only `boot` and `mono` are known.
 */
export const TRUST = ["none", "rtc", "ntp", "gnss"] as const;
export type Trust = (typeof TRUST)[number];

/** How `mono` of one boot maps to UTC: `utcMs = monoMs + offsetMs`, true within ± `uncMs`. */
export interface Anchor {
  readonly monoMs: number;
  readonly offsetMs: number;
  readonly trust: Trust;
  readonly uncMs: number;
}

/** Milliseconds since the machine booted, monotonic; the only clock a duration, a time-out or an order may come from. */
export interface Clock {
  monoMs(): number;
}
