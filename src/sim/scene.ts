import { hash01, wander, white } from "./noise.ts";

/** Where the machine is in its work cycle. */
export type Phase = "working" | "raising" | "turning" | "shifting" | "lowering";

/** The machine at one instant. Field coordinates in metres (east, north) from the corner where it began. */
export interface SceneState {
  readonly phase: Phase;
  readonly east: number;
  readonly north: number;
  readonly headingDeg: number;
  readonly speedMps: number;
  /** Depth of the tool below ground in m; negative when raised. */
  readonly toolDepthM: number;
  readonly rotorRpm: number;
  readonly engineRpm: number;
  readonly hydraulicKpa: number;
  readonly supplyV: number;
  readonly supplyA: number;
}

/** What a scene is built from. Figures of the tool and the ground speed come from the machine's profile. */
export interface SceneOptions {
  readonly seed: number;
  readonly toolWidthM: number;
  readonly targetDepthM: number;
  readonly rotorRpm: number;
  /** Ground speed at work; 0.5 km/h for 200 mm of depth is the published rule of thumb. */
  readonly workSpeedMps: number;
}

const LANE_M = 24;
const OVERLAP_M = 0.25;
const RAISED_M = -0.35;
const RAISE_S = 5;
const LOWER_S = 6;
const PIVOT_S = 7;
const SHIFT_MPS = 0.4;
const RAISED_ROTOR_SHARE = 0.9;

/**
 * In every other lane the rotor jams at this share of the work, stands, and comes free; later the driver makes up for the
 * time at twice the speed, which is too fast for the depth.
 */
const JAM_AT = 0.25;
const JAMMED_S = 1.5;
const STALLED_S = 4.5;
const HURRY_AT = 0.5;
const HALT_S = JAMMED_S + STALLED_S;

/** A blow at the tool: a damped oscillation after a half-sine, in m/s2. */
interface Blow {
  readonly atS: number;
  readonly peak: number;
  readonly pulseS: number;
  readonly ringHz: number;
  readonly decayS: number;
}

/**
 * A machine tilling lanes back and forth, as a pure function of the time since it began. Rock strikes come about every
 * half minute of work, a detonation every few minutes. Real g-levels of detonations at the hull are not published: the
 * ones here are invented to exercise the path, and every sample they make is marked as simulated.
 */
export function createTillingScene(options: SceneOptions) {
  const { seed } = options;
  const spacingM = options.toolWidthM - OVERLAP_M;
  const workS = LANE_M / options.workSpeedMps;
  const shiftS = spacingM / SHIFT_MPS;
  const laneS = LOWER_S + workS + RAISE_S + PIVOT_S + shiftS + PIVOT_S;
  const ease = (u: number) => u * u * (3 - 2 * u);

  function motion(tS: number) {
    const lane = Math.floor(tS / laneS);
    const upward = lane % 2 === 0;
    const end = upward ? LANE_M : 0;
    const start = upward ? 0 : LANE_M;
    const heading = upward ? 0 : 180;
    const eastAt = lane * spacingM;
    let left = tS - lane * laneS;
    if (left < LOWER_S) {
      const depth = RAISED_M + (options.targetDepthM - RAISED_M) * ease(left / LOWER_S);
      return { phase: "lowering" as Phase, east: eastAt, north: start, headingDeg: heading, speedMps: 0, depth };
    }
    left -= LOWER_S;
    if (left < workS) {
      const halted = lane % 2 === 0 ? Math.min(HALT_S, Math.max(0, left - JAM_AT * workS)) : 0;
      const hurried = lane % 2 === 0 ? Math.min(HALT_S, Math.max(0, left - HURRY_AT * workS)) : 0;
      const inPart = (s: number) => s > 0 && s < HALT_S;
      const north = start + ((end - start) * (left - halted + hurried)) / workS;
      const depth = options.targetDepthM + 0.012 * wander(seed, 1, tS, 4);
      return {
        phase: "working" as Phase,
        east: eastAt,
        north,
        headingDeg: heading,
        speedMps: options.workSpeedMps * (inPart(halted) ? 0 : inPart(hurried) ? 2 : 1),
        depth,
        jam: inPart(halted) ? (halted < JAMMED_S ? ("jammed" as const) : ("stalled" as const)) : undefined,
      };
    }
    left -= workS;
    if (left < RAISE_S) {
      const depth = options.targetDepthM + (RAISED_M - options.targetDepthM) * ease(left / RAISE_S);
      return { phase: "raising" as Phase, east: eastAt, north: end, headingDeg: heading, speedMps: 0, depth };
    }
    left -= RAISE_S;
    const turn = upward ? 1 : -1;
    if (left < PIVOT_S) {
      const headingDeg = (heading + turn * 90 * ease(left / PIVOT_S) + 360) % 360;
      return { phase: "turning" as Phase, east: eastAt, north: end, headingDeg, speedMps: 0, depth: RAISED_M };
    }
    left -= PIVOT_S;
    if (left < shiftS) {
      const east = eastAt + (spacingM * left) / shiftS;
      return { phase: "shifting" as Phase, east, north: end, headingDeg: 90, speedMps: SHIFT_MPS, depth: RAISED_M };
    }
    left -= shiftS;
    const headingDeg = (90 + turn * 90 * ease(Math.min(1, left / PIVOT_S)) + 360) % 360;
    return { phase: "turning" as Phase, east: eastAt + spacingM, north: end, headingDeg, speedMps: 0, depth: RAISED_M };
  }

  const inGround = (tS: number) => motion(tS).depth > 0.05;

  /** Rock strike in the given second, if there is one. */
  function rockIn(second: number): Blow | undefined {
    if (second < 0 || hash01(seed, 20, second) > 1 / 30) return undefined;
    const atS = second + hash01(seed, 21, second);
    if (!inGround(atS)) return undefined;
    return { atS, peak: 120 + 280 * hash01(seed, 22, second), pulseS: 0.006, ringHz: 90, decayS: 0.012 };
  }

  /** Detonation in the given minute, if there is one. */
  function detonationIn(minute: number): Blow | undefined {
    if (minute < 0 || hash01(seed, 30, minute) > 0.4) return undefined;
    const atS = (minute + hash01(seed, 31, minute)) * 60;
    if (!inGround(atS)) return undefined;
    return { atS, peak: 1300 + 1100 * hash01(seed, 32, minute), pulseS: 0.004, ringHz: 120, decayS: 0.03 };
  }

  /** How much a recent detonation holds the rotor back, 0 to 1. */
  function dip(tS: number): number {
    const minute = Math.floor(tS / 60);
    for (let m = minute - 1; m <= minute; m++) {
      const blow = detonationIn(m);
      const since = blow === undefined ? -1 : tS - blow.atS;
      if (since >= 0 && since < 6) return Math.exp(-since / 1.2);
    }
    return 0;
  }

  function state(tS: number): SceneState {
    const m = motion(tS);
    const load = m.depth > 0 ? 1 : 0;
    const held = dip(tS);
    const slow = 1 + 0.015 * wander(seed, 2, tS, 3);
    const jam = "jam" in m ? m.jam : undefined;
    const turning = jam === "jammed" ? 0.35 : jam === "stalled" ? 0 : 1;
    const rotor = options.rotorRpm * turning * (load ? slow * (1 - 0.35 * held) : RAISED_ROTOR_SHARE);
    return {
      phase: m.phase,
      east: m.east + (m.phase === "working" ? 0.04 * wander(seed, 3, tS, 15) : 0),
      north: m.north,
      headingDeg: (m.headingDeg + (m.phase === "working" ? 0.8 * wander(seed, 4, tS, 10) : 0) + 360) % 360,
      speedMps: m.speedMps,
      toolDepthM: m.depth,
      rotorRpm: rotor + 0.6 * turning * wander(seed, 5, tS, 0.7),
      engineRpm: (jam !== undefined ? 1350 : load ? 1880 - 160 * held : 1990) + 12 * wander(seed, 6, tS, 1.5),
      hydraulicKpa: (jam !== undefined ? 30000 : load ? 18500 + 6500 * held : 6200) + 350 * wander(seed, 7, tS, 0.8),
      supplyV: 27.6 + 0.12 * wander(seed, 8, tS, 5),
      supplyA: 1.9 + 0.08 * wander(seed, 9, tS, 2),
    };
  }

  const blowAt = (blow: Blow | undefined, tS: number): number => {
    if (blow === undefined || tS < blow.atS) return 0;
    const since = tS - blow.atS;
    if (since < blow.pulseS) return blow.peak * Math.sin((Math.PI * since) / blow.pulseS);
    const ring = since - blow.pulseS;
    if (ring > blow.decayS * 6) return 0;
    return -0.5 * blow.peak * Math.exp(-ring / blow.decayS) * Math.sin(2 * Math.PI * blow.ringHz * ring);
  };

  /** Acceleration at the tool carrier along one axis (0 fore-aft, 1 sideways, 2 up) in m/s2, gravity included. */
  function shock(axis: 0 | 1 | 2, tS: number): number {
    const second = Math.floor(tS);
    const minute = Math.floor(tS / 60);
    const share = axis === 2 ? 1 : axis === 0 ? 0.6 : 0.25;
    let a = axis === 2 ? 9.80665 : 0;
    const hit = blowAt(rockIn(second - 1), tS) + blowAt(rockIn(second), tS);
    const blast = blowAt(detonationIn(minute - 1), tS) + blowAt(detonationIn(minute), tS);
    a += share * (hit + blast);
    const working = inGround(tS);
    const rms = working ? 6 : 1.2;
    a +=
      share * rms * (white(seed, 40 + axis, Math.round(tS * 3200)) + (working ? Math.sin(2 * Math.PI * 37 * tS) : 0));
    return a;
  }

  /** All detonations between two scene times, for tests and for the demo's own truth. */
  function detonations(fromS: number, toS: number): readonly { readonly atS: number; readonly peak: number }[] {
    const out: Blow[] = [];
    for (let m = Math.floor(fromS / 60); m <= Math.floor(toS / 60); m++) {
      const blow = detonationIn(m);
      if (blow !== undefined && blow.atS >= fromS && blow.atS < toS) out.push(blow);
    }
    return out;
  }

  return { state, shock, detonations, laneS };
}

export type Scene = ReturnType<typeof createTillingScene>;
