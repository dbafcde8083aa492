import { type Chain, type ChainSpec, createChain } from "../dsp/chain.ts";
import { createRing, type Ring } from "../dsp/ring.ts";
import type { Signal } from "../dsp/signal.ts";
import { createStatBlock } from "../dsp/stat-block.ts";
import { createWindow, type Window, type WindowStat } from "../dsp/window.ts";
import type { Block } from "../model/block.ts";
import { createPreference, type FailOver, type SwitchReason } from "./preference.ts";

/** Where samples of a channel come from, and what they are. */
export interface PipelineSource {
  /** The part and the place of the channel in its table. */
  readonly part: string;
  readonly channel: number;
  readonly signal: Signal;
}

/** What one published channel is made of. */
export interface PipelineSpec extends PipelineSource {
  /** The channel as HQ names it. */
  readonly name: string;
  /** Sources that speak when the first does not, in order; each goes through filters of its own. */
  readonly standIns?: readonly PipelineSource[];
  readonly failOver?: FailOver;
  readonly filters: readonly ChainSpec[];
  readonly stats: readonly WindowStat[];
  /** The threshold of the statistic `above`. */
  readonly above?: number;
  readonly ringSamples: number;
  readonly rowMs: number;
}

/** One channel's way through the loop: ring at full rate, filter chain, window on the row grid. Nothing is allocated per sample. */
export interface Pipeline {
  /** The part that speaks. */
  readonly part: string;
  /** All its sources, best first. */
  readonly sources: readonly PipelineSource[];
  readonly ring: Ring;
  readonly columns: number;
  readonly name: string;
  /** What of this channel came into no row, by kind; only what is not 0. */
  losses(): Readonly<Record<string, number>>;
  /** Takes a block of one of its sources, by place. What a source brings that does not speak is in no row. */
  accept(block: Block, source?: number): void;
  /** Calls `watch` with every block before the filters. It must not change the block, nor keep it. */
  onRaw(watch: (block: Block) => void): void;
  /** The same behind the filters. */
  onFiltered(watch: (block: Block) => void): void;
  /** Calls `watch` when another source begins to speak. */
  onSwitch(watch: (to: number, from: number, reason: SwitchReason, tMs: number) => void): void;
  /** Writes the row's values and quality from `offset`; see `Window.take`. With stand-ins the last value is who spoke last. */
  take(rowStartMs: number, values: Float64Array, q: Uint16Array, offset: number): void;
}

export function createPipeline(spec: PipelineSpec): Pipeline {
  const { standIns = [], rowMs } = spec;
  const sources: readonly PipelineSource[] = [spec, ...standIns];
  const ring = createRing(spec.ringSamples);
  const chains: readonly Chain[] = sources.map(({ signal }) => createChain(spec.filters, signal));
  const { holdMs } = chains[0]!.output;
  const window: Window = createWindow({
    stats: spec.stats,
    periodMs: rowMs,
    ...(holdMs === undefined ? {} : { holdMs }),
    ...(spec.above === undefined ? {} : { above: spec.above }),
  });
  const raw: ((block: Block) => void)[] = [];
  const filtered: ((block: Block) => void)[] = [];
  const switched: ((to: number, from: number, reason: SwitchReason, tMs: number) => void)[] = [];
  const preference =
    spec.failOver === undefined || standIns.length === 0
      ? undefined
      : createPreference(sources.length, spec.failOver, (to, from, reason, tMs) => {
          for (const watch of switched) watch(to, from, reason, tMs);
        });
  /** Who spoke, as samples of their own. */
  const speakers: Window | undefined = preference && createWindow({ stats: ["last"], periodMs: rowMs });
  const spoke = createStatBlock(1);
  let overlap = 0;
  let newestMs = Number.NEGATIVE_INFINITY;

  /** Whether a block is for this channel's rows; the others only keep their filters warm. */
  function counts(block: Block, source: number): boolean {
    if (preference === undefined || speakers === undefined || block.n === 0) return true;
    if (!preference.heard(source, block)) return false;
    // Just after a change: what the speaker before has already told of the same time stays.
    if (block.t[0]! <= newestMs) {
      overlap += block.n;
      return false;
    }
    newestMs = block.t[block.n - 1]!;
    spoke.n = 1;
    spoke.t[0] = newestMs;
    spoke.x[0] = source;
    speakers.add(spoke);
    return true;
  }

  return {
    get part() {
      return sources[preference?.speaker ?? 0]!.part;
    },
    sources,
    ring,
    columns: spec.stats.length + (speakers === undefined ? 0 : 1),
    name: spec.name,
    losses() {
      const { late, jumps } = window;
      const refused = chains.reduce((sum, chain) => sum + chain.refused, 0);
      return Object.fromEntries(Object.entries({ late, jumps, refused, overlap }).filter(([, n]) => n > 0));
    },
    accept(block, source = 0) {
      const isFor = counts(block, source);
      const out = chains[source]!.process(block);
      if (!isFor) return;
      ring.push(block);
      for (let i = 0; i < raw.length; i++) raw[i]!(block);
      for (let i = 0; i < filtered.length; i++) filtered[i]!(out);
      window.add(out);
    },
    onRaw(watch) {
      raw.push(watch);
    },
    onFiltered(watch) {
      filtered.push(watch);
    },
    onSwitch(watch) {
      switched.push(watch);
    },
    take(rowStartMs, values, q, offset) {
      window.take(rowStartMs, values, offset, q, offset);
      const at = offset + spec.stats.length;
      speakers?.take(rowStartMs, values, at, q, at);
    },
  };
}
