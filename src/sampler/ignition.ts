import type { Block } from "../model/block.ts";
import type { Ignition } from "../model/power.ts";
import { QUALITY, UNUSABLE } from "../model/quality.ts";
import type { Pipeline } from "./pipeline.ts";

/** How the ignition is sensed; channels by their place in the list of pipelines, thresholds in their units. */
export interface IgnitionSpec {
  readonly channel: number;
  readonly onAbove: number;
  readonly offBelow: number;
  /** Off counts after so long without a sample that says on. */
  readonly offHoldMs: number;
  /** While this channel is above, the machine runs, whatever the sense says: a broken wire reads like a key that is off. */
  readonly unless?: { readonly channel: number; readonly above: number };
}

/** Nothing is known of the ignition without a usable sample within this. */
export const SENSE_STALE_MS = 3000;
const NO_USE = UNUSABLE | QUALITY.stale;

/**
 * Watches the channel of the ignition behind its filters. On is believed at once, off only when usable samples have said nothing
 * else for the whole hold; samples that are missing, stale or unusable say nothing, and off is never made of nothing. `changed` is
 * called when the answer may be another one.
 */
export function createIgnitionSense(spec: IgnitionSpec, pipelines: readonly Pipeline[], changed: () => void) {
  const { onAbove, offBelow, offHoldMs, unless } = spec;
  let seenMs = Number.NEGATIVE_INFINITY;
  let isOff = false;
  let offSinceMs = 0;
  let runsMs = Number.NEGATIVE_INFINITY;
  let state: Ignition = "unknown";

  function settle(): void {
    const now: Ignition = !isOff
      ? "on"
      : seenMs - runsMs <= SENSE_STALE_MS
        ? "unknown"
        : seenMs - offSinceMs >= offHoldMs
          ? "off"
          : "leaving";
    if (now === state) return;
    state = now;
    changed();
  }

  pipelines[spec.channel]?.onFiltered((block: Block) => {
    for (let i = 0; i < block.n; i++) {
      const x = block.x[i]!;
      const tMs = block.t[i]!;
      if ((block.q[i]! & NO_USE) !== 0 || !Number.isFinite(x) || tMs < seenMs) continue;
      // What was said before a hole counts no more.
      const known = tMs - seenMs <= SENSE_STALE_MS;
      if (!known && x <= onAbove && x >= offBelow) continue;
      const off = x < offBelow || (x <= onAbove && isOff);
      if (off && !(known && isOff)) offSinceMs = tMs;
      isOff = off;
      seenMs = tMs;
      settle();
    }
  });
  if (unless !== undefined)
    pipelines[unless.channel]?.onFiltered((block: Block) => {
      for (let i = 0; i < block.n; i++)
        if ((block.q[i]! & NO_USE) === 0 && block.x[i]! > unless.above) {
          runsMs = block.t[i]!;
          // The hold begins anew once the machine has stopped.
          if (isOff) offSinceMs = runsMs;
        }
    });

  /** What is known at `nowMs`. */
  return (nowMs: number): Ignition => {
    if (nowMs - seenMs > SENSE_STALE_MS) return "unknown";
    return state;
  };
}
