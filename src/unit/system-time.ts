import { type Anchor, CLOCK_DRIFT, type Clock } from "../model/time.ts";
import { type ClockQuality, createClockQuality } from "./clock-quality.ts";

const CHECK_MS = 60_000;
/** An anchor is given again when the mapping moved this much, when it became this much sharper, or after this long. */
const MOVED_MS = 50;
const SHARPER = 0.7;
const AGAIN_MS = 600_000;
/** A new answer of a time server is worth an anchor after this long: readers take the nearest one. */
const ANSWER_MS = 300_000;

/**
 * Makes anchors from the system's clock while a time service vouches for it, each as uncertain as the service says. A clock
 * that was stepped is not believed before a time server has answered again: somebody may have set it by hand.
 */
export function createSystemTime() {
  let believed: { anchor: Anchor; answeredMs: number } | undefined;
  let given: { anchor: Anchor; answeredMs: number } | undefined;
  return {
    /** What the clock says now, when that is news. */
    reading(monoMs: number, utcMs: number, quality: ClockQuality | undefined): Anchor | undefined {
      if (quality === undefined) return undefined;
      const { answeredMs, uncMs } = quality;
      const anchor: Anchor = { monoMs, offsetMs: utcMs - monoMs, trust: "ntp", uncMs };
      if (believed !== undefined) {
        const room = uncMs + believed.anchor.uncMs + (monoMs - believed.anchor.monoMs) * CLOCK_DRIFT;
        const stepped = Math.abs(anchor.offsetMs - believed.anchor.offsetMs) > room;
        if (stepped && answeredMs === believed.answeredMs) return undefined;
      }
      believed = { anchor, answeredMs };
      const sinceMs = monoMs - (given?.anchor.monoMs ?? Number.NEGATIVE_INFINITY);
      const isNews =
        given === undefined ||
        Math.abs(anchor.offsetMs - given.anchor.offsetMs) > MOVED_MS ||
        uncMs < given.anchor.uncMs * SHARPER ||
        sinceMs >= (answeredMs === given.answeredMs ? AGAIN_MS : ANSWER_MS);
      if (!isNews) return undefined;
      given = { anchor, answeredMs };
      return anchor;
    },
  };
}

/** Offers anchors from the system's clock. Returns how to stop that. */
export function watchSystemClock(options: {
  readonly clock: Clock;
  readonly offer: (anchor: Anchor) => void;
  readonly log: { warn(fields: object, message: string): void };
}): () => void {
  const { clock, offer, log } = options;
  const time = createSystemTime();
  const quality = createClockQuality();
  let told: string | undefined;
  let stopped = false;
  async function check(): Promise<void> {
    const found = await quality(Date.now());
    if (stopped) return;
    if (found?.guessed !== undefined && found.guessed !== told)
      log.warn({ reason: found.guessed, uncMs: found.uncMs }, "the time service does not say how good the clock is");
    told = found?.guessed;
    const anchor = time.reading(clock.monoMs(), Date.now(), found);
    if (anchor !== undefined) offer(anchor);
  }
  const checkNow = () => void check().catch((e: unknown) => log.warn({ err: e }, "the clock cannot be judged"));
  checkNow();
  const timer = setInterval(checkNow, CHECK_MS);
  return () => {
    stopped = true;
    clearInterval(timer);
  };
}
