import type { Block } from "../model/block.ts";
import { UNUSABLE } from "../model/quality.ts";

/** When a source gives its channel up, and when it gets it back. */
export interface FailOver {
  /** Without a usable sample for so long, the next source speaks (ms). */
  readonly afterMs: number;
  /** A better source speaks again after it was good for so long without a break (ms). */
  readonly returnAfterMs: number;
}

/** Why the speaker changed: the one that spoke gave nothing usable, or a better one has been good long enough. */
export type SwitchReason = "silent" | "returned";

/** Which of several sources speaks for a channel. */
export interface Preference {
  /** Place of the source that speaks, 0 for the best. */
  readonly speaker: number;
  /** Takes note of a source's newest block, and says whether it is the one that speaks. */
  heard(source: number, block: Block): boolean;
}

/**
 * Chooses between sources in their order, by the instants of their samples alone. A source that comes back or wavers must first
 * prove itself: a stand-in takes over only when it has run for half of `afterMs`, so that after a stall of the loop the
 * first source to be read does not win, and a better source returns only after `returnAfterMs` without a single bad sample.
 */
export function createPreference(
  sources: number,
  { afterMs, returnAfterMs }: FailOver,
  onSwitch: (to: number, from: number, reason: SwitchReason, tMs: number) => void,
): Preference {
  /** Newest usable sample of each source; since when it has come without a pause; since when without a bad sample. */
  const good = new Float64Array(sources).fill(Number.NEGATIVE_INFINITY);
  const running = new Float64Array(sources).fill(Number.NaN);
  const spotless = new Float64Array(sources).fill(Number.NaN);
  let speaker = 0;
  /** The speaker is not asked for samples from before this. */
  let sinceMs = Number.NaN;
  let nowMs = Number.NEGATIVE_INFINITY;

  function note(source: number, { t, q, n }: Block): void {
    for (let i = 0; i < n; i++) {
      if ((q[i]! & UNUSABLE) !== 0) {
        spotless[source] = Number.NaN;
        continue;
      }
      const paused = t[i]! - good[source]! > afterMs;
      if (paused) running[source] = t[i]!;
      if (paused || Number.isNaN(spotless[source]!)) spotless[source] = t[i]!;
      good[source] = t[i]!;
    }
    if (t[n - 1]! > nowMs) nowMs = t[n - 1]!;
  }

  function change(to: number, reason: SwitchReason): void {
    const from = speaker;
    speaker = to;
    sinceMs = nowMs;
    onSwitch(to, from, reason, nowMs);
  }

  const isFresh = (source: number) => nowMs - good[source]! <= afterMs;

  function choose(): void {
    for (let i = 0; i < speaker; i++)
      if (isFresh(i) && good[i]! - spotless[i]! >= returnAfterMs) {
        change(i, "returned");
        return;
      }
    if (nowMs - Math.max(good[speaker]!, sinceMs) <= afterMs) return;
    for (let i = 0; i < sources; i++)
      if (i !== speaker && isFresh(i) && good[i]! - running[i]! >= afterMs / 2) {
        change(i, "silent");
        return;
      }
  }

  return {
    get speaker() {
      return speaker;
    },
    heard(source, block) {
      if (block.n === 0) return source === speaker;
      note(source, block);
      if (Number.isNaN(sinceMs)) sinceMs = nowMs;
      choose();
      return source === speaker;
    },
  };
}
