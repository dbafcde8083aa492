import { filters as catalogue } from "../dsp/catalogue.ts";
import { type ChainProblem, type ChainSpec, checkChain, createChain } from "../dsp/chain.ts";
import type { Signal } from "../dsp/signal.ts";
import type { ChannelSpec } from "../model/channel.ts";
import { type Checking, complain, type Path } from "./checking.ts";
import { describe, expectedBy } from "./expected.ts";
import { parseTree } from "./issues.ts";
import { suggest } from "./nearest.ts";
import type { Problem } from "./problems.ts";
import { toPlain, treeAt } from "./tree.ts";

/** A chain that holds together: as written, what leaves it, and a line of words for each stage. */
export interface CheckedChain {
  readonly filters: readonly ChainSpec[];
  readonly spec: ChannelSpec;
  readonly words: readonly string[];
}

/** What a source delivers, as the first filter of a chain sees it. */
export function signalOf(source: ChannelSpec, ringSeconds: number): Signal {
  const { unit, range, rateHz } = source;
  return { unit, range, capacity: 1, ringMs: ringSeconds * 1000, ...(rateHz === undefined ? {} : { rateHz }) };
}

/** How long a sample of a channel holds (ms) because the next comes only on change; undefined when they come regularly. */
export function holdOf(
  channel: { readonly source: ChannelSpec; readonly filters: readonly ChainSpec[] },
  ringSeconds: number,
): number | undefined {
  return createChain(channel.filters, signalOf(channel.source, ringSeconds)).output.holdMs;
}

/** The chain of one channel, stage by stage, or undefined after writing down what is wrong with it. */
export function checkFilters(
  c: Checking,
  path: Path,
  source: ChannelSpec,
  written: readonly ChainSpec[],
  ringSeconds: number,
): CheckedChain | undefined {
  const signal = signalOf(source, ringSeconds);
  const problems = checkChain(written, signal);
  for (const p of problems) reportStage(c, path, p, problems);
  if (problems.length > 0) return undefined;
  const chain = createChain(written, signal);
  const { unit, range, rateHz } = chain.output;
  const { label } = source;
  const resolution = resolutionOf(source, written, signal);
  const codes = source.codes === undefined ? {} : { codes: source.codes };
  const spec = { label, unit, range, resolution, ...(rateHz === undefined ? {} : { rateHz }), ...codes };
  return { filters: written, spec, words: chain.describe() };
}

/** A calibration stretches the step worth sending as it stretches the range; other filters leave it. */
function resolutionOf(source: ChannelSpec, written: readonly ChainSpec[], signal: Signal): number {
  const calibrations = written.filter((stage) => Object.keys(stage)[0]?.startsWith("calibrate"));
  const { range } = createChain(calibrations, signal).output;
  const stretched = (source.resolution * (range[1] - range[0])) / (source.range[1] - source.range[0]);
  return Number.isFinite(stretched) && stretched > 0 ? stretched : source.resolution;
}

function reportStage(c: Checking, path: Path, p: ChainProblem, all: readonly ChainProblem[]): void {
  const stage = [...path, p.index];
  const [name = "", ...inner] = p.key === "" ? [] : p.key.split(".");
  if (name === "") {
    complain(c, "config/invalid", stage, p.message);
    return;
  }
  const filter = Object.hasOwn(catalogue, name) ? catalogue[name] : undefined;
  if (filter === undefined) {
    const hint = suggest(name, p.known ?? [], "filters");
    complain(c, "config/unknown-key", [...stage, name], `no such filter; ${hint}`);
    return;
  }
  const params = treeAt(c.tree, [...stage, name]);
  if (params?.kind === "map") {
    // The stage's own schema says what is wrong with its parameters, once for all of them, in the words of this room.
    const found: Problem[] = [];
    parseTree(filter.params, c.tree, [...stage, name], found);
    if (found.length > 0) {
      if (all.find((other) => other.index === p.index) === p) c.problems.push(...found);
      return;
    }
  } else if (params !== undefined && filter.short !== undefined) {
    const value = toPlain(params);
    const result = filter.params.safeParse({ [filter.short]: value }, { error: expectedBy });
    const wanted = result.success ? undefined : result.error.issues[0]?.message;
    if (wanted !== undefined) {
      complain(c, "config/invalid", [...stage, name], `found ${describe(value)}, expected ${wanted}`);
      return;
    }
  }
  const key = treeAt(c.tree, [...stage, name, ...inner]) === undefined ? [...stage, name] : [...stage, name, ...inner];
  const value = treeAt(c.tree, key);
  const what = value?.kind === "scalar" ? `found ${describe(toPlain(value))}: ` : "";
  complain(c, "config/conflict", key, `${what}${p.message}`);
}
