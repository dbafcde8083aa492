import { X509Certificate } from "node:crypto";

/** A clock this much before the floor is wrong; less may be rounding of a file's time. */
const ROOM_MS = 60_000;
/** A clock that moved this much against the time since boot was set. */
const STEP_MS = 60_000;

/** From when to when a certificate holds, UTC in ms; undefined for what is none. */
export function validity(pem: string | undefined): { readonly fromMs: number; readonly toMs: number } | undefined {
  if (pem === undefined) return undefined;
  try {
    const { validFrom, validTo } = new X509Certificate(pem);
    return { fromMs: Date.parse(validFrom), toMs: Date.parse(validTo) };
  } catch {
    return undefined; // the session tells what is wrong with it
  }
}

/**
 * A time that has certainly passed: the newest trusted UTC of this and earlier runs, and the first day of the certificates
 * this unit was given. It only rises.
 */
export function createClockFloor(options: {
  readonly previousMs: number | undefined;
  readonly certificates: readonly (string | undefined)[];
  /** Trusted UTC in ms, while it is known. */
  readonly utcMs: () => number | undefined;
}) {
  const known = options.certificates.flatMap((pem) => validity(pem)?.fromMs ?? []);
  let floorMs = Math.max(0, options.previousMs ?? 0, ...known);
  let offsetMs: number | undefined;
  return {
    get floorMs(): number {
      floorMs = Math.max(floorMs, options.utcMs() ?? 0);
      return floorMs;
    },
    /** Whether a clock that says this is before the floor. */
    isPast(systemMs: number): boolean {
      return systemMs < this.floorMs - ROOM_MS;
    },
    /** True when the system's clock was set since the last look. */
    wasSet(systemMs: number, monoMs: number): boolean {
      const before = offsetMs;
      offsetMs = systemMs - monoMs;
      return before !== undefined && Math.abs(offsetMs - before) > STEP_MS;
    },
    /** The best guess of UTC: trusted, or the system's clock, or the floor where that is before it. */
    bestMs(systemMs: number): number {
      return options.utcMs() ?? Math.max(systemMs, this.floorMs);
    },
  };
}
