import { createLimitDetector, type LimitSpec } from "../dsp/detect/limits.ts";
import { createShockDetector, type Shock, type ShockSpec } from "../dsp/detect/shock.ts";
import type { Note } from "../link/frame.ts";
import type { Severity } from "../model/record.ts";
import { createEvidence } from "./evidence.ts";
import type { Pipeline } from "./pipeline.ts";
import { type JamWatch, type StateWatch, watchJam, watchState } from "./watch-work.ts";

/** A limit on what leaves a channel's filters. Channels are given by their place in the list of pipelines. */
export interface LimitWatch {
  readonly kind: "limit";
  readonly name: string;
  readonly severity: Severity;
  readonly capture: boolean;
  readonly channel: number;
  readonly limit: LimitSpec;
  /** Smallest step worth telling, in the channel's unit. */
  readonly resolution: number;
}

/** Shocks in the unfiltered samples of up to three channels. */
export interface ShockWatch {
  readonly kind: "shock";
  readonly name: string;
  readonly severity: Severity;
  readonly capture: boolean;
  readonly channels: readonly number[];
  /** Names of those channels. */
  readonly axes: readonly string[];
  readonly shock: ShockSpec;
  /** Channel of the rotor's speed: noise is learnt above `workingRpm`. */
  readonly rotor?: { readonly channel: number; readonly workingRpm: number };
  readonly load?: number;
}

export type WatchSpec = LimitWatch | ShockWatch | JamWatch | StateWatch;

/** Something happened that the black box keeps. */
export interface Trigger {
  readonly name: string;
  readonly detector: string;
  readonly tMs: number;
  /** What is lost first when the disk is full is the smallest. */
  readonly peak: number;
}

export interface WatchSinks {
  /** An event, to be told at once. */
  readonly note: (note: Note) => void;
  readonly trigger: (trigger: Trigger) => void;
}

/** Rock strikes are told together, at most this often, in ms: on stony ground there are several a second. */
const STRIKES_MS = 60_000;

const rounded = (value: number, step: number) => Number((Math.round(value / step) * step).toPrecision(9));

/** Sets up a detector on its channels. It runs with their blocks and tells what it finds. */
export function startWatch(spec: WatchSpec, pipelines: readonly Pipeline[], sinks: WatchSinks): void {
  if (spec.kind === "limit") watchLimit(spec, pipelines, sinks);
  else if (spec.kind === "shock") watchShock(spec, pipelines, sinks);
  else if (spec.kind === "jam") watchJam(spec, pipelines, sinks);
  else watchState(spec, pipelines, sinks);
}

function watchLimit(spec: LimitWatch, pipelines: readonly Pipeline[], { note, trigger }: WatchSinks): void {
  const { name, limit } = spec;
  // The decimal step that keeps the resolution.
  const step = 10 ** Math.floor(Math.log10(spec.resolution));
  const pipeline = pipelines[spec.channel];
  if (pipeline === undefined) return;
  const detector = createLimitDetector(limit, ({ on, tMs, sinceMs, value, worst }) => {
    note({
      kind: "event",
      mono: tMs,
      name,
      severity: on ? spec.severity : "info",
      ...(pipeline.part === "" ? {} : { source: pipeline.part }),
      detail: {
        state: on ? limit.side : "normal",
        previous: on ? "normal" : limit.side,
        value: rounded(value, step),
        worst: rounded(worst, step),
        limit: limit.at,
        lastedMs: Math.round(tMs - sinceMs),
      },
    });
    if (on && spec.capture) trigger({ name, detector: name, tMs, peak: 0 });
  });
  pipeline.onFiltered((block) => detector.process(block));
}

function watchShock(spec: ShockWatch, pipelines: readonly Pipeline[], { note, trigger }: WatchSinks): void {
  const { name, rotor } = spec;
  const rotorRing = rotor && pipelines[rotor.channel]?.ring;
  const loadRing = spec.load === undefined ? undefined : pipelines[spec.load]?.ring;
  const rotorMoved = rotorRing && createEvidence(rotorRing);
  const loadMoved = loadRing && createEvidence(loadRing);
  const part = pipelines[spec.channels[0]!]!.part;
  const strikes = { count: 0, peak: 0, peakMs: 0, toldMs: Number.NEGATIVE_INFINITY };

  /** What other channels say by now: a rotor held back and a load that rose speak for a detonation. */
  function evidence({ tMs }: Shock): Record<string, number> {
    const r = rotorMoved?.(tMs, Number.POSITIVE_INFINITY);
    const l = loadMoved?.(tMs, Number.POSITIVE_INFINITY);
    return {
      ...(r === undefined ? {} : { rotorBefore: rounded(r.before, 0.1), rotorLeast: rounded(r.least, 0.1) }),
      ...(l === undefined ? {} : { loadBefore: rounded(l.before, 0.1), loadGreatest: rounded(l.greatest, 0.1) }),
    };
  }

  function strike(shock: Shock): void {
    strikes.count++;
    if (shock.peak > strikes.peak) {
      strikes.peak = shock.peak;
      strikes.peakMs = shock.tMs;
    }
    if (shock.tMs - strikes.toldMs < STRIKES_MS) return;
    note({
      kind: "event",
      mono: strikes.peakMs,
      name: "rock_strikes",
      severity: "info",
      source: part,
      detail: { count: strikes.count, peak: rounded(strikes.peak, 0.1), total: detector.counts.strikes },
    });
    Object.assign(strikes, { count: 0, peak: 0, toldMs: shock.tMs });
  }

  function candidate(shock: Shock): void {
    note({
      kind: "event",
      mono: shock.tMs,
      name: shock.kind,
      severity: spec.severity,
      source: part,
      detail: {
        detector: name,
        peak: rounded(shock.peak, 0.1),
        clipped: shock.clipped,
        axis: spec.axes[shock.axis] ?? "",
        riseMs: rounded(shock.riseMs, 0.01),
        durationMs: rounded(shock.endMs - shock.tMs, 0.01),
        threshold: rounded(shock.threshold, 0.1),
        noise: rounded(shock.noise, 0.1),
        ...evidence(shock),
      },
    });
    if (spec.capture) trigger({ name: shock.kind, detector: name, tMs: shock.tMs, peak: shock.peak });
  }

  const detector = createShockDetector(spec.shock, spec.channels.length, (shock) => {
    if (shock.kind === "rock_strike") strike(shock);
    else candidate(shock);
  });
  spec.channels.forEach((channel, axis) => {
    pipelines[channel]?.onRaw((block) => detector.process(axis, block));
  });
  if (rotor === undefined) return;
  pipelines[rotor.channel]?.onRaw((block) => {
    if (block.n > 0) detector.learning = block.x[block.n - 1]! >= rotor.workingRpm;
  });
}
