import type { SamplerEnd } from "../model/record.ts";
import type { Clock } from "../model/time.ts";

/** It says how it is every 2 s; the watchdog of its service waits for 30. */
const HUNG_MS = 15_000;

/**
 * Stands in for the supervisor where systemd runs the sampler: counts how often another one came, and asks nobody to end,
 * because the sampler sees by itself that its configuration was replaced.
 */
export function createVisitor(clock: Clock, ended: (end: SamplerEnd) => void) {
  let session = "";
  let heardMs = clock.monoMs();
  let restarts = 0;
  return {
    start: (): void => undefined,
    alive(): void {
      heardMs = clock.monoMs();
    },
    stop: async (_graceMs: number): Promise<void> => undefined,
    /** A sampler said who it is. */
    hello(next: string): void {
      if (session !== "" && next !== session) restarts++;
      session = next;
    },
    /** Its connection closed. One that was silent before hung, and systemd's watchdog has ended it. */
    gone(): void {
      const silentMs = clock.monoMs() - heardMs;
      const silent = `it was silent for ${Math.round(silentMs / 1000)} s before it was gone`;
      ended(silentMs > HUNG_MS ? { cause: "hung", words: silent } : { cause: "ended", words: "its connection closed" });
    },
    get restarts() {
      return restarts;
    },
  };
}
