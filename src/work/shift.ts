/** What is known of the machine beforehand. */
export interface ShiftRules {
  /** Working width of the tool in m; without it no area is told. */
  readonly toolWidthM?: number;
  /** Depth to be worked in m, positive below ground. */
  readonly targetDepthM?: number;
  /** Speed of the rotor at work in rpm. */
  readonly rotorRpm?: number;
}

/** The machine at one instant; what is not known, or not good, is absent. */
export interface WorkSample {
  readonly monoMs: number;
  /** m below ground. */
  readonly depthM?: number | undefined;
  readonly rotorRpm?: number | undefined;
  /** m/s over ground. */
  readonly speedMps?: number | undefined;
}

export type Work = "working" | "idle" | "unknown";

/** What a machine did since the unit was switched on. Times in s. */
export interface ShiftSummary {
  readonly workingS: number;
  readonly idleS: number;
  /** A sensor did not say whether the tool worked, or nothing was measured. */
  readonly unknownS: number;
  /** Way with the tool at work in m. */
  readonly wayM: number;
  /** Way at work × working width in m²; ground passed twice counts twice. Absent without a width. */
  readonly processedM2?: number;
  /** Mean depth at work in m. */
  readonly meanDepthM?: number;
  /** Share of the time at work, 0 to 1, at the target depth or deeper. */
  readonly atDepth?: number;
}

/** A rotor below this share of its working speed is not at work. */
const ROTOR_SHARE = 0.5;
/** The same where no working speed is known, in rpm. */
const ROTOR_RPM = 50;
/** A tool less than this below ground does not work it, in m. */
const ENGAGED_M = 0.02;
/** A sample stands for no more time than this, in ms: what lies further apart was not measured. */
const LONGEST_MS = 3000;

/** Whether the tool works: the rotor turns and is in the ground. Unknown where a sensor that would tell is silent. */
export function workOf(sample: WorkSample, rules: ShiftRules): Work {
  const least = rules.rotorRpm === undefined ? ROTOR_RPM : rules.rotorRpm * ROTOR_SHARE;
  if (sample.rotorRpm !== undefined && sample.rotorRpm < least) return "idle";
  if (sample.depthM !== undefined && sample.depthM < ENGAGED_M) return "idle";
  return sample.rotorRpm === undefined || sample.depthM === undefined ? "unknown" : "working";
}

/** Adds up a shift from samples in the order of their times; a sample stands for the time since the one before. */
export function createShift(rules: ShiftRules) {
  const ms = { working: 0, idle: 0, unknown: 0 };
  let wayM = 0;
  let depthMs = 0;
  let depthSum = 0;
  let atDepthMs = 0;
  let lastMs: number | undefined;

  return {
    add(sample: WorkSample): void {
      const spanMs = lastMs === undefined ? 0 : sample.monoMs - lastMs;
      if (spanMs < 0) return;
      lastMs = sample.monoMs;
      const knownMs = Math.min(spanMs, LONGEST_MS);
      ms.unknown += spanMs - knownMs;
      const work = workOf(sample, rules);
      ms[work] += knownMs;
      if (work !== "working") return;
      if (sample.speedMps !== undefined) wayM += (sample.speedMps * knownMs) / 1000;
      if (sample.depthM === undefined) return;
      depthMs += knownMs;
      depthSum += sample.depthM * knownMs;
      if (rules.targetDepthM !== undefined && sample.depthM >= rules.targetDepthM) atDepthMs += knownMs;
    },
    summary(): ShiftSummary {
      return {
        workingS: ms.working / 1000,
        idleS: ms.idle / 1000,
        unknownS: ms.unknown / 1000,
        wayM,
        ...(rules.toolWidthM === undefined ? {} : { processedM2: wayM * rules.toolWidthM }),
        ...(depthMs === 0 ? {} : { meanDepthM: depthSum / depthMs }),
        ...(depthMs === 0 || rules.targetDepthM === undefined ? {} : { atDepth: atDepthMs / depthMs }),
      };
    },
  };
}
