import type { Block } from "../../model/block.ts";
import { BLOW, BlowAxis, type BlowSpec } from "./blow.ts";

/** What makes a detonation candidate; accelerations in m/s2 away from the resting value of each axis. */
export interface ShockSpec extends BlowSpec {
  /** A candidate rises faster than this, in ms. */
  readonly riseMs: number;
  /** A candidate rings for at least this many samples after its peak. */
  readonly ringSamples: number;
  /** For this long after the onset of one shock, in ms, no other is told. */
  readonly refractoryMs: number;
}

/** The two classes there are. What kind of mine it was is not among them: no sensor here can tell. */
export type ShockKind = "detonation_candidate" | "rock_strike";

/** A shock as told. The object is used again by the next one: copy what you keep. */
export interface Shock {
  kind: ShockKind;
  /** Instant at which its strongest pulse began (mono ms). */
  tMs: number;
  /** Instant of its last sample above the quiet level (mono ms). */
  endMs: number;
  /** Greatest acceleration seen, m/s2; the true one is greater when `clipped`. */
  peak: number;
  /** From a fifth of the peak to the peak, in ms. */
  riseMs: number;
  /** Samples after the peak that were above the quiet level. */
  ringSamples: number;
  /** Whether any axis was at the end of its range. */
  clipped: boolean;
  /** The axis with the greatest peak, by its place. */
  axis: number;
  /** What a peak had to be above on that axis to be a candidate, m/s2. */
  threshold: number;
  /** Median of the noise's peaks on that axis, m/s2. */
  noise: number;
}

/** What was seen since the start. */
export interface ShockCounts {
  candidates: number;
  strikes: number;
  /** Outliers without a ringing: nothing mechanical. */
  spikes: number;
  /** Shocks that came too soon after another one to be told. */
  muted: number;
}

export interface ShockDetector {
  readonly counts: Readonly<ShockCounts>;
  /** Whether the noise is learnt: only a machine at work makes the noise that counts. */
  learning: boolean;
  /** Takes samples of one axis; the axes need not come in step. */
  process(axis: number, block: Block): void;
}

/** A ringing shorter than this is an outlier of the electronics. */
const SPIKE_RING = 2;
/** Blows of two axes this close together, in ms, are one. */
const TOGETHER_MS = 20;
/** How long a silent axis is waited for, in ms of sample time. */
const SILENT_MS = 100;

/** Ranks of a blow: what it can be taken for by itself. */
const RANK = { spike: 0, strike: 1, candidate: 2 } as const;

/**
 * Finds shocks in the unfiltered samples of up to three axes. A blow is a peak above the noise of its axis; it is a candidate
 * when its peak is above both the configured floor and the noise, it rose fast and it rang; else it is counted as a rock
 * strike. The noise floor calibrates itself. Nothing is allocated, and blocks of up to 50 ms may be cut anywhere.
 */
export function createShockDetector(spec: ShockSpec, axes: number, found: (shock: Shock) => void): ShockDetector {
  const counts: ShockCounts = { candidates: 0, strikes: 0, spikes: 0, muted: 0 };
  const shock: Shock = {
    kind: "rock_strike",
    tMs: 0.5,
    endMs: 0.5,
    peak: 0.5,
    riseMs: 0.5,
    ringSamples: 0,
    clipped: false,
    axis: 0,
    threshold: 0.5,
    noise: 0.5,
  };
  /** Figures of the strongest blow of the shock that is being put together. */
  const pending = new Float64Array(Object.keys(BLOW).length);
  /** Until when candidates and strikes are not told. */
  const mutedUntil = new Float64Array([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  let waiting = false;
  let rank = 0;
  let axisOf = 0;

  const list = Array.from({ length: axes }, (_, axis) => new BlowAxis(spec, () => ended(axis)));

  function rankOf(f: Float64Array): number {
    if (f[BLOW.ring]! < Math.min(SPIKE_RING, spec.ringSamples)) return RANK.spike;
    const strong = f[BLOW.peak]! > f[BLOW.threshold]!;
    return strong && f[BLOW.rise]! < spec.riseMs && f[BLOW.ring]! >= spec.ringSamples ? RANK.candidate : RANK.strike;
  }

  /** A blow of one axis is over: it joins those of the others, or begins a shock. */
  function ended(axis: number): void {
    const f = list[axis]!.figures;
    if (waiting && f[BLOW.onset]! > pending[BLOW.end]! + TOGETHER_MS) tell();
    const itsRank = rankOf(f);
    if (!waiting) {
      waiting = true;
      pending.set(f);
      rank = itsRank;
      axisOf = axis;
      return;
    }
    const clipped = Math.max(pending[BLOW.clipped]!, f[BLOW.clipped]!);
    const end = Math.max(pending[BLOW.end]!, f[BLOW.end]!);
    if (itsRank > rank || (itsRank === rank && f[BLOW.peak]! > pending[BLOW.peak]!)) {
      pending.set(f);
      rank = itsRank;
      axisOf = axis;
    }
    pending[BLOW.clipped] = clipped;
    pending[BLOW.end] = end;
  }

  /** Whether every axis has come past the shock, or is silent. */
  function complete(newestMs: number): boolean {
    const end = pending[BLOW.end]!;
    if (newestMs > end + SILENT_MS) return true;
    for (let a = 0; a < axes; a++) {
      const axis = list[a]!;
      if (!(axis.newestMs >= end)) return false;
      if (axis.open && axis.figures[BLOW.onset]! <= end + TOGETHER_MS) return false;
    }
    return true;
  }

  function tell(): void {
    waiting = false;
    if (rank === RANK.spike) {
      counts.spikes++;
      return;
    }
    const isCandidate = rank === RANK.candidate;
    const onset = pending[BLOW.onset]!;
    // A blow of a stone never hides a detonation that follows it.
    if (onset < mutedUntil[isCandidate ? 0 : 1]!) {
      counts.muted++;
      return;
    }
    mutedUntil[1] = onset + spec.refractoryMs;
    if (isCandidate) mutedUntil[0] = onset + spec.refractoryMs;
    if (isCandidate) counts.candidates++;
    else counts.strikes++;
    shock.kind = isCandidate ? "detonation_candidate" : "rock_strike";
    shock.tMs = onset;
    shock.endMs = pending[BLOW.end]!;
    shock.peak = pending[BLOW.peak]!;
    shock.riseMs = pending[BLOW.rise]!;
    shock.ringSamples = pending[BLOW.ring]!;
    shock.clipped = pending[BLOW.clipped]! > 0;
    shock.axis = axisOf;
    shock.threshold = pending[BLOW.threshold]!;
    shock.noise = pending[BLOW.noise]!;
    found(shock);
  }

  let learning = true;
  return {
    counts,
    get learning() {
      return learning;
    },
    set learning(on: boolean) {
      learning = on;
      for (let a = 0; a < axes; a++) list[a]!.learning = on;
    },
    process(axis, block) {
      if (block.n === 0) return;
      list[axis]!.process(block);
      if (waiting && complete(block.t[block.n - 1]!)) tell();
    },
  };
}
