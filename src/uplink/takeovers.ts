const TAKEN_OVER = 0x8e;
const WITHIN_MS = 60_000;
const FORGOTTEN_AFTER_MS = 300_000;
const WAIT_MS = 60_000;

/** Finds a second client with the same identity: the session was taken over (0x8E) twice within a minute. */
export interface Takeovers {
  readonly cloned: boolean;
  /** Counts how a connection ended. True when it was taken over for the second time in a minute. */
  count(disconnectCode: number | undefined, nowMs: number): boolean;
  /** A connection has stood for so long; after five minutes the other one is believed to be gone. */
  stands(forMs: number): void;
  /** Half a minute to a minute, so that two clones do not throw each other out once a second. */
  waitMs(random: () => number): number;
}

export function createTakeovers(): Takeovers {
  let lastMs = Number.NEGATIVE_INFINITY;
  let cloned = false;
  return {
    get cloned() {
      return cloned;
    },
    count(disconnectCode, nowMs) {
      if (disconnectCode !== TAKEN_OVER) return false;
      const again = cloned || nowMs - lastMs <= WITHIN_MS;
      lastMs = nowMs;
      cloned = again;
      return again;
    },
    stands(forMs) {
      if (forMs >= FORGOTTEN_AFTER_MS) cloned = false;
    },
    waitMs: (random) => WAIT_MS * (0.5 + random() / 2),
  };
}
