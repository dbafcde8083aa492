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

/** Drift of a Pi's crystal allowed for away from an anchor: 50 ppm. */
export const CLOCK_DRIFT = 50e-6;

/** An anchor and the boot whose `mono` it maps. */
export interface BootAnchor extends Anchor {
  readonly boot: string;
}

/** An instant in UTC, true within ± `uncMs`. */
export interface ResolvedTime {
  readonly utcMs: number;
  readonly trust: Trust;
  readonly uncMs: number;
}

/** Whether two anchors of one boot can both be true. */
function agree(a: Anchor, b: Anchor): boolean {
  const room = a.uncMs + b.uncMs + Math.abs(a.monoMs - b.monoMs) * CLOCK_DRIFT;
  return Math.abs(a.offsetMs - b.offsetMs) <= room;
}

/**
 * UTC of an instant of one boot from all that is known of that boot, earlier and later; undefined when nothing is. The most
 * trusted clock decides: the sharpest of its anchors that agrees with its newest one; a weaker clock only makes it sharper
 * where the two agree. Where anchors of the deciding clock contradict each other, the uncertainty reaches over all of them.
 * Never decides an order: that is `mono`'s alone.
 */
export function resolveTime(
  anchors: readonly BootAnchor[],
  boot: string,
  monoMs: number,
): (ResolvedTime & { readonly anchor: BootAnchor }) | undefined {
  const uncAt = (a: Anchor) => a.uncMs + Math.abs(monoMs - a.monoMs) * CLOCK_DRIFT;
  let newest: BootAnchor | undefined;
  for (const a of anchors) {
    if (a.boot !== boot || a.trust === "none") continue;
    const stronger = newest === undefined ? 1 : TRUST.indexOf(a.trust) - TRUST.indexOf(newest.trust);
    if (stronger > 0 || (stronger === 0 && a.monoMs >= newest!.monoMs)) newest = a;
  }
  if (newest === undefined) return undefined;
  let best = newest;
  for (const a of anchors) {
    const candidate = a.boot === boot && a.trust === newest.trust && agree(a, newest);
    if (candidate && uncAt(a) < uncAt(best)) best = a;
  }
  let uncMs = uncAt(best);
  let disputed = false;
  let sharpest = best;
  for (const a of anchors) {
    if (a.boot !== boot || a.trust !== newest.trust || agree(a, newest)) continue;
    disputed = true;
    uncMs = Math.max(uncMs, Math.abs(a.offsetMs - best.offsetMs) + uncAt(a));
  }
  for (const a of anchors) {
    if (disputed || a.boot !== boot || a.trust === "none" || uncAt(a) >= uncMs || !agree(a, best)) continue;
    sharpest = a;
    uncMs = uncAt(a);
  }
  return { utcMs: monoMs + sharpest.offsetMs, trust: sharpest.trust, uncMs, anchor: sharpest };
}
