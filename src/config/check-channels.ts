import type { ChannelSpec } from "../model/channel.ts";
import type { PartChannel } from "./catalogue.ts";
import { at, type Checking, complain, goodAt, namesAt } from "./checking.ts";
import { checkFilters } from "./filters.ts";
import type { LoadedChannel, LoadedPart, LoadedTrack } from "./loaded.ts";
import { suggest } from "./nearest.ts";
import { brokerSchema, channelSchema, rowsSchema, trackSchema } from "./schema.ts";

// A key too many has been reported with the whole file; it does not keep the rest from being checked.
const looseChannel = channelSchema.strip();
const looseTrack = trackSchema.strip();
const looseRows = rowsSchema.strip();
const looseBroker = brokerSchema.strip();

type Parts = ReadonlyMap<string, LoadedPart>;

/** `shockX` as a column name: `shock_x`. */
export function snakeCase(key: string): string {
  return key.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();
}

/** The channels whose source exists and whose filter chain holds together. */
export function checkChannels(c: Checking, parts: Parts, ringSeconds: number): LoadedChannel[] {
  const out: LoadedChannel[] = [];
  for (const column of namesAt(c, ["channels"])) {
    const path = ["channels", column];
    const from = goodAt(c, channelSchema.shape.from, [...path, "from"]);
    const found = from === undefined ? undefined : sourceOf(c, column, from, parts);
    const written = goodAt(c, looseChannel, path);
    if (found === undefined || written === undefined) continue;
    const { key, ...spec } = found;
    const source: ChannelSpec = written.label === undefined ? spec : { ...spec, label: written.label };
    const ending = written.deadband === "none" ? [] : [{ deadband: { band: written.deadband } }];
    const chain = checkFilters(c, [...path, "filters"], source, [...written.filters, ...ending], ringSeconds);
    if (chain === undefined) continue;
    out.push({
      column,
      part: written.from.slice(0, written.from.indexOf(".")),
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

function sourceOf(c: Checking, column: string, from: string, parts: Parts): PartChannel | undefined {
  const [partName = "", key = ""] = from.split(".");
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
  const track = goodAt(c, looseTrack, ["track"]);
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
export function checkSections(c: Checking): void {
  const rows = goodAt(c, looseRows, ["rows"]);
  const spanMs = (rows?.everyMs ?? 0) * (rows?.batch ?? 0);
  if (rows !== undefined && spanMs > LONGEST_RECORD_MS) {
    const text = `${rows.batch} rows of ${rows.everyMs} ms make records of ${spanMs / 1000} s, expected at most ${LONGEST_RECORD_MS / 1000} s`;
    complain(c, "config/conflict", ["rows", "batch"], text);
  }
  const broker = goodAt(c, looseBroker, ["broker"]);
  if (broker === undefined) return;
  if ((broker.certFile === undefined) !== (broker.keyFile === undefined)) {
    const [has, lacks] = broker.certFile === undefined ? ["keyFile", "certFile"] : ["certFile", "keyFile"];
    complain(c, "config/conflict", ["broker", has], `a certificate and its key go together: ${lacks} is missing`);
  }
  if (broker.passwordFile !== undefined && broker.username === undefined)
    complain(c, "config/conflict", ["broker", "passwordFile"], "a password goes with a user name: username is missing");
  if (broker.url.startsWith("mqtts://")) {
    const text = "mqtts:// needs the authority that signed the broker, and trusts no other: caFile is missing";
    if (broker.caFile === undefined) complain(c, "config/conflict", ["broker", "url"], text);
    return;
  }
  for (const key of ["caFile", "certFile", "keyFile"] as const)
    if (broker[key] !== undefined)
      complain(c, "config/conflict", ["broker", key], "certificates need mqtts://, but the url says mqtt://");
}
