import { fitPolynomial } from "../dsp/least-squares.ts";

/** How well a height beside the tool is known by tape and block, in m (standard uncertainty). */
const TAPE_M = 0.005;
/** A line through points that lie closer together than this says little about its slope, in m. */
const SPREAD_MIN_M = 0.1;
/** A sender that moves less, or more, than this times the tool is another sender or set to another range. */
const SCALE_MIN = 0.2;
const SCALE_MAX = 5;

/** One height of the tool: what the channel said, and the depth by tape, both in m below ground. */
export interface DepthPoint {
  readonly readM: number;
  readonly trueM: number;
  /** Standard deviation of the reading. */
  readonly scatterM: number;
}

/** The line that makes depths of readings, and how good it is. All in m. */
export interface DepthFit {
  readonly scale: number;
  readonly offset: number;
  /** Largest distance of a point from the line; undefined for two heights, which every line meets. */
  readonly residualM?: number;
  /** Largest difference between readings of one height; undefined where none was read twice. */
  readonly repeatabilityM?: number;
  /** Standard uncertainty: tape, scatter of the readings, and distance from the line. */
  readonly uncertaintyM: number;
}

/** The best line through the points, or a sentence why there is none to be believed. */
export function fitDepth(points: readonly DepthPoint[]): DepthFit | string {
  const heights = new Map<number, number[]>();
  for (const { trueM, readM } of points) heights.set(trueM, [...(heights.get(trueM) ?? []), readM]);
  if (heights.size < 2) return "expected readings at two different heights at least";
  const spreadM = Math.max(...heights.keys()) - Math.min(...heights.keys());
  if (spreadM < SPREAD_MIN_M)
    return `the heights lie ${mm(spreadM)} apart, expected at least ${mm(SPREAD_MIN_M)}: a line through them says nothing about other depths`;
  const reads = points.map((p) => p.readM);
  const movedM = Math.max(...reads) - Math.min(...reads);
  const wrong = `the channel moved ${mm(movedM)} while the tool moved ${mm(spreadM)}: this is another sender, or its range (lo, hi) is not entered rightly`;
  if (movedM < spreadM / SCALE_MAX || movedM > spreadM / SCALE_MIN) return wrong;
  const [offset = Number.NaN, scale = Number.NaN] = fitPolynomial(
    points.map((p) => [p.readM, p.trueM] as const),
    1,
  );
  if (!(Math.abs(scale) >= SCALE_MIN && Math.abs(scale) <= SCALE_MAX) || !Number.isFinite(offset)) return wrong;
  const errors = points.map((p) => p.readM * scale + offset - p.trueM);
  const scatterM = Math.max(...points.map((p) => p.scatterM * Math.abs(scale)));
  // Of three heights on, what is left over says how straight the sender is.
  const left =
    heights.size < 3 ? 0 : Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / Math.max(1, points.length - 2));
  const again = [...heights.values()].filter((r) => r.length > 1).map((r) => Math.max(...r) - Math.min(...r));
  const repeatabilityM = again.length === 0 ? undefined : Math.max(...again) * Math.abs(scale);
  return {
    scale,
    offset,
    ...(heights.size < 3 ? {} : { residualM: Math.max(...errors.map(Math.abs)) }),
    ...(repeatabilityM === undefined ? {} : { repeatabilityM }),
    uncertaintyM: Math.hypot(TAPE_M, scatterM, left, (repeatabilityM ?? 0) / 2),
  };
}

/** What stays when a machine turns round on the same spot is the sensor's mounting; what changes its sign is the ground. */
export function levelTilt(firstDeg: number, turnedDeg: number): { offsetDeg: number; slopeDeg: number } {
  return { offsetDeg: (firstDeg + turnedDeg) / 2, slopeDeg: (firstDeg - turnedDeg) / 2 };
}

/** A channel that says so many times the tachometer's speed, or so much less, looks at something else. */
const ROTOR_RATIO_MAX = 200;
/** A pickup looks at whole teeth: a figure further from a whole number than this was measured wrongly. */
const WHOLE_MAX = 0.2;

/**
 * Pulses in one turn, from what a channel set to `configured` pulses made of `trueTurns` (or rpm) and how well those are
 * known (share); or a sentence why no whole number can be believed.
 */
export function wholePulses(
  configured: number,
  shown: number,
  { value, share }: { readonly value: number; readonly share: number },
): { pulses: number; measured: number } | string {
  const measured = (configured * shown) / value;
  const pulses = Math.round(measured);
  const figure = `${Number(measured.toPrecision(5))} pulses in one turn`;
  if (pulses < 1) return `${figure}: pulses are missing, or another shaft was turned`;
  if (measured * share > 0.5 - WHOLE_MAX)
    return `${figure}, known within ${Number((measured * share).toPrecision(2))}: that cannot tell ${pulses} from ${pulses + 1}; count the teeth, enter them in the part's options and calibrate again`;
  if (Math.abs(measured - pulses) > WHOLE_MAX)
    return `${figure}, expected a whole number: the turns were counted wrongly, a belt slips, or the pickup misses teeth`;
  return { pulses, measured };
}

/**
 * What makes true speeds of a rotor's readings, from one reading (rpm) beside a tachometer (rpm, known within `share`): whole
 * pulses in one turn for a pickup set to `configured` pulses, else a factor. A pickup that the tachometer agrees with keeps
 * its pulses, even where no tachometer could count that many. Or a sentence why neither can be believed.
 */
export function rotorAgainst({
  reading,
  rpm,
  share,
  configured,
}: {
  readonly reading: { readonly mean: number; readonly scatter: number };
  readonly rpm: number;
  readonly share: number;
  readonly configured: number | undefined;
}): { readonly pulses?: number; readonly scale: number; readonly uncertainty: number } | string {
  const ratio = reading.mean / rpm;
  if (!(ratio > 1 / ROTOR_RATIO_MAX && ratio < ROTOR_RATIO_MAX))
    return `the channel says ${Number(reading.mean.toPrecision(4))} rpm and the tachometer ${rpm}: this is another shaft, or a wrong figure`;
  const known = Math.hypot(share, reading.scatter / Math.abs(reading.mean));
  if (configured === undefined) return { scale: 1 / ratio, uncertainty: known };
  if (Number.isInteger(configured) && Math.abs(ratio - 1) <= known)
    return { pulses: configured, scale: 1, uncertainty: known };
  const found = wholePulses(configured, reading.mean, { value: rpm, share: known });
  if (typeof found === "string") return found;
  return { pulses: found.pulses, scale: 1, uncertainty: known };
}

function mm(m: number): string {
  return `${Math.round(m * 1000)} mm`;
}
