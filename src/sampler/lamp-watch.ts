import type { Lamp } from "../model/operator.ts";
import type { Due } from "./schedule.ts";

/** Without a word of the unit about the lamp for so long (ms), there is no unit: the lamp says fault. */
const SILENT_MS = 10_000;
const LOOK_MS = 1000;

/** Passes the unit's word about the lamp on, and says fault when it comes no more. */
export function createLampWatch(tell: (lamp: Lamp) => void, nowMs: () => number): Due & { told(lamp: Lamp): void } {
  let toldMs = nowMs();
  let dueMs = toldMs + LOOK_MS;
  return {
    told(lamp) {
      toldMs = nowMs();
      tell(lamp);
    },
    get dueMs() {
      return dueMs;
    },
    step(now) {
      dueMs = now + LOOK_MS;
      if (now - toldMs > SILENT_MS) tell("fault");
    },
  };
}
