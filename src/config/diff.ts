import { canonicalJson } from "../model/canonical.ts";
import { UNITS } from "../model/units.ts";
import { BUS_SHARE_MAX, busLoads, percent, ringBytes } from "./budget.ts";
import type { LoadedChannel, LoadedConfig, LoadedDetector, LoadedPart } from "./loaded.ts";
import { areaM2 } from "./site.ts";
import { sourceWords } from "./source-words.ts";
import { estimateTraffic } from "./traffic.ts";

/** What a change is about. */
export type Topic =
  | "unit"
  | "machine"
  | "site"
  | "broker"
  | "spool"
  | "bus"
  | "part"
  | "channel"
  | "track"
  | "panel"
  | "display"
  | "power"
  | "harness"
  | "detector"
  | "calibration"
  | "rows"
  | "budget"
  | "simulation";

/** One thing that would be otherwise on the machine. */
export interface Change {
  readonly topic: Topic;
  /** Of the bus, part, channel, detector or budget. */
  readonly name: string;
  readonly change: "added" | "removed" | "changed";
  /** One line each, for a person. */
  readonly words: readonly string[];
}

/**
 * What would change on the machine if `after` took the place of `before`, whatever the files look like; empty when it would
 * do the same. Budgets are listed when they moved by more than a hundredth.
 */
export function diffConfigs(before: LoadedConfig, after: LoadedConfig): Change[] {
  const changes: Change[] = [];
  const add = (topic: Topic, name: string, change: Change["change"], words: readonly string[]): void => {
    changes.push({ topic, name, change, words });
  };
  const fields = (topic: Topic, name: string, a: object | undefined, b: object | undefined): void => {
    if (a === undefined && b === undefined) return;
    if (a === undefined) add(topic, name, "added", [inline(b)]);
    else if (b === undefined) add(topic, name, "removed", [inline(a)]);
    else {
      const words = changedFields(a, b);
      if (words.length > 0) add(topic, name, "changed", words);
    }
  };
  const named = (topic: Topic, a: ReadonlyMap<string, object>, b: ReadonlyMap<string, object>): void => {
    for (const name of new Set([...a.keys(), ...b.keys()])) fields(topic, name, a.get(name), b.get(name));
  };

  fields("unit", after.identity.unit, before.identity, after.identity);
  const machine = (c: LoadedConfig) => ({ machine: c.machine, ...c.profile });
  fields("machine", after.machine, machine(before), machine(after));
  fields("site", after.site?.id ?? before.site?.id ?? "", siteOf(before), siteOf(after));
  fields("broker", after.broker.url, before.broker, after.broker);
  fields("spool", after.spool.dir, before.spool, after.spool);
  named("bus", new Map(Object.entries(before.buses)), new Map(Object.entries(after.buses)));
  named("part", byName(before.parts, partOf), byName(after.parts, partOf));
  channelChanges(before.channels, after.channels, add);
  const trackOf = ({ track }: LoadedConfig) =>
    track === undefined ? undefined : { from: track.part, columns: track.columns.map((t) => t.column) };
  fields("track", "track", trackOf(before), trackOf(after));
  fields("panel", "panel", before.panel, after.panel);
  fields("display", "display", displayOf(before), displayOf(after));
  fields("harness", "harness", before.harness, after.harness);
  fields("power", "ignition", before.power?.ignition, after.power?.ignition);
  named("detector", byName(before.detectors, detectorOf), byName(after.detectors, detectorOf));
  const calibrations = ({ calibration: c }: LoadedConfig) =>
    new Map<string, object>([
      ...Object.entries(c?.channels ?? {}),
      ...(c?.leverArm === undefined ? [] : [["leverArm", c.leverArm] as const]),
    ]);
  named("calibration", calibrations(before), calibrations(after));
  fields("rows", "rows", rowsOf(before), rowsOf(after));
  fields("simulation", "simulation", before.simulation, after.simulation);
  budgetChanges(before, after, add);
  return changes;
}

type Add = (topic: Topic, name: string, change: Change["change"], words: readonly string[]) => void;

function channelChanges(before: readonly LoadedChannel[], after: readonly LoadedChannel[], add: Add): void {
  const old = new Map(before.map((c) => [c.column, c]));
  for (const channel of after) {
    const was = old.get(channel.column);
    old.delete(channel.column);
    if (was === undefined) {
      add("channel", channel.column, "added", [inline(channelOf(channel))]);
      continue;
    }
    const words = changedFields(channelOf(was), channelOf(channel));
    if (words.length > 0) add("channel", channel.column, "changed", words);
  }
  for (const channel of old.values()) add("channel", channel.column, "removed", [inline(channelOf(channel))]);
}

function budgetChanges(before: LoadedConfig, after: LoadedConfig, add: Add): void {
  const a = budgetsOf(before);
  const b = budgetsOf(after);
  for (const name of new Set([...a.keys(), ...b.keys()])) {
    const from = a.get(name);
    const to = b.get(name);
    if (from === undefined && to !== undefined) add("budget", name, "added", [to.words]);
    else if (from !== undefined && to === undefined) add("budget", name, "removed", [from.words]);
    else if (from !== undefined && to !== undefined && moved(from.value, to.value))
      add("budget", name, "changed", [`${from.words} ⇒ ${to.words}`]);
  }
}

const moved = (from: number, to: number) => Math.abs(to - from) > 0.01 * Math.max(Math.abs(from), Math.abs(to));

function budgetsOf(config: LoadedConfig): Map<string, { value: number; words: string }> {
  const budgets = new Map<string, { value: number; words: string }>();
  for (const [name, loads] of busLoads(new Map(Object.entries(config.buses)), config.parts, config.display)) {
    const share = loads.reduce((sum, l) => sum + l.share, 0);
    budgets.set(`time of bus ${name}`, { value: share, words: `${percent(share)} of ${percent(BUS_SHARE_MAX)}` });
  }
  const { telemetry, track, live } = estimateTraffic(config);
  const perSecond = (value: number) => ({ value, words: `${Math.round(value)} bytes/s` });
  budgets.set("records sent", perSecond(telemetry + track));
  budgets.set("live values", perSecond(live));
  const rings = ringBytes(config.channels, config.ringSeconds);
  budgets.set("memory of the rings", { value: rings, words: `${(rings / 1e6).toFixed(2)} MB` });
  return budgets;
}

function siteOf({ site }: LoadedConfig): object | undefined {
  if (site === undefined) return undefined;
  return {
    ...site,
    area: `${site.area.length} corners, ${(areaM2(site.area) / 10_000).toFixed(2)} ha ${inline(site.area)}`,
  };
}

const partOf = ({ device, bus, address, options }: LoadedPart) => ({ part: device.part, bus, address, options });

function displayOf({ display }: LoadedConfig): object | undefined {
  return display && { ...display, device: display.device.part };
}

function detectorOf(detector: LoadedDetector): object {
  const { name: _, ...rest } = detector;
  return rest;
}

function channelOf({ part, key, spec, words, columns }: LoadedChannel): object {
  const { label, unit, range, rateHz } = spec;
  return {
    from: sourceWords({ part, key }),
    label,
    unit: UNITS[unit].label,
    range: `${range[0]} to ${range[1]}`,
    rate: rateHz === undefined ? "no regular rate" : `${rateHz} samples/s`,
    filters: words.length === 0 ? "none" : words.join(" → "),
    columns: columns.join(", "),
  };
}

function rowsOf({ rows, live, ringSeconds, capture, detectors }: LoadedConfig): object {
  const kept = detectors.some((d) => d.capture) ? { capture } : {};
  return { everyMs: rows.everyMs, batch: rows.batch, liveEveryMs: live.everyMs, ringSeconds, ...kept };
}

function byName<T extends { readonly name: string }>(
  items: readonly T[],
  of: (item: T) => object,
): Map<string, object> {
  return new Map(items.map((item) => [item.name, of(item)]));
}

function changedFields(a: object, b: object): string[] {
  const from = new Map<string, unknown>(Object.entries(a));
  const to = new Map<string, unknown>(Object.entries(b));
  return [...new Set([...from.keys(), ...to.keys()])]
    .filter((key) => canonicalJson(from.get(key)) !== canonicalJson(to.get(key)))
    .map((key) => `${key}: ${inline(from.get(key))} ⇒ ${inline(to.get(key))}`);
}

function inline(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  if (typeof value !== "object" || value === null) return value === "" ? "none" : String(value);
  return Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .map(([key, inner]) => (typeof inner === "object" ? `${key} (${inline(inner)})` : `${key} ${inline(inner)}`))
    .join(", ");
}

const MARKS = { added: "+", removed: "-", changed: "~" } as const;

/** The changes as lines of text: `+` added, `-` removed, `~` changed. */
export function explainDiff(changes: readonly Change[]): string[] {
  if (changes.length === 0) return ["Nothing would change on the machine."];
  return changes.flatMap(({ topic, name, change, words }) => [
    `${MARKS[change]} ${topic} ${name}`,
    ...words.map((line) => `    ${line}`),
  ]);
}
