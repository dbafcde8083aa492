import { existsSync } from "node:fs";
import type { Anchor, Clock } from "../model/time.ts";

/** systemd-timesyncd makes this file once a server has set the clock, and chrony's unit on Debian does the same. */
const SYNCHRONIZED = "/run/systemd/timesync/synchronized";
const CHECK_MS = 60_000;
/** Network time over a field link; timesyncd does not tell how good it is. */
const NTP_UNC_MS = 500;

/** Offers anchors from the system's clock once a minute, and only while the system says that it is synchronised. */
export function watchSystemClock(options: {
  readonly clock: Clock;
  readonly offer: (anchor: Anchor) => void;
  readonly marker?: string;
}): () => void {
  const { clock, offer, marker = SYNCHRONIZED } = options;
  function check(): void {
    if (!existsSync(marker)) return;
    const monoMs = clock.monoMs();
    offer({ monoMs, offsetMs: Date.now() - monoMs, trust: "ntp", uncMs: NTP_UNC_MS });
  }
  check();
  const timer = setInterval(check, CHECK_MS);
  return () => clearInterval(timer);
}
