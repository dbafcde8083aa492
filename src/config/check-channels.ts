import type { ChannelSpec } from "../model/channel.ts";
import type { PartChannel } from "./catalogue.ts";
import { at, type Checking, complain, goodEntries, namesAt } from "./checking.ts";
import { checkFilters } from "./filters.ts";
import type { LoadedChannel, LoadedPart, LoadedTrack } from "./loaded.ts";
import { suggest } from "./nearest.ts";
import { channelSchema, trackSchema, type UnitFile } from "./schema.ts";
import { toPlain, treeAt } from "./tree.ts";

type Parts = ReadonlyMap<string, LoadedPart>;

/** `shockX` as a column name: `shock_x`. */
export function snakeCase(key: string): string {
  return key.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();
}

/** The channels whose source exists and whose filter chain holds together. */
export function checkChannels(c: Checking, parts: Parts, ringSeconds: number): LoadedChannel[] {
  const out: LoadedChannel[] = [];
  for (const [column, written] of goodEntries(c, channelSchema, ["channels"])) {
    const [partName = "", key = ""] = written.from.split(".");
    const found = sourceOf(c, column, partName, key, parts);
    if (found === undefined) continue;
    const { key: _, ...spec } = found;
    const source: ChannelSpec = written.label === undefined ? spec : { ...spec, label: written.label };
    const ending = written.deadband === "none" ? [] : [{ deadband: { band: written.deadband } }];
    const filters = [...written.filters, ...ending];
    const chain = checkFilters(c, ["channels", column, "filters"], source, filters, ringSeconds);
    if (chain === undefined) continue;
    out.push({
      column,
      part: partName,
      key,
      source,
      spec: chain.spec,
      filters: chain.filters,
      words: chain.words,
      stats: written.stats,
      columns: written.stats.map((s) => (s === "last" ? column : `${column}.${s}`)),
    });
  }
  return out;
}

function sourceOf(c: Checking, column: string, partName: string, key: string, parts: Parts): PartChannel | undefined {
  const path = ["channels", column, "from"];
  const names = namesAt(c, ["parts"]);
  if (!names.includes(partName)) {
    complain(
      c,
      "config/conflict",
      path,
      `there is no part "${partName}"; ${suggest(partName, names, "parts of this file")}`,
    );
    return undefined;
  }
  const part = parts.get(partName);
  // A part that is itself wrong has been reported; what hangs on it is not blamed as well.
  if (part === undefined) return undefined;
  const found = part.channels.find((ch) => ch.key === key);
  if (found === undefined) {
    const right = part.channels.map((ch) => ch.key);
    const hint = suggest(key, right, `channels of "${partName}"`);
    complain(c, "config/conflict", path, `"${partName}" (${part.device.part}) has no channel "${key}"; ${hint}`);
  }
  return found;
}

/** The part whose fixes become the track, with every channel it has as a column. */
export function checkTrack(c: Checking, parts: Parts): LoadedTrack | undefined {
  const path = ["track", "from"];
  const written = treeAt(c.tree, ["track"]);
  const track = written === undefined ? undefined : trackSchema.safeParse(toPlain(written)).data;
  if (track === undefined) return undefined;
  const { from: name, columns: wanted } = track;
  const names = namesAt(c, ["parts"]);
  if (!names.includes(name)) {
    complain(c, "config/conflict", path, `there is no part "${name}"; ${suggest(name, names, "parts of this file")}`);
    return undefined;
  }
  const part = parts.get(name);
  if (part === undefined) return undefined;
  const keys = part.channels.map((ch) => ch.key);
  if (!keys.includes("lat") || !keys.includes("lon")) {
    complain(
      c,
      "config/conflict",
      path,
      `"${name}" (${part.device.part}) has no position: expected a part with lat and lon`,
    );
    return undefined;
  }
  const all = part.channels.map(({ key, ...spec }) => ({ column: snakeCase(key), key, spec }));
  const columns = all.filter(({ column }) => wanted?.includes(column) ?? true);
  for (const [i, column] of (wanted ?? []).entries()) {
    const right = all.map((a) => a.column);
    if (right.includes(column)) continue;
    const hint = suggest(column, right, `columns of "${name}"`);
    complain(c, "config/conflict", ["track", "columns", i], `"${name}" has no column "${column}"; ${hint}`);
  }
  for (const { column } of columns) {
    if (namesAt(c, ["channels"]).includes(column))
      complain(c, "config/conflict", ["channels", column], `the track has a column of this name (${at(c, path)})`);
  }
  return { part: name, columns };
}

/** Longest stretch of time in one record: what a single lost message may cost. */
const LONGEST_RECORD_MS = 60_000;

/** What contradicts itself within the sections of the file that stand alone. */
export function checkSections(c: Checking, file: UnitFile): void {
  const { rows, broker } = file;
  const spanMs = rows.everyMs * rows.batch;
  if (spanMs > LONGEST_RECORD_MS) {
    const text = `${rows.batch} rows of ${rows.everyMs} ms make records of ${spanMs / 1000} s, expected at most ${LONGEST_RECORD_MS / 1000} s`;
    complain(c, "config/conflict", ["rows", "batch"], text);
  }
  if ((broker.certFile === undefined) !== (broker.keyFile === undefined)) {
    const [has, lacks] = broker.certFile === undefined ? ["keyFile", "certFile"] : ["certFile", "keyFile"];
    complain(c, "config/conflict", ["broker", has], `a certificate and its key go together: ${lacks} is missing`);
  }
  if (broker.passwordFile !== undefined && broker.username === undefined)
    complain(c, "config/conflict", ["broker", "passwordFile"], "a password goes with a user name: username is missing");
  if (broker.url.startsWith("mqtt://")) {
    for (const key of ["caFile", "certFile", "keyFile"] as const)
      if (broker[key] !== undefined)
        complain(c, "config/conflict", ["broker", key], "certificates need mqtts://, but the url says mqtt://");
  }
}
