import { z } from "zod";
import type { Block } from "../../model/block.ts";
import { QUALITY, UNUSABLE } from "../../model/quality.ts";
import {
  type Aligned,
  type Derivation,
  defineDerivation,
  dropMissing,
  eachInstant,
  takeTimes,
  worst,
} from "./derivation.ts";
import { channelRef, maxAge } from "./params.ts";

const DEG = 180 / Math.PI;
const axes = {
  x: channelRef("acceleration fore-aft, positive forward; it leads"),
  y: channelRef("acceleration sideways, positive to the left"),
  z: channelRef("acceleration upward, +9.8 m/s2 on level ground"),
  ...maxAge,
};
const axisRoles = ({ x, y, z }: { x: string; y: string; z: string }) =>
  Object.entries({ x, y, z }).map(([key, channel]) => ({ key, channel, quantities: ["acceleration"] }));
const RESOLUTION_DEG = 0.01;

export const pitch = defineDerivation({
  name: "pitch",
  summary: "Angle of the nose above the horizon, from the three axes of an accelerometer at rest.",
  equation: "y = atan2(x, √(y² + z²))",
  params: z.strictObject(axes),
  roles: axisRoles,
  plan: () => ({
    spec: { unit: "deg", range: [-90, 90], resolution: RESOLUTION_DEG },
    create: eachInstant((a, i, out) => {
      out[i] = DEG * Math.atan2(a[0]![i]!, Math.hypot(a[1]![i]!, a[2]![i]!));
    }),
  }),
});

export const roll = defineDerivation({
  name: "roll",
  summary: "Angle of the left side above the horizon, from the three axes of an accelerometer at rest.",
  equation: "y = atan2(y, z)",
  params: z.strictObject(axes),
  roles: axisRoles,
  plan: () => ({
    spec: { unit: "deg", range: [-180, 180], resolution: RESOLUTION_DEG },
    create: eachInstant((a, i, out) => {
      out[i] = DEG * Math.atan2(a[1]![i]!, a[2]![i]!);
    }),
  }),
});

export const tilt = defineDerivation({
  name: "tilt",
  summary:
    "Angle between the machine's upright and the vertical, whichever way it leans: what a roll-over limit is put on.",
  equation: "y = atan2(√(x² + y²), z)",
  params: z.strictObject(axes),
  roles: axisRoles,
  plan: () => ({
    spec: { unit: "deg", range: [0, 180], resolution: RESOLUTION_DEG },
    create: eachInstant((a, i, out) => {
      out[i] = DEG * Math.atan2(Math.hypot(a[0]![i]!, a[1]![i]!), a[2]![i]!);
    }),
  }),
});

export const complementary = defineDerivation({
  name: "complementary",
  summary:
    "An angle that follows a gyroscope at once and an accelerometer's angle in the long run: a machine that shakes or speeds up does not seem to tip.",
  equation: "y[k] = a·(y[k−1] + rate·Δt) + (1 − a)·angle,  a = e^(−Δt/τ)",
  marked:
    "Where the rate has no usable value there is none, and it starts anew from the angle (marked warmup for one τ). Where only the angle has none, the rate carries it: marked stale, and missing after ten τ.",
  params: z.strictObject({
    rate: channelRef("turning rate from the gyroscope; it leads"),
    angle: channelRef("the same angle from an accelerometer, such as a `pitch` or `roll`"),
    tauS: z
      .number()
      .positive()
      .max(60)
      .default(1)
      .describe("slower than this the accelerometer decides, faster the gyroscope"),
    ...maxAge,
  }),
  roles: ({ rate, angle }) => [
    { key: "rate", channel: rate, quantities: ["angular-rate"] },
    { key: "angle", channel: angle, quantities: ["angle"] },
  ],
  plan({ tauS }, [rate, angle]) {
    if (rate!.rateHz === undefined || rate!.rateHz * tauS < 2) {
      const found = rate!.rateHz === undefined ? "has no regular rate" : `gives ${rate!.rateHz} samples/s`;
      return { error: `${rate!.name} ${found}, expected at least two in tauS`, key: "rate" };
    }
    const { range } = angle!;
    const spec = { unit: "deg", range, resolution: RESOLUTION_DEG } as const;
    return { spec, create: () => new Complementary(tauS * 1000, range[0] <= -180 && range[1] >= 180) };
  },
});

/** Longest step between two samples of the rate, in τ. */
const HOLE_TAU = 1;
const CARRIED_TAU = 10;
/** Places of the state: the angle, its instant, when it began, when the angle was last usable. */
const S = { y: 0, t: 1, begun: 2, seen: 3 } as const;

class Complementary implements Derivation {
  readonly #tauMs: number;
  /** Whether the angle goes round: −180° and 180° are the same. */
  readonly #round: boolean;
  readonly #s = new Float64Array(4).fill(Number.NaN);

  constructor(tauMs: number, round: boolean) {
    this.#tauMs = tauMs;
    this.#round = round;
  }

  process(from: Aligned, into: Block): void {
    takeTimes(from, into);
    const s = this.#s;
    const [rate, angle] = [from.x[0]!, from.x[1]!];
    for (let i = 0; i < from.n; i++) {
      const now = from.t[i]!;
      const steers = (from.q[1]![i]! & (UNUSABLE | QUALITY.stale)) === 0;
      let bits = worst(from, i);
      if ((from.q[0]![i]! & UNUSABLE) !== 0) {
        s[S.y] = Number.NaN;
        bits |= QUALITY.missing;
      } else if (!(s[S.y]! * 0 === 0) || now - s[S.t]! > HOLE_TAU * this.#tauMs) {
        s[S.y] = steers ? angle[i]! : Number.NaN;
        s[S.begun] = now;
        if (steers) s[S.seen] = now;
      } else {
        const dt = now - s[S.t]!;
        const guess = s[S.y]! + (rate[i]! * dt) / 1000;
        s[S.y] = guess;
        if (steers) {
          s[S.y]! += (1 - Math.exp(-dt / this.#tauMs)) * this.#turned(angle[i]! - guess);
          s[S.seen] = now;
        }
        if (this.#round) s[S.y] = this.#turned(s[S.y]!);
      }
      if (!steers) {
        bits = (bits & ~UNUSABLE) | QUALITY.stale;
        if (!(now - s[S.seen]! <= CARRIED_TAU * this.#tauMs)) bits |= QUALITY.missing;
      }
      if (now - s[S.begun]! < this.#tauMs) bits |= QUALITY.warmup;
      s[S.t] = now;
      into.x[i] = s[S.y]!;
      into.q[i] = bits;
    }
    dropMissing(into);
  }

  reset(): void {
    this.#s.fill(Number.NaN);
  }

  /** The shorter way round. */
  #turned(deg: number): number {
    return this.#round ? deg - 360 * Math.round(deg / 360) : deg;
  }
}
