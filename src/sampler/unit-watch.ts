import type { Due } from "./schedule.ts";

/** Without a word of the unit for so long (ms), there is no unit. */
const SILENT_MS = 10_000;
const LOOK_MS = 1000;

/** Passes on what the unit says to the operator (its lamp, its display), and says `silence` when it comes no more. */
export function createUnitWatch<T>(
  tell: (word: T) => void,
  silence: T,
  nowMs: () => number,
): Due & { told(word: T): void } {
  let toldMs = nowMs();
  let dueMs = toldMs + LOOK_MS;
  return {
    told(word) {
      toldMs = nowMs();
      tell(word);
    },
    get dueMs() {
      return dueMs;
    },
    step(now) {
      dueMs = now + LOOK_MS;
      if (now - toldMs > SILENT_MS) tell(silence);
    },
  };
}
