/** Gives samples out of a FIFO the times at which the part took them. */
export interface FifoClock {
  /** Milliseconds between samples as found so far. */
  readonly periodMs: number;
  /**
   * Writes the times of the `n` (≥ 1) samples of one drain into the start of `into`, oldest first. `nowMs` is when the drain
   * had ended and `left` the entries it left behind.
   */
  drained(n: number, nowMs: number, left: number, into: Float64Array): void;
  /** An unknown number of samples is gone: the next drain tells the time anew, the period is kept. */
  lost(): void;
}

/** Drains after which the loop no longer tightens: some 5 s at 50 drains a second. */
const MEMORY = 250;
/** How far a part's clock may be from its nominal rate; data sheets allow ±10 %. */
const TOLERANCE = 0.13;
/** Errors taken into account are limited to this many periods, so that one late reading of the host's clock moves little. */
const SLEW_PERIODS = 2;
/** An error beyond this, seen twice in a row, is not jitter. */
const ASTRAY_MS = 40;

/**
 * A delay-locked loop on counts: the number of samples drained says how far the part's clock has moved, the host's clock only
 * steers. The gains are those of a least-squares line through all drains so far, held once it spans `MEMORY` of them.
 */
export function createFifoClock(nominalHz: number): FifoClock {
  const nominalMs = 1000 / nominalHz;
  const shortestMs = nominalMs * (1 - TOLERANCE);
  const longestMs = nominalMs * (1 + TOLERANCE);
  let periodMs = nominalMs;
  let newestMs = Number.NaN;
  let drains = 0;
  let astray = 0;

  /** Where the newest sample is now believed to be. */
  function steer(n: number, seenMs: number): number {
    const predictedMs = newestMs + n * periodMs;
    const errorMs = seenMs - predictedMs;
    astray = Math.abs(errorMs) > ASTRAY_MS + SLEW_PERIODS * periodMs ? astray + 1 : 0;
    if (Number.isNaN(newestMs) || astray > 1) {
      astray = 0;
      drains = Math.min(drains, MEMORY >> 2);
      return seenMs;
    }
    if (drains < MEMORY) drains++;
    const area = (drains + 1) * (drains + 2);
    const limitMs = drains < 8 ? ASTRAY_MS : SLEW_PERIODS * periodMs;
    const heldMs = errorMs > limitMs ? limitMs : errorMs < -limitMs ? -limitMs : errorMs;
    const steeredMs = periodMs + ((6 / area) * heldMs) / n;
    periodMs = steeredMs < shortestMs ? shortestMs : steeredMs > longestMs ? longestMs : steeredMs;
    return predictedMs + ((4 * drains + 2) / area) * heldMs;
  }

  return {
    get periodMs() {
      return periodMs;
    },
    drained(n, nowMs, left, into) {
      const beforeMs = newestMs;
      // The newest sample came some time within the last period before the count was read.
      const nextMs = steer(n, nowMs - (left + 0.5) * periodMs);
      newestMs = nextMs > beforeMs || Number.isNaN(beforeMs) ? nextMs : beforeMs + n * 1e-3;
      const spanMs = newestMs - beforeMs;
      // Even steps from the last sample of the drain before; after a loss, periods back from the newest.
      const stepMs =
        spanMs > 0 && spanMs < n * longestMs * 1.5
          ? spanMs / n
          : Math.min(periodMs, spanMs > 0 ? spanMs / n : periodMs);
      for (let i = 0; i < n; i++) into[i] = newestMs - (n - 1 - i) * stepMs;
    },
    lost() {
      newestMs = Number.NaN;
    },
  };
}
