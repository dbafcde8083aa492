import { z } from "zod";

/** A calibration point as ESPHome writes it, `measured -> true`. */
const datapoint = z.string().transform((text, ctx): [number, number] => {
  const sides = text.split("->").map((side) => side.trim());
  const values = sides.map((side) => (side === "" ? Number.NaN : Number(side)));
  if (values.length !== 2 || !values.every(Number.isFinite)) {
    ctx.addIssue({ code: "custom", message: `"${text}": expected "measured -> true", such as "0.5 -> 0"` });
    return z.NEVER;
  }
  return [values[0]!, values[1]!];
});

/** A list of at least `min` calibration points. */
export function datapoints(min: number) {
  return z.array(datapoint).min(min);
}

/** Whether the measured values rise strictly. */
export function rising(points: readonly (readonly [number, number])[]): boolean {
  return points.every(([x], i) => i === 0 || x > points[i - 1]![0]);
}
