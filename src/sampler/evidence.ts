import type { Ring } from "../dsp/ring.ts";
import { type Block, createBlock } from "../model/block.ts";
import { UNUSABLE } from "../model/quality.ts";

/** The level before an event is the mean of this long before it, up to `MARGIN_MS` before it, in ms. */
const BEFORE_MS = 1000;
const MARGIN_MS = 50;

/** How a slow channel moved around an event. */
export interface Moved {
  /** Mean of the second before, in the channel's unit. */
  readonly before: number;
  /** Least and greatest value since. */
  readonly least: number;
  readonly greatest: number;
}

/**
 * Looks up in a channel's ring what it was before an instant and where it went from then to `untilMs` (mono ms). Undefined
 * when there is no usable sample on either side.
 */
export function createEvidence(ring: Ring): (atMs: number, untilMs: number) => Moved | undefined {
  const scratch: Block = createBlock(ring.capacity);

  /** Usable samples of a stretch: count, sum, least, greatest. */
  function span(fromMs: number, toMs: number) {
    ring.copyRange(fromMs, toMs, scratch);
    const out = { n: 0, sum: 0, least: Number.POSITIVE_INFINITY, greatest: Number.NEGATIVE_INFINITY };
    for (let i = 0; i < scratch.n; i++) {
      if ((scratch.q[i]! & UNUSABLE) !== 0) continue;
      const v = scratch.x[i]!;
      out.n++;
      out.sum += v;
      out.least = Math.min(out.least, v);
      out.greatest = Math.max(out.greatest, v);
    }
    return out;
  }

  return (atMs, untilMs) => {
    const before = span(atMs - BEFORE_MS, atMs - MARGIN_MS);
    const since = span(atMs, untilMs);
    if (before.n === 0 || since.n === 0) return undefined;
    return { before: before.sum / before.n, least: since.least, greatest: since.greatest };
  };
}
