import type { TrialFacts } from "../config/trial.ts";
import type { Status } from "../link/frame.ts";
import type { Clock } from "../model/time.ts";

/** A part whose newest sample is older than this does not deliver: the slowest ones speak every few seconds. */
const FRESH_MS = 15_000;

/** Keeps what a trial of the configuration is judged by. */
export function createCondition(clock: Clock) {
  let heardMs = clock.monoMs();
  let rowMs = heardMs;
  let bytes = 0;
  return {
    /** The sampler told its state. */
    heard(): void {
      heardMs = clock.monoMs();
    },
    row(): void {
      rowMs = clock.monoMs();
      heardMs = rowMs;
    },
    /** A record of so many bytes was made. */
    stored(length: number): void {
      bytes += length;
    },
    /** `nowMs` is that of the sampler's clock, in which parts tell their newest sample. */
    facts(now: {
      readonly status: Status | undefined;
      readonly nowMs: number;
      readonly restarts: number;
      readonly connected: boolean;
      readonly ignitionOff: boolean;
    }): TrialFacts {
      const { status, nowMs, restarts, connected, ignitionOff } = now;
      const sources = Object.entries(status?.sources ?? {});
      const lost = Object.values(status?.losses ?? {}).flatMap((kinds) => Object.values(kinds));
      const fresh = ([, { state, lastSampleMono = 0 }]: (typeof sources)[number]) =>
        (state === "running" || state === "degraded") && nowMs - lastSampleMono < FRESH_MS;
      return {
        samplerRestarts: restarts,
        silentMs: clock.monoMs() - heardMs,
        rowAgeMs: clock.monoMs() - rowMs,
        fresh: sources.filter(fresh).map(([name]) => name),
        connected,
        lost: lost.reduce((sum, n) => sum + n, status?.framesLost ?? 0),
        latenessMs: status?.latenessP50Ms ?? 0,
        recordBytes: bytes,
        ignitionOff,
      };
    },
  };
}
