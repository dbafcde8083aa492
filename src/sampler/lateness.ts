const BUCKETS = 256;
/** Width of a bucket in ms. */
const STEP_MS = 0.25;

/** How late steps began after they were due, over a span: a histogram in 0.25 ms steps up to 64 ms, and the greatest. */
export function createLateness() {
  const buckets = new Uint32Array(BUCKETS);
  let count = 0;
  let maxMs = 0;

  return {
    add(lateMs: number): void {
      const late = lateMs > 0 ? lateMs : 0;
      const i = Math.floor(late / STEP_MS);
      buckets[i < BUCKETS ? i : BUCKETS - 1]!++;
      count++;
      if (late > maxMs) maxMs = late;
    },
    /** Median (to the bucket's upper edge) and greatest lateness in ms since the last call; both 0 when nothing was due. */
    take(): { p50Ms: number; maxMs: number } {
      let seen = 0;
      let i = 0;
      while (i < BUCKETS && seen + buckets[i]! < count / 2) seen += buckets[i++]!;
      const out = { p50Ms: count === 0 ? 0 : (i + 1) * STEP_MS, maxMs: Math.round(maxMs * 100) / 100 };
      buckets.fill(0);
      count = 0;
      maxMs = 0;
      return out;
    },
  };
}

export type Lateness = ReturnType<typeof createLateness>;
