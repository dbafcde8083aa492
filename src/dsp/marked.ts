import { QUALITY, UNUSABLE } from "../model/quality.ts";
import type { StatBlock } from "./stat-block.ts";

/**
 * Puts the last usable value in the place of every marked sample, so that a filter with memory keeps its time base and never
 * swallows what is not believable. `held[0]` is the last usable value (NaN when there was none yet). The bits stay;
 * `restoreMissing` ends it.
 */
export function holdMarked(block: StatBlock, held: Float64Array): void {
  const { x, q, n } = block;
  let last = held[0]!;
  for (let i = 0; i < n; i++) {
    if ((q[i]! & UNUSABLE) === 0) last = x[i]!;
    else x[i] = last;
  }
  held[0] = last;
}

/** Takes the value away again where there is none: samples marked missing, and results that are not numbers. */
export function restoreMissing(block: StatBlock): void {
  const { x, q, n } = block;
  for (let i = 0; i < n; i++) {
    if ((q[i]! & QUALITY.missing) !== 0) {
      x[i] = Number.NaN;
    } else if (!(x[i]! * 0 === 0)) {
      x[i] = Number.NaN;
      q[i]! |= QUALITY.missing;
      block.marks |= QUALITY.missing;
    }
  }
}
