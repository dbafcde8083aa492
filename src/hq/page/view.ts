/**
 * What the server tells the page: the types of `/events` and `/api/state`. Times named `…AtMs` are HQ's clock (ms since
 * 1970), `mono` is the unit's (ms since its boot). Null means not known, never zero.
 */

export interface HeadView {
  /** The machine the unit is mounted on. */
  readonly machine: string | null;
  readonly state: "online" | "sleeping" | "offline" | "lost" | "unknown";
  readonly stateAtMs: number | null;
  readonly software: string | null;
  readonly boot: string | null;
  /** Where the unit's time comes from. */
  readonly trust: "none" | "rtc" | "ntp" | "gnss" | null;
  readonly sampler: string | null;
  /** Which part of the channels a simulator makes. */
  readonly simulated: "none" | "some" | "all" | null;
}

export interface LiveView {
  readonly boot: string;
  readonly mono: number;
  readonly atMs: number;
  /** UTC as the unit knows it. */
  readonly t: string | null;
  readonly c: Readonly<Record<string, number | null>>;
  readonly q: Readonly<Record<string, number>>;
}

export interface ChannelView {
  readonly name: string;
  readonly label: string;
  readonly unit: string;
  readonly source: string;
  readonly table: "telemetry" | "track";
  readonly range: readonly [number, number];
  readonly resolution: number;
  /** Words for its values, when they are codes. */
  readonly codes?: readonly string[];
  readonly simulated: boolean;
  /** Full names of its columns, the one that stands for the channel first. */
  readonly columns: readonly string[];
  readonly filters: readonly string[];
}

export interface ChartView {
  readonly channel: string;
  readonly label: string;
  readonly unit: string;
}

/** Columns with a meaning of their own; absent when the unit has none such. */
export interface RolesView {
  readonly lat?: string;
  readonly lon?: string;
  readonly speed?: string;
  readonly heading?: string;
  readonly fixMode?: string;
  readonly fixQuality?: string;
  readonly satellites?: string;
  readonly hdop?: string;
  readonly rotor?: string;
  readonly engine?: string;
  readonly depth?: string;
  readonly shock: readonly string[];
}

export interface DescriptorView {
  readonly hash: string;
  readonly quality: Readonly<Record<string, number>>;
  readonly channels: readonly ChannelView[];
  readonly charts: readonly ChartView[];
  readonly roles: RolesView;
}

/** Rows of the lines. With `reset` they replace what the page has. Values: line, min, max of each chart in turn. */
export interface RowsView {
  readonly reset: boolean;
  readonly items: readonly (readonly [mono: number, ...values: (number | null)[]])[];
}

/** Kind of a track point: 0 in transit or not known, 1 tool engaged, 2 engaged but shallower than the target. */
export type TrackKind = 0 | 1 | 2;

/** The way of the machine. With `reset` the points replace what the page has; `gap` is 1 where the line is interrupted. */
export interface TrackView {
  readonly reset: boolean;
  readonly items: readonly (readonly [lat: number, lon: number, kind: TrackKind, gap: 0 | 1])[];
}

export interface MarkView {
  readonly lat: number;
  readonly lon: number;
  /** m/s² */
  readonly peak: number | null;
}

export interface LaneView {
  readonly lane: string;
  readonly received: number;
  readonly duplicates: number;
  readonly missing: number;
  readonly declaredGone: number;
  readonly holes: readonly (readonly [number, number])[];
  /** As the unit last said. */
  readonly unsent: number | null;
  readonly bytes: number;
}

export interface LanesView {
  readonly lanes: readonly LaneView[];
  readonly live: { readonly received: number; readonly bytes: number };
  readonly messages: number;
  readonly bytes: number;
  readonly waiting: number;
  readonly waitingDropped: number;
}

export interface SourceView {
  readonly name: string;
  readonly state: string;
  readonly part: string | null;
  readonly verified: string | null;
  readonly lastSampleMono: number | null;
  readonly counters: Readonly<Record<string, number>>;
}

export interface HealthView {
  readonly atMs: number | null;
  readonly mono: number | null;
  readonly uptimeS: number | null;
  readonly rssMb: number | null;
  readonly cpuTempCel: number | null;
  readonly undervoltage: boolean | null;
  readonly diskFreeMb: number | null;
  readonly spoolState: string | null;
  readonly spoolBytes: number | null;
  readonly protocol: string | null;
  readonly connects: number | null;
  readonly refused: number | null;
  readonly restarts: number | null;
  readonly latenessP50Ms: number | null;
  readonly latenessMaxMs: number | null;
  readonly framesLost: number | null;
  readonly sources: readonly SourceView[];
}

export interface EventView {
  readonly name: string;
  readonly severity: "info" | "warning" | "alarm" | "outage";
  readonly source: string | null;
  readonly detail: Readonly<Record<string, number | string | boolean | null>>;
  readonly t: string | null;
  readonly atMs: number;
}

/** What changed of one unit; a section that is absent did not change. */
export interface UnitPatch {
  readonly key: string;
  readonly unit: string;
  readonly org: string;
  readonly head?: HeadView;
  readonly live?: LiveView;
  readonly descriptor?: DescriptorView;
  readonly lanes?: LanesView;
  readonly health?: HealthView;
  readonly events?: readonly EventView[];
  readonly marks?: readonly MarkView[];
  readonly rows?: RowsView;
  readonly track?: TrackView;
}

/** How the page draws and judges; the same for every unit. */
export interface RulesView {
  readonly toolWidthM: number;
  readonly targetDepthM: number;
  readonly shockLineMps2: number;
  /** What people call a machine, by its id. */
  readonly machineNames: Readonly<Record<string, string>>;
  /** What HQ is keeps nothing: its database is in memory, and no record is confirmed as stored. */
  readonly demo: boolean;
}

/** One message of `/events`. */
export interface Tidings {
  readonly nowMs: number;
  /** Whether HQ has its session with the broker. */
  readonly broker: boolean;
  /** Messages HQ put aside, by reason; only reasons that occurred. */
  readonly bad: Readonly<Record<string, number>>;
  readonly rules?: RulesView;
  readonly units: readonly UnitPatch[];
}
