import type { Anchor } from "../model/time.ts";

/** Serial and receiver delay between an epoch and its first byte on the host: 50 to 200 ms on the receivers of the sheets. */
const DELAY_UNC_MS = 200;
const WINDOW = 60;
/** An anchor is given again when the mapping moved this much, or after this long. */
const MOVED_MS = 50;
const AGAIN_MS = 600_000;

/**
 * Makes time anchors from the UTC of epochs. Bytes only ever arrive late, so the greatest offset of the last minute is the
 * truest; an anchor is reported when it is new, has moved, or ten minutes have passed.
 */
export function createGnssAnchor(report: (anchor: Anchor) => void) {
  const offsets = new Float64Array(WINDOW);
  let count = 0;
  let reported: Anchor | undefined;

  return {
    utc(utcMs: number, monoMs: number, uncMs: number): void {
      const offset = utcMs - monoMs;
      // A step of the receiver's time starts a new estimate.
      if (reported !== undefined && Math.abs(offset - reported.offsetMs) > 2000) count = 0;
      offsets[count++ % WINDOW] = offset;
      let best = offset;
      for (let i = 0; i < Math.min(count, WINDOW); i++) best = Math.max(best, offsets[i]!);
      const moved = reported === undefined || Math.abs(best - reported.offsetMs) > MOVED_MS;
      if (!moved && monoMs - (reported?.monoMs ?? 0) < AGAIN_MS) return;
      reported = { monoMs, offsetMs: best, trust: "gnss", uncMs: Math.max(uncMs, DELAY_UNC_MS) };
      report(reported);
    },
  };
}
