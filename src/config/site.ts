import { z } from "zod";
import { topicLevel } from "../model/topics.ts";

/** Mean radius of the earth in m. */
const EARTH_M = 6_371_008.8;
const RAD = Math.PI / 180;
/** A task area larger than this is a mistyped corner: the largest mine fields are worked in pieces of some hectares. */
const LARGEST_M2 = 4e6;
/** A task area smaller than a machine is one, too. */
const SMALLEST_M2 = 25;

/** A corner of an area: latitude and longitude in degrees, WGS 84. */
export type Corner = readonly [lat: number, lon: number];

const cornerSchema = z
  .tuple([z.number().min(-90).max(90), z.number().min(-180).max(180)])
  .describe("a corner: latitude and longitude in degrees, WGS 84");

/** One site file: where the task is, and what it asks for. */
export const siteSchema = z
  .strictObject({
    id: topicLevel.describe("this task, as HQ knows it"),
    name: z.string().min(1).max(80).describe("words on a screen"),
    requiredDepthM: z.number().min(0).max(2).describe("depth to which the task asks the ground to be worked, in m"),
    area: z
      .array(cornerSchema)
      .min(3)
      .max(500)
      .superRefine((corners, ctx) => {
        const message = wrongArea(corners);
        if (message !== undefined) ctx.addIssue({ code: "custom", message });
      })
      .describe("corners of the task area in order, the last joined to the first"),
  })
  .describe("Swath site file: the task area and what is asked for there");

export type Site = Readonly<z.output<typeof siteSchema>>;

/** Corners on a plane, in m east and north of the first one; exact to millimetres over the few km of a task. */
function plane(corners: readonly Corner[]): [x: number, y: number][] {
  const [lat0, lon0] = corners[0] ?? [0, 0];
  const east = Math.cos(lat0 * RAD) * EARTH_M * RAD;
  return corners.map(([lat, lon]) => [(lon - lon0) * east, (lat - lat0) * EARTH_M * RAD]);
}

/** Size of an area in m²: half the sum of the corners' cross products. */
export function areaM2(corners: readonly Corner[]): number {
  const at = plane(corners);
  let twice = 0;
  for (const [i, [x, y]] of at.entries()) {
    const [nextX, nextY] = at[(i + 1) % at.length] ?? [0, 0];
    twice += x * nextY - nextX * y;
  }
  return Math.abs(twice) / 2;
}

/** Length of an area's border in m. */
export function borderM(corners: readonly Corner[]): number {
  const at = plane(corners);
  return at.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = at[(i + 1) % at.length] ?? [0, 0];
    return sum + Math.hypot(nextX - x, nextY - y);
  }, 0);
}

function wrongArea(corners: readonly Corner[]): string | undefined {
  const at = plane(corners);
  const size = areaM2(corners);
  for (const [i, from] of at.entries()) {
    const to = at[(i + 1) % at.length] ?? from;
    if (Math.hypot(to[0] - from[0], to[1] - from[1]) < 0.01)
      return `expected corners apart from each other, but ${i + 1} and ${((i + 1) % at.length) + 1} are the same place`;
    for (let k = i + 2; k < at.length; k++) {
      const other = at[k] ?? from;
      const end = at[(k + 1) % at.length] ?? from;
      if ((k + 1) % at.length !== i && crosses(from, to, other, end))
        return `expected a border that does not cross itself, but the side after corner ${i + 1} meets the one after corner ${k + 1}`;
    }
  }
  if (size > LARGEST_M2)
    return `expected at most ${LARGEST_M2 / 1e6} km², but the corners enclose ${(size / 1e6).toFixed(1)} km²`;
  if (size < SMALLEST_M2) return `expected at least ${SMALLEST_M2} m², but the corners enclose ${size.toFixed(1)} m²`;
  return undefined;
}

type Point = readonly [number, number];

/** Whether two sides have a point in common. */
function crosses(a: Point, b: Point, c: Point, d: Point): boolean {
  const side = (p: Point, q: Point, r: Point) =>
    Math.sign((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]));
  const within = (p: Point, q: Point, r: Point) =>
    side(p, q, r) === 0 &&
    Math.min(p[0], q[0]) <= r[0] &&
    r[0] <= Math.max(p[0], q[0]) &&
    Math.min(p[1], q[1]) <= r[1] &&
    r[1] <= Math.max(p[1], q[1]);
  if (side(a, b, c) !== side(a, b, d) && side(c, d, a) !== side(c, d, b)) return true;
  return within(a, b, c) || within(a, b, d) || within(c, d, a) || within(c, d, b);
}
