import type { Block } from "../../model/block.ts";
import { UNUSABLE } from "../../model/quality.ts";

/** One side of a limit, in the unit of the channel. */
export interface LimitSpec {
  /** `over`: too much is above `at`; `under`: too little is below it. */
  readonly side: "over" | "under";
  readonly at: number;
  /** The limit is left when the value is back at this or further; on the good side of `at`, which makes the hysteresis. */
  readonly releaseAt: number;
  /** How long it must last before it counts, in ms of sample time; 0: at the first sample. */
  readonly afterMs: number;
  /** How long it must be good again before it counts as left, in ms of sample time. */
  readonly releaseAfterMs: number;
}

/** A limit was reached or left. The object is used again by the next change: copy what you keep. */
export interface LimitChange {
  /** Whether the limit holds from now on. */
  on: boolean;
  /** Instant of the sample that decided (mono ms). */
  tMs: number;
  /** Instant of the first sample beyond the limit (mono ms). */
  sinceMs: number;
  /** The value that decided. */
  value: number;
  /** The worst value since `sinceMs`. */
  worst: number;
}

export interface LimitDetector {
  readonly on: boolean;
  process(block: Block): void;
}

/**
 * A limit with hysteresis and delays, in sample time. A sample marked missing or suspect decides nothing: it neither starts,
 * ends nor interrupts a delay. Nothing is allocated.
 */
export function createLimitDetector(spec: LimitSpec, changed: (change: LimitChange) => void): LimitDetector {
  const sign = spec.side === "over" ? 1 : -1;
  const at = sign * spec.at;
  const releaseAt = sign * spec.releaseAt;
  const change: LimitChange = { on: false, tMs: 0.5, sinceMs: 0.5, value: 0.5, worst: 0.5 };
  let on = false;
  // In an array, so that no number is put on the heap: since when beyond, since when good again, the worst value.
  const s = new Float64Array([Number.NaN, Number.NaN, Number.NaN]);

  function tell(block: Block, i: number): void {
    change.on = on;
    change.tMs = block.t[i]!;
    change.sinceMs = s[0]!;
    change.value = block.x[i]!;
    change.worst = sign * s[2]!;
    changed(change);
  }

  return {
    get on() {
      return on;
    },
    process(block) {
      const { t, x, q, n } = block;
      for (let i = 0; i < n; i++) {
        if ((q[i]! & UNUSABLE) !== 0) continue;
        const v = sign * x[i]!;
        if (!on) {
          if (!(v > at)) {
            s[0] = Number.NaN;
            continue;
          }
          if (Number.isNaN(s[0]!)) {
            s[0] = t[i]!;
            s[2] = v;
          }
          if (v > s[2]!) s[2] = v;
          if (t[i]! - s[0]! < spec.afterMs) continue;
          on = true;
          s[1] = Number.NaN;
          tell(block, i);
          continue;
        }
        if (v > s[2]!) s[2] = v;
        if (v > releaseAt) {
          s[1] = Number.NaN;
          continue;
        }
        if (Number.isNaN(s[1]!)) s[1] = t[i]!;
        if (t[i]! - s[1]! < spec.releaseAfterMs) continue;
        on = false;
        tell(block, i);
        s[0] = Number.NaN;
      }
    },
  };
}
