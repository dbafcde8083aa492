import type { EventRecord } from "./recent.ts";

/** A shock worth a mark on the map. */
export interface ShockMark {
  readonly boot: string;
  /** ms since that boot. */
  readonly mono: number;
  /** Largest magnitude known, in m/s²; null when only an event told of it. */
  peak: number | null;
}

export interface ShockMarks {
  /** Notes a shock; false when it is one already noted and no larger. */
  add(boot: string, mono: number, peak: number | null): boolean;
  /** In order of arrival, newest last. */
  readonly list: readonly ShockMark[];
}

/** Closer in time than this, in ms, is the same shock: `live`, the record and the event each tell of it. */
const SAME_MS = 2_000;
const MAX_MARKS = 300;

/** Shocks noted once, however many messages tell of them. */
export function createShockMarks(): ShockMarks {
  const list: ShockMark[] = [];
  return {
    list,
    add(boot, mono, peak) {
      const same = list.find((mark) => mark.boot === boot && Math.abs(mark.mono - mono) <= SAME_MS);
      if (same !== undefined) {
        if (peak === null || (same.peak !== null && same.peak >= peak)) return false;
        same.peak = peak;
        return true;
      }
      list.push({ boot, mono, peak });
      if (list.length > MAX_MARKS) list.shift();
      return true;
    },
  };
}

/** Whether an event, by its name, tells of a shock. */
export function tellsOfShock(event: EventRecord): boolean {
  return /shock|detonation|strike|blast|impact/.test(event.name);
}

/** The peak an event tells, in m/s²; null when it tells none. */
export function peakIn(event: EventRecord): number | null {
  const peak = Object.hasOwn(event.detail, "peak") ? event.detail["peak"] : undefined;
  return typeof peak === "number" ? Math.abs(peak) : null;
}
