import { statSync } from "node:fs";
import { type Anchor, CLOCK_DRIFT, type Clock } from "../model/time.ts";

/** systemd-timesyncd makes this file once a server has set the clock, and touches it at every answer of a server. */
const SYNCHRONIZED = "/run/systemd/timesync/synchronized";
const CHECK_MS = 60_000;
/** Network time over a field link; timesyncd does not tell how good it is. */
const NTP_UNC_MS = 500;
/** An anchor is given again when the mapping moved this much, or after this long. */
const MOVED_MS = 50;
const AGAIN_MS = 600_000;

/**
 * Makes anchors from the system's clock while the system says that it is synchronised. A clock that was stepped is not
 * believed before a time server has answered again: somebody may have set it by hand.
 */
export function createSystemTime() {
  let believed: { anchor: Anchor; touched: number } | undefined;
  let given: Anchor | undefined;
  return {
    /** What the clock says now, when that is news; `touched` is when the marker was last touched, if there is one. */
    reading(monoMs: number, utcMs: number, touched: number | undefined): Anchor | undefined {
      if (touched === undefined) return undefined;
      const anchor: Anchor = { monoMs, offsetMs: utcMs - monoMs, trust: "ntp", uncMs: NTP_UNC_MS };
      if (believed !== undefined) {
        const room = NTP_UNC_MS + (monoMs - believed.anchor.monoMs) * CLOCK_DRIFT;
        const stepped = Math.abs(anchor.offsetMs - believed.anchor.offsetMs) > room;
        if (stepped && touched === believed.touched) return undefined;
      }
      believed = { anchor, touched };
      const moved = given === undefined || Math.abs(anchor.offsetMs - given.offsetMs) > MOVED_MS;
      if (!moved && monoMs - (given?.monoMs ?? 0) < AGAIN_MS) return undefined;
      given = anchor;
      return anchor;
    },
  };
}

/** Offers anchors from the system's clock. Returns how to stop that. */
export function watchSystemClock(options: {
  readonly clock: Clock;
  readonly offer: (anchor: Anchor) => void;
  readonly marker?: string;
}): () => void {
  const { clock, offer, marker = SYNCHRONIZED } = options;
  const time = createSystemTime();
  function check(): void {
    const touched = statSync(marker, { throwIfNoEntry: false })?.mtimeMs;
    const anchor = time.reading(clock.monoMs(), Date.now(), touched);
    if (anchor !== undefined) offer(anchor);
  }
  check();
  const timer = setInterval(check, CHECK_MS);
  return () => clearInterval(timer);
}
