import { writeSync } from "node:fs";

/** Tells whoever started this process that it is ready, and that it makes progress. */
export interface ServiceManager {
  ready(): void;
  /** To be called by what is the work of the process, never by a timer of its own. */
  alive(): void;
}

/** `alive` is passed on at most this often; a service is given up after 30 s. */
const SPACING_MS = 5000;

/** The service manager at the other end of `SWATH_NOTIFY_FD` (scripts/install/swath-run); without one nothing is said. */
export function serviceManager(
  fd = process.env["SWATH_NOTIFY_FD"],
  nowMs: () => number = () => performance.now(),
): ServiceManager {
  const to = Number(fd);
  let saidMs = Number.NEGATIVE_INFINITY;
  const say = (what: string): void => {
    try {
      writeSync(to, `${what}\n`);
    } catch {
      // Nobody listens any more: systemd finds that out by itself.
    }
  };
  if (fd === undefined || !Number.isInteger(to) || to < 3) return { ready: () => undefined, alive: () => undefined };
  return {
    ready: () => say("READY=1"),
    alive() {
      const now = nowMs();
      if (now - saidMs < SPACING_MS) return;
      saidMs = now;
      say("WATCHDOG=1");
    },
  };
}
