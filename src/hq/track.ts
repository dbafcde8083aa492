import { LIVE_LAG_ROWS } from "./history.ts";
import type { Engagement } from "./roles.ts";

/** A place the machine was at, and what its tool did there. */
export interface TrackPoint {
  readonly boot: string;
  /** ms since that boot. */
  readonly mono: number;
  /** WGS-84 degrees. */
  readonly lat: number;
  readonly lon: number;
  engagement: Engagement;
}

export interface Track {
  /** What the tool did by a live message: stands until the record of that time comes. */
  liveWork(boot: string, mono: number, engagement: Engagement): void;
  /** What the tool did by the rows of a record, the first at `mono`, `spacingMs` apart; corrects points already there. */
  recordWork(boot: string, mono: number, spacingMs: number, engagements: readonly Engagement[]): void;
  /** A fix at an instant. */
  fix(boot: string, mono: number, lat: number, lon: number): void;
  /** Points in order of time, at least a step apart or different in what the tool did. */
  readonly points: readonly TrackPoint[];
  /** Whether the line is interrupted before the point at `index`: another boot, or nothing known in between. */
  breaksAt(index: number): boolean;
  /** The place at an instant, from the last point of that boot at or before it; undefined when there is none. */
  placeAt(boot: string, mono: number): { lat: number; lon: number } | undefined;
  /** Changes when points already there changed. */
  epoch(): number;
}

/** Points closer than this, in m, add nothing to the picture. */
const STEP_M = 0.3;
/** A step larger than this, in m, is a jump and not a way the machine went. */
const JUMP_M = 25;
/** Without a point for this long, in ms, and moved by more than `SILENT_M`, the way in between is not known. */
const SILENT_MS = 10_000;
const SILENT_M = 3;
/** A row speaks for instants at most this far from it, in ms. */
const ROW_REACH_MS = 2_500;
const MAX_POINTS = 6_000;
const MAX_ROWS = 20_000;
const MAX_BOOTS = 16;

/** Distance between two places in m, on a plane: exact enough within one field. */
export function distanceM(latA: number, lonA: number, latB: number, lonB: number): number {
  const perDegM = 111_320;
  const north = (latB - latA) * perDegM;
  const east = (lonB - lonA) * perDegM * Math.cos((latA * Math.PI) / 180);
  return Math.hypot(north, east);
}

interface Row {
  readonly mono: number;
  readonly engagement: Engagement;
  readonly final: boolean;
}

interface Rows {
  list: Row[];
  /** Before this instant records have told everything. */
  settledMs: number;
}

/** Index of the first row after `mono`. */
function upperBound(sorted: readonly Row[], mono: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (sorted[mid]!.mono <= mono) low = mid + 1;
    else high = mid;
  }
  return low;
}

/**
 * Joins fixes and rows into the way of the machine. Either may come first, late or twice: `live` brings both at once,
 * records bring the same again and fill what the link lost.
 */
export function createTrack(): Track {
  const points: TrackPoint[] = [];
  const boots: string[] = [];
  const rows = new Map<string, Rows>();
  let epoch = 0;

  function rowsOf(boot: string): Rows {
    let own = rows.get(boot);
    if (own === undefined) {
      own = { list: [], settledMs: Number.NEGATIVE_INFINITY };
      rows.set(boot, own);
      boots.push(boot);
      if (boots.length > MAX_BOOTS) rows.delete(boots.shift()!);
    }
    return own;
  }

  function engagementAt(boot: string, mono: number): Engagement {
    const own = rows.get(boot);
    if (own === undefined) return 0;
    const after = upperBound(own.list, mono);
    let best: Engagement = 0;
    let nearest = ROW_REACH_MS;
    for (const row of own.list.slice(Math.max(0, after - 1), after + 1)) {
      const away = Math.abs(row.mono - mono);
      if (away > nearest) continue;
      nearest = away;
      best = row.engagement;
    }
    return best;
  }

  /** Index at which a point of `boot` and `mono` belongs. */
  function placeFor(boot: string, mono: number): number {
    const order = boots.indexOf(boot);
    let i = points.length;
    while (i > 0) {
      const before = points[i - 1]!;
      const beforeOrder = boots.indexOf(before.boot);
      if (beforeOrder < order || (beforeOrder === order && before.mono <= mono)) break;
      i--;
    }
    return i;
  }

  function near(index: number, lat: number, lon: number, engagement: Engagement, boot: string): boolean {
    const other = points[index];
    return (
      other !== undefined &&
      other.boot === boot &&
      other.engagement === engagement &&
      distanceM(other.lat, other.lon, lat, lon) < STEP_M
    );
  }

  /** Looks again at the points that rows between two instants speak for. */
  function judgeAgain(boot: string, from: number, to: number): void {
    for (let i = points.length - 1; i >= 0; i--) {
      const point = points[i]!;
      if (point.boot !== boot || point.mono > to + ROW_REACH_MS) continue;
      if (point.mono < from - ROW_REACH_MS) break;
      const engagement = engagementAt(boot, point.mono);
      if (engagement === point.engagement) continue;
      point.engagement = engagement;
      epoch++;
    }
  }

  return {
    points,
    epoch: () => epoch,
    liveWork(boot, mono, engagement) {
      const own = rowsOf(boot);
      const newest = own.list.at(-1);
      if (mono < own.settledMs || (newest !== undefined && mono <= newest.mono)) return;
      own.list.push({ mono, engagement, final: false });
      if (own.list.length > MAX_ROWS) own.list.splice(0, MAX_ROWS / 10);
      judgeAgain(boot, mono, mono);
    },
    recordWork(boot, mono, spacingMs, engagements) {
      const own = rowsOf(boot);
      const from = mono - spacingMs / 2;
      const to = mono + (engagements.length - 1 + LIVE_LAG_ROWS) * spacingMs;
      const added = engagements.map((engagement, i) => ({ mono: mono + i * spacingMs, engagement, final: true }));
      const before = own.list.slice(0, upperBound(own.list, from));
      const after = own.list.slice(upperBound(own.list, to));
      const kept = own.list.slice(before.length, own.list.length - after.length).filter((row) => row.final);
      const middle = [...kept.filter((row) => !added.some((one) => one.mono === row.mono)), ...added];
      middle.sort((a, b) => a.mono - b.mono);
      own.list = [...before, ...middle, ...after];
      own.settledMs = Math.max(own.settledMs, to);
      if (own.list.length > MAX_ROWS) own.list.splice(0, MAX_ROWS / 10);
      judgeAgain(boot, from, to);
    },
    fix(boot, mono, lat, lon) {
      rowsOf(boot);
      const engagement = engagementAt(boot, mono);
      const at = placeFor(boot, mono);
      if (near(at - 1, lat, lon, engagement, boot) || near(at, lat, lon, engagement, boot)) return;
      if (at < points.length) epoch++;
      points.splice(at, 0, { boot, mono, lat, lon, engagement });
      if (points.length > MAX_POINTS) {
        points.splice(0, MAX_POINTS / 10);
        epoch++;
      }
    },
    breaksAt(index) {
      const point = points[index]!;
      const before = points[index - 1];
      if (before === undefined || before.boot !== point.boot) return true;
      const moved = distanceM(before.lat, before.lon, point.lat, point.lon);
      return moved > JUMP_M || (moved > SILENT_M && point.mono - before.mono > SILENT_MS);
    },
    placeAt(boot, mono) {
      for (let i = points.length - 1; i >= 0; i--) {
        const point = points[i]!;
        if (point.boot === boot && point.mono <= mono + 1000) return { lat: point.lat, lon: point.lon };
      }
      return undefined;
    },
  };
}
