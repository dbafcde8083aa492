/** Shortest wait between two attempts, so that full jitter can never become a busy loop. */
export const MIN_WAIT_MS = 100;
const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

/** How long to wait before the next attempt: full jitter under a ceiling that doubles from 1 s to 60 s and never stops. */
export interface BackOff {
  nextMs(): number;
  reset(): void;
}

/** `random` gives [0, 1). */
export function createBackOff(random: () => number): BackOff {
  let ceilingMs = FIRST_MS;
  return {
    nextMs() {
      const waitMs = Math.max(MIN_WAIT_MS, random() * ceilingMs);
      ceilingMs = Math.min(LONGEST_MS, ceilingMs * 2);
      return waitMs;
    },
    reset() {
      ceilingMs = FIRST_MS;
    },
  };
}
