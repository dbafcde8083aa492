/** One figure against its target. */
export interface Gauge {
  /** null when there is no good value now. */
  readonly value: number | null;
  readonly target: number | null;
  /** `none` while the tool does not work, or nothing is aimed at. */
  readonly verdict: "none" | "good" | "low" | "high";
}

export interface SourceView {
  readonly name: string;
  readonly part: string;
  readonly state: "absent" | "starting" | "running" | "degraded" | "failed";
}

/** All that the page in the cab shows. Times in s, `utcMs` in ms since 1970. */
export interface CabView {
  readonly unit: string;
  readonly machine: string;
  /** Maker and type. */
  readonly name: string;
  readonly simulated: boolean;
  readonly lamp:
    | "switching_off"
    | "reading"
    | "accepted"
    | "refused"
    | "fault"
    | "trial"
    | "no_fix"
    | "degraded"
    | "ok";
  readonly work: "working" | "idle" | "unknown";
  /** m below ground. */
  readonly depth: Gauge;
  /** m/s over ground. */
  readonly speed: Gauge;
  /** rpm. */
  readonly rotor: Gauge;
  readonly gnss: {
    readonly fix: "not_fitted" | "silent" | "no_fix" | "2d" | "3d" | "dgnss" | "float" | "fixed";
    readonly satellites: number | null;
  };
  readonly clock: { readonly trust: "none" | "rtc" | "ntp" | "gnss"; readonly utcMs: number | null };
  readonly hq: {
    readonly connected: boolean;
    /** Records that are not yet acknowledged. */
    readonly unsent: number;
    /** Since the last acknowledgement; null before the first. */
    readonly lastAckS: number | null;
    readonly spool: "ok" | "degraded" | "failed";
  };
  /** The signed configuration that runs, where one does, and what became of the newest; sentences in English. */
  readonly bundle: {
    readonly serial: number;
    readonly trial: boolean;
    readonly last?: string | undefined;
    readonly rehearsal?: string | undefined;
    readonly refused?: string | undefined;
  } | null;
  /** A stick that asked for the report or the records, for some minutes; the sentence is in English. */
  readonly stick: { readonly state: "reading" | "done" | "refused"; readonly said: string } | null;
  readonly sampler: "starting" | "running" | "restarting";
  /** What needs a hand first, then the others. */
  readonly sources: readonly SourceView[];
  readonly shift: {
    /** Since the unit was switched on. */
    readonly onS: number;
    readonly workingS: number;
    readonly idleS: number;
    readonly unknownS: number;
    readonly wayM: number;
    readonly processedM2: number | null;
    readonly meanDepthM: number | null;
    /** 0 to 1. */
    readonly atDepth: number | null;
    /** Detonation candidates the shock detector told. */
    readonly candidates: number;
  };
  /** A shock that may have been a detonation, which nobody has judged. */
  readonly question: { readonly agoS: number } | null;
  /** Newest first, at most 20. */
  readonly marks: readonly { readonly kind: MarkName; readonly agoS: number }[];
}

export type MarkName = "mine_found" | "detonation" | "no_detonation" | "breakdown" | "standby";

/** What the page needs to know once. */
export interface CabSetup {
  /** Languages there are: code and own name. */
  readonly languages: readonly { readonly code: string; readonly name: string }[];
  /** The language to begin with. */
  readonly language: string;
}
