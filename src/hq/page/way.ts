import { bearingDeg, toMetres } from "./geometry.ts";
import type { TrackItem } from "./store.ts";

/** Whether the tool worked on the way from the point before to this one. */
export function worked(track: readonly TrackItem[], i: number): boolean {
  return i > 0 && track[i]![3] === 0 && track[i]![2] > 0 && track[i - 1]![2] > 0;
}

/** Length of the way the tool worked, in m. Strips that overlap count twice: it is a way, not an area. */
export function workedWayM(track: readonly TrackItem[]): number {
  let sum = 0;
  for (let i = 1; i < track.length; i++) {
    if (!worked(track, i)) continue;
    const [lat, lon] = track[i - 1]!;
    const step = toMetres({ lat, lon }, track[i]![0], track[i]![1]);
    sum += Math.hypot(step.x, step.y);
  }
  return sum;
}

/** Where the machine last went, in degrees from north; undefined before it has moved. */
export function lastBearingDeg(track: readonly TrackItem[]): number | undefined {
  const to = track.at(-1);
  const from = track.at(-2);
  if (to === undefined || from === undefined || to[3] === 1) return undefined;
  const origin = { lat: from[0], lon: from[1] };
  return bearingDeg({ x: 0, y: 0 }, toMetres(origin, to[0], to[1]));
}
