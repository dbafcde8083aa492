/** Changes within this time are told together. */
const STATE_MS = 200;
const HEALTH_EVERY_MS = 60_000;
/** The first health message comes early: a maintainer waits for it. */
const FIRST_HEALTH_MS = 5000;
/** Health follows a change after this time, so that counters which belong to it are in it, ... */
const HEALTH_AFTER_MS = 1000;
/** ... but not sooner than this after the one before. */
const HEALTH_SPACING_MS = 5000;

/**
 * Says when `state` and `health` are due: state at every change of what `condition` describes, health once a minute and
 * soon after a change. Call `look` wherever something may have changed.
 */
export function createBulletins(options: {
  readonly condition: () => unknown;
  readonly tellState: () => void;
  readonly tellHealth: () => void;
}) {
  let known = "";
  let stateTimer: NodeJS.Timeout | undefined;
  let healthTimer: NodeJS.Timeout | undefined;
  let healthMs = Number.NEGATIVE_INFINITY;
  let healthDueMs = Number.POSITIVE_INFINITY;

  function healthIn(delayMs: number): void {
    const nowMs = performance.now();
    const dueMs = Math.max(nowMs + delayMs, healthMs + HEALTH_SPACING_MS);
    if (dueMs >= healthDueMs) return;
    healthDueMs = dueMs;
    clearTimeout(healthTimer);
    healthTimer = setTimeout(() => {
      healthMs = performance.now();
      healthDueMs = Number.POSITIVE_INFINITY;
      options.tellHealth();
      healthIn(HEALTH_EVERY_MS);
    }, dueMs - nowMs);
  }

  return {
    start(): void {
      known = JSON.stringify(options.condition());
      healthIn(FIRST_HEALTH_MS);
    },
    look(): void {
      if (known === "") return;
      const now = JSON.stringify(options.condition());
      if (now === known) return;
      known = now;
      stateTimer ??= setTimeout(() => {
        stateTimer = undefined;
        options.tellState();
      }, STATE_MS);
      // The first health message is waited for: what changes while everything starts is in it.
      if (healthMs !== Number.NEGATIVE_INFINITY) healthIn(HEALTH_AFTER_MS);
    },
    stop(): void {
      known = "";
      clearTimeout(stateTimer);
      clearTimeout(healthTimer);
    },
  };
}
