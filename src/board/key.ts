import type { PRESSES } from "./assignment.ts";
import { KEY } from "./panel-patterns.ts";

export type Press = (typeof PRESSES)[number];

/** The operator's key: from edges to presses. A press is told when the key is let go, with the instant at which it went down. */
export interface OperatorKey {
  down(atMs: number): void;
  up(atMs: number): void;
  /** How far a press has got while the key is held; undefined when it is not. */
  held(nowMs: number): Press | "stuck" | undefined;
}

/** `press` hears every press once. What ends sooner than a contact bounces is none, and a stuck key is none. */
export function createKey(press: (kind: Press, downMs: number) => void): OperatorKey {
  let downMs = Number.NaN;

  function kindOf(ms: number): Press | "stuck" {
    if (ms >= KEY.stuckMs) return "stuck";
    if (ms >= KEY.muteMs) return "mute";
    return ms >= KEY.longMs ? "long" : "short";
  }

  return {
    down(atMs) {
      if (Number.isNaN(downMs)) downMs = atMs;
    },
    up(atMs) {
      const lastedMs = atMs - downMs;
      const beganMs = downMs;
      downMs = Number.NaN;
      if (!(lastedMs >= KEY.bounceMs)) return;
      const kind = kindOf(lastedMs);
      if (kind !== "stuck") press(kind, beganMs);
    },
    held: (nowMs) => (Number.isNaN(downMs) ? undefined : kindOf(nowMs - downMs)),
  };
}
