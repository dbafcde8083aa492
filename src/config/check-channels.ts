import type { WindowStat } from "../dsp/window.ts";
import type { ChannelSpec } from "../model/channel.ts";
import type { PartChannel } from "./catalogue.ts";
import { calibrationStages } from "./check-calibration.ts";
import { checkDerived, inputsOf, isDerived } from "./check-derived.ts";
import { at, type Checking, complain, goodAt, namesAt, type Path } from "./checking.ts";
import { type CheckedChain, checkFilters } from "./filters.ts";
import type { LoadedChannel, LoadedPart, LoadedSource, LoadedTrack } from "./loaded.ts";
import { suggest } from "./nearest.ts";
import { brokerSchema, channelSchema, failOverSchema, rowsSchema, spoolSchema, trackSchema } from "./schema.ts";

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

/** The channels whose source exists and whose filter chain holds together, in the order of the file. */
export function checkChannels(c: Checking, parts: Parts, ringSeconds: number): LoadedChannel[] {
  const out: LoadedChannel[] = [];
  const names = namesAt(c, ["channels"]);
  // A channel made of others is looked at once those have been.
  let left = names;
  while (left.length > 0) {
    const waiting = left.filter(
      (name) => isDerived(c, name) && inputsOf(c, name).some((input) => left.includes(input)),
    );
    const ready = left.filter((name) => !waiting.includes(name));
    for (const name of ready.length === 0 ? left : [])
      complain(c, "config/conflict", ["channels", name, "from"], "it is made of itself, over the channels it names");
    if (ready.length === 0) break;
    for (const column of ready) out.push(...checkChannel(c, column, parts, out, ringSeconds));
    left = waiting;
  }
  return out.sort((a, b) => names.indexOf(a.column) - names.indexOf(b.column));
}

/** One channel, or none after writing down what is wrong with it. */
function checkChannel(
  c: Checking,
  column: string,
  parts: Parts,
  others: readonly LoadedChannel[],
  ringSeconds: number,
): LoadedChannel[] {
  const path = ["channels", column];
  const from = goodAt(c, channelSchema.shape.from, [...path, "from"]);
  const derived = isDerived(c, column) ? checkDerived(c, column, others, ringSeconds) : undefined;
  const plain = typeof from === "string" || Array.isArray(from) ? sourcesOf(c, column, from, parts) : undefined;
  const found = derived === undefined ? plain : [derived];
  const written = goodAt(c, looseChannel, path);
  if (found === undefined || written === undefined) return [];
  const sources: readonly LoadedSource[] = found.map((s) =>
    written.label === undefined ? s : { ...s, source: { ...s.source, label: written.label } },
  );
  const ending = written.deadband === "none" ? [] : [{ deadband: { band: written.deadband } }];
  const filters = [...written.filters, ...calibrationStages(c, column), ...ending];
  const chains: CheckedChain[] = [];
  for (const [i, { part, key, source }] of sources.entries()) {
    const chain = checkFilters(c, [...path, "filters"], source, filters, ringSeconds);
    if (chain !== undefined) chains.push(chain);
    else if (i > 0) complain(c, "config/conflict", [...path, "from", i], `these filters cannot run on ${part}.${key}`);
    if (chain === undefined) break;
  }
  const [first, ...standIns] = sources;
  const [chain] = chains;
  if (first === undefined || chain === undefined || chains.length < sources.length) return [];
  if (chain.spec.codes !== undefined) checkCodes(c, path, written);
  const failOver = checkFailOver(c, path, sources, written.failOver);
  const { aboveAt } = written;
  const stats: readonly WindowStat[] = aboveAt === undefined ? written.stats : [...written.stats, "above"];
  const [lowest, highest] = chain.spec.range;
  if (aboveAt !== undefined && (aboveAt < lowest || aboveAt >= highest)) {
    const text = `${column} reaches from ${lowest} to ${highest} ${chain.spec.unit}: found ${aboveAt}, which divides nothing`;
    complain(c, "config/conflict", [...path, "aboveAt"], text);
  }
  const columns = stats.map((s) => (s === "last" ? column : `${column}.${s}`));
  return [
    {
      column,
      ...first,
      standIns,
      ...(failOver === undefined ? {} : { failOver }),
      spec: specOfAll(chains.map((each) => each.spec)),
      filters: chain.filters,
      words: chain.words,
      stats,
      ...(aboveAt === undefined ? {} : { aboveAt }),
      columns: standIns.length === 0 ? columns : [...columns, `${column}.src`],
    },
  ];
}

/** What can be said of a row of codes: nothing can be said of their mean. */
const CODE_STATS: readonly string[] = ["last", "count", "good"];

function checkCodes(
  c: Checking,
  path: Path,
  written: { readonly stats: readonly string[]; readonly filters: object[] },
) {
  if (written.filters.length > 0)
    complain(c, "config/conflict", [...path, "filters"], "its values are codes: no filter makes sense of them");
  const wrong = written.stats.filter((s) => !CODE_STATS.includes(s));
  if (wrong.length > 0)
    complain(
      c,
      "config/conflict",
      [...path, "stats"],
      `its values are codes: found ${wrong.join(", ")}, expected last`,
    );
}

/** What a channel delivers whichever of its sources speaks: the widest range, the finest step, a rate only when all have it. */
function specOfAll(all: readonly ChannelSpec[]): ChannelSpec {
  const [first] = all as readonly [ChannelSpec, ...ChannelSpec[]];
  if (all.length === 1) return first;
  const { label, unit, rateHz } = first;
  const range = [Math.min(...all.map((s) => s.range[0])), Math.max(...all.map((s) => s.range[1]))] as const;
  const resolution = Math.min(...all.map((s) => s.resolution));
  const isEven = rateHz !== undefined && all.every((s) => s.rateHz === rateHz);
  return { label, unit, range, resolution, ...(isEven ? { rateHz } : {}) };
}

/** Samples that a source must be able to miss before another takes over. */
const MISSED_MIN = 3;

/** The hold times of a channel with several sources, which must be longer than what lies between two samples. */
function checkFailOver(
  c: Checking,
  path: Path,
  sources: readonly LoadedSource[],
  written: LoadedChannel["failOver"],
): LoadedChannel["failOver"] {
  if (sources.length < 2) {
    if (written !== undefined)
      complain(c, "config/conflict", [...path, "failOver"], "there is only one source: expected a list in from");
    return undefined;
  }
  const failOver = written ?? failOverSchema.parse({});
  const given = written === undefined ? [...path, "from"] : [...path, "failOver"];
  for (const { part, key, source } of sources) {
    const leastMs = source.rateHz === undefined ? 0 : Math.ceil((MISSED_MIN * 1000) / source.rateHz);
    if (failOver.afterMs >= leastMs) continue;
    const text = `${part}.${key} gives a sample every ${1000 / (source.rateHz ?? 1)} ms, so failOver.afterMs ${failOver.afterMs} is too short: expected at least ${leastMs}`;
    complain(c, "config/conflict", given, text);
  }
  return failOver;
}

/** The sources of a channel, all of one unit; undefined after complaining. */
function sourcesOf(
  c: Checking,
  column: string,
  from: string | readonly string[],
  parts: Parts,
): LoadedSource[] | undefined {
  const names = typeof from === "string" ? [from] : from;
  const path = ["channels", column, "from"];
  const found = names.flatMap((name, i): LoadedSource[] => {
    const source = sourceOf(c, typeof from === "string" ? path : [...path, i], name, parts);
    if (source === undefined) return [];
    const { key, ...spec } = source;
    return [{ part: name.slice(0, name.indexOf(".")), key, source: spec }];
  });
  const [first] = found;
  for (const [i, { part, key, source }] of found.entries()) {
    if (first === undefined || source.unit === first.source.unit) continue;
    const text = `${part}.${key} is in ${source.unit}, but ${first.part}.${first.key} is in ${first.source.unit}: sources of one channel have one unit`;
    complain(c, "config/conflict", [...path, i], text);
    return undefined;
  }
  return found.length === names.length ? found : undefined;
}

function sourceOf(c: Checking, path: Path, from: string, parts: Parts): PartChannel | undefined {
  const [partName = "", key = ""] = from.split(".");
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
  if (goodAt(c, spoolSchema.strip(), ["spool"])?.ack === "hq" && !namesAt(c, []).includes("hq")) {
    const text = "what HQ acknowledges is believed under its keys alone: hq.keyFiles is missing";
    complain(c, "config/conflict", ["spool", "ack"], text);
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
