import { QUALITY, UNUSABLE } from "../../model/quality.ts";
import type { Aligned } from "../derive/derivation.ts";

/** What a jam is; load in the unit of its channel. */
export interface JamSpec {
  /** A driven rotor slower than this is held back. */
  readonly rotorBelowRpm: number;
  /** Below this it stands. */
  readonly stoppedRpm: number;
  /** Above this load the rotor is driven. */
  readonly loadAbove: number;
  /** The jam is over when the rotor is this fast again. */
  readonly releaseRpm: number;
  readonly afterMs: number;
  readonly releaseAfterMs: number;
}

export type JamState = "normal" | "jammed" | "stalled";

/** A jam began, became a stall, or ended. The object is used again by the next change: copy what you keep. */
export interface JamChange {
  state: JamState;
  previous: JamState;
  /** Why a jam is over: the rotor turns again, or nothing drives it any more. */
  released: "rotor" | "load" | undefined;
  tMs: number;
  /** Instant of the first sample of the state that is left or entered (mono ms). */
  sinceMs: number;
  rotor: number;
  load: number;
  /** Slowest rotor and greatest load since the jam began. */
  rotorLeast: number;
  loadGreatest: number;
}

const NOT_SEEN = UNUSABLE | QUALITY.stale;
/** Places of the state: since when driven and slow, driven and standing, free again; slowest and hardest; since when so. */
const S = { slow: 0, stopped: 1, free: 2, least: 3, greatest: 4, began: 5 } as const;

/**
 * Finds a rotor that is held back while it is driven: slow under load is a jam, standing under load a stall. Takes rotor and
 * load at the same instants; where either has no usable fresh value nothing is decided. Nothing is allocated.
 */
export function createJamDetector(spec: JamSpec, changed: (change: JamChange) => void): (aligned: Aligned) => void {
  const s = new Float64Array(6).fill(Number.NaN);
  let state: JamState = "normal";
  const change: JamChange = {
    state: "normal",
    previous: "normal",
    released: undefined,
    tMs: 0.5,
    sinceMs: 0.5,
    rotor: 0.5,
    load: 0.5,
    rotorLeast: 0.5,
    loadGreatest: 0.5,
  };

  function turn(to: JamState, released: JamChange["released"], a: Aligned, i: number): void {
    change.previous = state;
    change.state = to;
    change.released = released;
    change.tMs = a.t[i]!;
    change.sinceMs = s[S.began]!;
    change.rotor = a.x[0]![i]!;
    change.load = a.x[1]![i]!;
    change.rotorLeast = s[S.least]!;
    change.loadGreatest = s[S.greatest]!;
    state = to;
    changed(change);
  }

  /** Since when a condition holds without a break; whether that is long enough. */
  function lasted(place: number, holds: boolean, now: number, ms: number): boolean {
    if (!holds) s[place] = Number.NaN;
    else if (!(s[place]! * 0 === 0)) s[place] = now;
    return holds && now - s[place]! >= ms;
  }

  return (a) => {
    for (let i = 0; i < a.n; i++) {
      if (((a.q[0]![i]! | a.q[1]![i]!) & NOT_SEEN) !== 0) continue;
      const now = a.t[i]!;
      const rotor = a.x[0]![i]!;
      const load = a.x[1]![i]!;
      const driven = load > spec.loadAbove;
      const slow = driven && rotor < spec.rotorBelowRpm;
      if (state === "normal" && slow && !(s[S.slow]! * 0 === 0)) {
        s[S.began] = now;
        s[S.least] = rotor;
        s[S.greatest] = load;
      }
      if (rotor < s[S.least]!) s[S.least] = rotor;
      if (load > s[S.greatest]!) s[S.greatest] = load;
      const isSlow = lasted(S.slow, slow, now, spec.afterMs);
      const isStopped = lasted(S.stopped, driven && rotor < spec.stoppedRpm, now, spec.afterMs);
      const isFree = lasted(S.free, !driven || rotor >= spec.releaseRpm, now, spec.releaseAfterMs);
      if (isStopped && state !== "stalled") turn("stalled", undefined, a, i);
      else if (isSlow && state === "normal") turn("jammed", undefined, a, i);
      else if (isFree && state !== "normal") turn("normal", driven ? "rotor" : "load", a, i);
    }
  };
}
