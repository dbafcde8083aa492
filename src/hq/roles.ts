import type { Descriptor } from "../model/record.ts";

/** The columns HQ gives a meaning of its own; every other column is still listed. */
export interface Roles {
  readonly lat?: string;
  readonly lon?: string;
  /** m/s over ground. */
  readonly speed?: string;
  /** Degrees from true north: where the machine points, or else where it goes. */
  readonly heading?: string;
  readonly fixMode?: string;
  readonly fixQuality?: string;
  readonly satellites?: string;
  readonly hdop?: string;
  /** rpm */
  readonly rotor?: string;
  /** rpm */
  readonly engine?: string;
  /** m below ground, positive downwards. */
  readonly depth?: string;
  /** Columns whose largest magnitude is the shock of a window, in m/s². */
  readonly shock: readonly string[];
}

type RoleName = Exclude<keyof Roles, "shock">;

/** Channel names looked for, best first. */
const PREFERRED: Record<RoleName, readonly string[]> = {
  lat: ["lat", "latitude"],
  lon: ["lon", "longitude"],
  speed: ["speed", "ground_speed"],
  heading: ["heading", "course"],
  fixMode: ["fixMode", "fix_mode"],
  fixQuality: ["fixQuality", "fix_quality"],
  satellites: ["satellites", "sats"],
  hdop: ["hdop"],
  rotor: ["rotor_speed"],
  engine: ["engine_speed"],
  depth: ["tool_depth"],
};

/** Statistics that stand for a channel, best first; the empty one is a column that bears the channel's own name. */
const CENTRE = ["mean", "", "rms", "max"];

/** The column of `channel` that holds statistic `stat`; undefined when it has none. */
export function statOf(descriptor: Descriptor, channel: string, stat: string): string | undefined {
  const wanted = stat === "" ? channel : `${channel}.${stat}`;
  return columnsOf(descriptor, channel).find((column) => column === wanted);
}

/** The column that stands for a channel: its mean, or else the first it has. */
export function centreOf(descriptor: Descriptor, channel: string): string | undefined {
  for (const stat of CENTRE) {
    const column = statOf(descriptor, channel, stat);
    if (column !== undefined) return column;
  }
  return columnsOf(descriptor, channel)[0];
}

function columnsOf(descriptor: Descriptor, channel: string): readonly string[] {
  return Object.hasOwn(descriptor.channels, channel) ? descriptor.channels[channel]!.columns : [];
}

/** Finds the columns that carry position, tool and engine in a descriptor. */
export function findRoles(descriptor: Descriptor): Roles {
  const roles: { -readonly [K in RoleName]?: string } = {};
  for (const role of Object.keys(PREFERRED) as RoleName[]) {
    const channel = PREFERRED[role].find((name) => Object.hasOwn(descriptor.channels, name));
    const column = channel === undefined ? undefined : centreOf(descriptor, channel);
    if (column !== undefined) roles[role] = column;
  }
  const shock: string[] = [];
  for (const [name, channel] of Object.entries(descriptor.channels)) {
    if (!name.startsWith("shock") || channel.unit !== "m/s2") continue;
    const peaks = ["min", "max"].flatMap((stat) => statOf(descriptor, name, stat) ?? []);
    const centre = centreOf(descriptor, name);
    shock.push(...(peaks.length > 0 ? peaks : centre === undefined ? [] : [centre]));
  }
  return { ...roles, shock };
}

/** A line of the page: one channel with its band. */
export interface ChartPlan {
  readonly channel: string;
  readonly label: string;
  readonly unit: string;
  /** Columns of the line and of its band; `peak` charts draw the largest magnitude of all of `from`. */
  readonly line: string | undefined;
  readonly min: string | undefined;
  readonly max: string | undefined;
  readonly peakOf: readonly string[];
}

/** Lines wanted first; others fill up to four. */
const CHARTS_FIRST = ["rotor_speed", "tool_depth", "engine_speed"];
const CHARTS = 4;

/** What the page draws as lines: rotor, depth, engine and shock where they exist, then other telemetry channels. */
export function planCharts(descriptor: Descriptor, roles: Roles): ChartPlan[] {
  const names = Object.keys(descriptor.channels).filter(
    (name) => descriptor.channels[name]!.table === "telemetry" && !name.startsWith("shock"),
  );
  const hasShock = roles.shock.length > 0;
  const chosen = [
    ...CHARTS_FIRST.filter((name) => names.includes(name)),
    ...names.filter((name) => !CHARTS_FIRST.includes(name)),
  ].slice(0, hasShock ? CHARTS - 1 : CHARTS);
  const plans: ChartPlan[] = chosen.map((channel) => ({
    channel,
    label: descriptor.channels[channel]!.label,
    unit: descriptor.channels[channel]!.unit,
    line: centreOf(descriptor, channel),
    min: statOf(descriptor, channel, "min"),
    max: statOf(descriptor, channel, "max"),
    peakOf: [],
  }));
  if (hasShock) {
    plans.push({
      channel: "shock",
      label: "Shock, peak of any axis",
      unit: "m/s2",
      line: undefined,
      min: undefined,
      max: undefined,
      peakOf: roles.shock,
    });
  }
  return plans;
}

/** One row of a record or of `live`: value by column, null or absent where there is none. */
export type ColumnReader = (column: string) => number | null | undefined;

/** The largest magnitude among `columns`; null when none of them has a value. */
export function peakOf(read: ColumnReader, columns: readonly string[]): number | null {
  let peak: number | null = null;
  for (const column of columns) {
    const value = read(column);
    if (typeof value === "number" && (peak === null || Math.abs(value) > peak)) peak = Math.abs(value);
  }
  return peak;
}

/** What the tool did in one row: 0 not engaged or not known, 1 engaged, 2 engaged but shallower than the target. */
export type Engagement = 0 | 1 | 2;

/** How HQ reads the work of a machine from its columns. */
export interface FieldRules {
  /** Width of ground the tool works, in m: the width of the band on the map. */
  readonly toolWidthM: number;
  /** Depth the task asks for, in m. */
  readonly targetDepthM: number;
  /** A window whose shock reaches this, in m/s², is marked on the map. */
  readonly shockLineMps2: number;
}

/** Below this the rotor counts as standing, in rpm. */
const ROTOR_TURNS_RPM = 60;
/** Above this the tool counts as out of the ground, in m. */
const IN_GROUND_M = 0.03;
/** How much shallower than the target still counts as on target, in m. */
const DEPTH_TOLERANCE_M = 0.02;

/** Engaged means: the rotor turns and the tool is below ground. What is not known is not engaged. */
export function engagementOf(read: ColumnReader, roles: Roles, rules: FieldRules): Engagement {
  const rotor = roles.rotor === undefined ? undefined : read(roles.rotor);
  const depth = roles.depth === undefined ? undefined : read(roles.depth);
  if (typeof rotor !== "number" || typeof depth !== "number") return 0;
  if (rotor < ROTOR_TURNS_RPM || depth < IN_GROUND_M) return 0;
  return depth < rules.targetDepthM - DEPTH_TOLERANCE_M ? 2 : 1;
}
