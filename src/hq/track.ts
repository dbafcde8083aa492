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
  /** What the tool did at an instant; corrects points already there. */
  work(boot: string, mono: number, engagement: Engagement): void;
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

interface Rows {
  readonly mono: number[];
  readonly engagement: Engagement[];
}

/** Index of the first entry greater than `value`. */
function upperBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (sorted[mid]! <= value) low = mid + 1;
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
      own = { mono: [], engagement: [] };
      rows.set(boot, own);
      boots.push(boot);
      if (boots.length > MAX_BOOTS) rows.delete(boots.shift()!);
    }
    return own;
  }

  function engagementAt(boot: string, mono: number): Engagement {
    const own = rows.get(boot);
    if (own === undefined) return 0;
    const after = upperBound(own.mono, mono);
    let best: Engagement = 0;
    let nearest = ROW_REACH_MS;
    for (const i of [after - 1, after]) {
      const away = Math.abs((own.mono[i] ?? Number.POSITIVE_INFINITY) - mono);
      if (away <= nearest) {
        nearest = away;
        best = own.engagement[i]!;
      }
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

  return {
    points,
    epoch: () => epoch,
    work(boot, mono, engagement) {
      const own = rowsOf(boot);
      const at = upperBound(own.mono, mono);
      if (own.mono[at - 1] === mono) own.engagement[at - 1] = engagement;
      else {
        own.mono.splice(at, 0, mono);
        own.engagement.splice(at, 0, engagement);
        if (own.mono.length > MAX_ROWS) {
          own.mono.splice(0, 1000);
          own.engagement.splice(0, 1000);
        }
      }
      for (let i = points.length - 1; i >= 0; i--) {
        const point = points[i]!;
        if (point.boot !== boot) continue;
        if (point.mono < mono - ROW_REACH_MS) break;
        if (point.mono > mono + ROW_REACH_MS) continue;
        const now = engagementAt(boot, point.mono);
        if (now === point.engagement) continue;
        point.engagement = now;
        epoch++;
      }
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
