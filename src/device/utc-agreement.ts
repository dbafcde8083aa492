import type { TimeSink } from "./source.ts";

/** UTC and mono must advance alike within this. */
const AGREE_MS = 200;
/** Epochs in a row that must agree before the time is told. */
const EPOCHS = 3;
/** A message comes some tens to hundreds of ms after the instant it tells: computing, other messages, the line. */
const UTC_UNC_MS = 250;

/** Tells UTC once it has advanced like the mono clock over several epochs, each with a fix and a plausible day. */
export function createUtcAgreement(time: TimeSink | undefined) {
  let agreeing = 0;
  let lastUtcMs = Number.NaN;
  let lastUtcAtMs = Number.NaN;

  return {
    /** UTC of one epoch that came at `atMs` (mono); NaN where it has none that is believable. */
    epoch(utcMs: number, atMs: number): void {
      if (Number.isNaN(utcMs)) {
        agreeing = 0;
        return;
      }
      const drift = utcMs - lastUtcMs - (atMs - lastUtcAtMs);
      agreeing = agreeing > 0 && Math.abs(drift) <= AGREE_MS ? agreeing + 1 : 1;
      lastUtcMs = utcMs;
      lastUtcAtMs = atMs;
      if (agreeing >= EPOCHS) time?.utc(utcMs, atMs, UTC_UNC_MS);
    },
    reset(): void {
      agreeing = 0;
    },
  };
}
