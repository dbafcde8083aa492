import type { PipeEnd } from "./pipe.ts";

const TAKEN_OVER = 0x8e;
const WITHIN_MS = 60_000;
/** Brokers that do not tell the reason (MQTT 3.1.1, Mosquitto 2.0): so many quiet closes in a row, in so many ms. */
const QUIET_CLOSES = 4;
const QUIET_WITHIN_MS = 180_000;
const FORGOTTEN_AFTER_MS = 300_000;
const WAIT_MS = 60_000;

/**
 * Finds a second client with the same identity: the session was taken over (0x8E) twice within a minute; or, where the
 * broker gives no reason, connections that were accepted and idle were closed by it four times in a row within 3 min.
 */
export interface Takeovers {
  readonly cloned: boolean;
  /** Counts how a connection ended. `quiet`: it was up for less than a minute and nothing was unacknowledged. True: a clone. */
  count(end: PipeEnd, quiet: boolean, nowMs: number): boolean;
  /** A connection has stood for so long; after five minutes the other one is believed to be gone. */
  stands(forMs: number): void;
  /** Half a minute to a minute, so that two clones do not throw each other out once a second. */
  waitMs(random: () => number): number;
}

export function createTakeovers(): Takeovers {
  let lastMs = Number.NEGATIVE_INFINITY;
  let quietMs: number[] = [];
  let cloned = false;
  return {
    get cloned() {
      return cloned;
    },
    count(end, quiet, nowMs) {
      if (end.disconnectCode === TAKEN_OVER) {
        if (nowMs - lastMs <= WITHIN_MS) cloned = true;
        lastMs = nowMs;
        return cloned;
      }
      if (!quiet || end.disconnectCode !== undefined || end.error !== undefined) {
        quietMs = [];
        return false;
      }
      quietMs = [...quietMs.filter((at) => nowMs - at <= QUIET_WITHIN_MS), nowMs];
      if (quietMs.length >= QUIET_CLOSES) cloned = true;
      return cloned;
    },
    stands(forMs) {
      if (forMs >= FORGOTTEN_AFTER_MS) cloned = false;
    },
    waitMs: (random) => WAIT_MS * (0.5 + random() / 2),
  };
}
