import { derivations } from "../dsp/derive/catalogue.ts";
import type { DerivationDef, DerivedInput } from "../dsp/derive/derivation.ts";
import { quantityOf } from "../dsp/signal.ts";
import type { ChannelSpec } from "../model/channel.ts";
import { type Checking, complain, namesAt, type Path } from "./checking.ts";
import { holdOf } from "./filters.ts";
import { parseTree } from "./issues.ts";
import type { LoadedChannel, LoadedDerivation, LoadedSource } from "./loaded.ts";
import { suggest } from "./nearest.ts";
import { treeAt } from "./tree.ts";

/** The least age from which an input is stale where nothing is written, and the number of its periods. */
const STALE_MS = 500;
const STALE_PERIODS = 3;

/** Whether a channel is made of others: `from` is a map. */
export function isDerived(c: Checking, column: string): boolean {
  return treeAt(c.tree, ["channels", column, "from"])?.kind === "map";
}

/** The derivation and its accepted parameters, as far as they are right. */
function writtenAt(c: Checking, path: Path): { def: DerivationDef; params: unknown } | undefined {
  const [name, ...more] = namesAt(c, path);
  const known = Object.keys(derivations);
  if (name === undefined || more.length > 0) {
    complain(c, "config/invalid", path, `expected one way to make it of others, such as difference: { a: …, b: … }`);
    return undefined;
  }
  const def = Object.hasOwn(derivations, name) ? derivations[name] : undefined;
  if (def === undefined) {
    complain(
      c,
      "config/unknown-key",
      [...path, name],
      `no such way to make a channel; ${suggest(name, known, "ways")}`,
    );
    return undefined;
  }
  const params = parseTree(def.params, c.tree, [...path, name], c.problems);
  return params === undefined ? undefined : { def, params };
}

/** The channels that a derived channel is made of, for the order in which they are checked; none where that is wrong. */
export function inputsOf(c: Checking, column: string): readonly string[] {
  const quiet: Checking = { tree: c.tree, problems: [] };
  const written = writtenAt(quiet, ["channels", column, "from"]);
  return written === undefined ? [] : written.def.inputs(written.params).map((role) => role.channel);
}

/** What a derived channel is made of, once the channels it names have been checked; undefined after complaining. */
export function checkDerived(
  c: Checking,
  column: string,
  channels: readonly LoadedChannel[],
  ringSeconds: number,
): (LoadedSource & { readonly derived: LoadedDerivation }) | undefined {
  const path = ["channels", column, "from"];
  const written = writtenAt(c, path);
  if (written === undefined) return undefined;
  const { def, params } = written;
  const before = c.problems.length;
  const names = namesAt(c, ["channels"]);
  const inputs: DerivedInput[] = [];
  const roles = def.inputs(params);
  const where = (key: string) => [...path, def.name, ...key.split(".").map((k) => (/^\d+$/.test(k) ? Number(k) : k))];
  for (const [i, { key, channel: name, quantities }] of roles.entries()) {
    const channel = channels.find((ch) => ch.column === name);
    if (roles.findIndex((r) => r.channel === name) < i)
      complain(c, "config/conflict", where(key), `${name} is an input already: expected each channel once`);
    if (channel === undefined) {
      // One that is there but wrong has been reported itself.
      const hint = suggest(name, names, "channels of this file");
      if (!names.includes(name)) complain(c, "config/conflict", where(key), `there is no channel "${name}"; ${hint}`);
      continue;
    }
    const { unit, range, resolution, rateHz } = channel.spec;
    if (quantities !== undefined && !quantities.includes(quantityOf(unit)))
      complain(
        c,
        "config/conflict",
        where(key),
        `${name} is in ${unit}, expected one that measures ${quantities.join(" or ")}`,
      );
    const holdMs = holdOf(channel, ringSeconds);
    inputs.push({
      name,
      unit,
      range,
      resolution,
      capacity: 1,
      ...(rateHz === undefined ? {} : { rateHz }),
      ...(holdMs === undefined ? {} : { holdMs }),
    });
  }
  if (inputs.length < roles.length || c.problems.length > before) return undefined;
  const planned = def.plan(params, inputs);
  if (!planned.ok) {
    complain(c, "config/conflict", where(planned.key), planned.message);
    return undefined;
  }
  const lead = inputs[0]!;
  const { unit, range, resolution, codes } = planned.spec;
  const source: ChannelSpec = {
    label: `${column.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase())}`,
    unit,
    range,
    resolution,
    ...(lead.rateHz === undefined ? {} : { rateHz: lead.rateHz }),
    ...(codes === undefined ? {} : { codes }),
  };
  const derived: LoadedDerivation = {
    name: def.name,
    params,
    inputs: inputs.map((input) => ({
      ...input,
      maxAgeMs: def.maxAgeMs(params) ?? staleAfter(input),
    })),
  };
  return { part: "", key: wordsOf(def.name, params), source, derived };
}

/** From which age on (ms) an input is stale where nothing is written about it. */
export function staleAfter({ rateHz, holdMs }: { readonly rateHz?: number; readonly holdMs?: number }): number {
  if (holdMs !== undefined) return holdMs;
  return rateHz === undefined ? 10 * STALE_MS : Math.max(STALE_MS, (STALE_PERIODS * 1000) / rateHz);
}

/** `difference of rotor_speed, engine_speed`, with every other parameter that is set. */
function wordsOf(name: string, params: unknown): string {
  return `${name} ${Object.entries(params as object)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key} ${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join(", ")}`;
}
