import type { LoadedChannel, LoadedConfig } from "../config/loaded.ts";
import { createBlock } from "../model/block.ts";
import { compose } from "../sampler/compose.ts";
import { createPipeline } from "../sampler/pipeline.ts";
import type { Comparison } from "./compare.ts";
import { entriesOf } from "./format.ts";

/** Of fewer usable values nothing is concluded. */
const LEAST = 3;
/** A filter may gather this long (ms) before it gives its first value. */
const PATIENCE_MS = 3_600_000;
const MOST_SAMPLES = 5_000_000;
/** Channels that are named. */
const NAMED = 4;

/**
 * Why a configuration must not run, judged by a recording of which the one that runs now makes usable values: a channel that
 * both have gets samples and nothing comes out of its filters, or nothing usable does. Undefined when there is nothing.
 * A value that differs is no objection, nor is one that is marked here and there: that can be the repair.
 */
export function objectionTo(c: Comparison, file: Uint8Array, after: LoadedConfig): string | undefined {
  const found = c.channels.flatMap(({ name, before, after: now }) => {
    if (before === undefined || now === undefined || before.usable < LEAST) return [];
    if (now.came === 0 || now.usable > 0) return [];
    const was = `what runs now makes ${before.usable} usable values`;
    if (now.left > 0) return [`all ${now.left} values of ${name} are marked unusable, and ${was}`];
    const channel = after.channels.find((one) => one.column === name);
    if (channel === undefined || channel.derived !== undefined || givesLater(file, channel, after)) return [];
    return [`nothing comes out of the filters of ${name}, and ${was}`];
  });
  if (found.length === 0) return undefined;
  const more = found.length > NAMED ? `; and ${found.length - NAMED} channels more` : "";
  return `${found.slice(0, NAMED).join("; ")}${more}`;
}

/** Whether a chain gives a value when what was recorded of its source comes again and again. True where that was not recorded sample by sample. */
function givesLater(file: Uint8Array, channel: LoadedChannel, config: LoadedConfig): boolean {
  const blocks = blocksOf(file, channel);
  const [first, last] = [blocks[0], blocks.at(-1)];
  if (first === undefined || last === undefined) return true;
  const spec = compose(config).pipelines[config.channels.indexOf(channel)];
  if (spec === undefined) return true;
  const pipeline = createPipeline(spec);
  let gave = 0;
  pipeline.onFiltered((block) => {
    gave += block.n;
  });
  const { rateHz = 1 } = channel.source;
  const shifted = createBlock(Math.max(...blocks.map((b) => b.n)));
  const spanMs = last.t[last.n - 1]! - first.t[0]! + 1000 / rateHz;
  let samples = 0;
  for (let byMs = 0; byMs < PATIENCE_MS && samples < MOST_SAMPLES; byMs += spanMs) {
    for (const { n, t, x, q } of blocks) {
      shifted.n = n;
      for (let i = 0; i < n; i++) shifted.t[i] = t[i]! + byMs;
      shifted.x.set(x);
      shifted.q.set(q);
      samples += n;
      pipeline.accept(shifted);
      if (gave > 0) return true;
    }
  }
  return false;
}

function blocksOf(file: Uint8Array, { part, key }: LoadedChannel) {
  const all = [...entriesOf(file)];
  const head = all[0];
  if (head?.kind !== "head") return [];
  const place = head.head.parts.findIndex((p) => p.name === part);
  const channel = head.head.parts[place]?.channels.indexOf(key) ?? -1;
  return all.flatMap((e) => (e.kind === "block" && e.part === place && e.channel === channel ? [e.block] : []));
}
