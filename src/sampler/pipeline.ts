import { type ChainSpec, createChain } from "../dsp/chain.ts";
import { createRing, type Ring } from "../dsp/ring.ts";
import type { Signal } from "../dsp/signal.ts";
import { createWindow, type Window, type WindowStat } from "../dsp/window.ts";
import type { Block } from "../model/block.ts";

/** What one published channel is made of. */
export interface PipelineSpec {
  /** The channel as HQ names it. */
  readonly name: string;
  /** The part and the place of the channel in its table. */
  readonly part: string;
  readonly channel: number;
  readonly signal: Signal;
  readonly filters: readonly ChainSpec[];
  readonly stats: readonly WindowStat[];
  readonly ringSamples: number;
  readonly rowMs: number;
}

/** One channel's way through the loop: ring at full rate, filter chain, window on the row grid. Nothing is allocated per sample. */
export interface Pipeline {
  readonly part: string;
  readonly channel: number;
  readonly ring: Ring;
  readonly columns: number;
  readonly name: string;
  /** What of this channel came into no row, by kind; only what is not 0. */
  losses(): Readonly<Record<string, number>>;
  accept(block: Block): void;
  /** Calls `watch` with every block before the filters. It must not change the block, nor keep it. */
  onRaw(watch: (block: Block) => void): void;
  /** The same behind the filters. */
  onFiltered(watch: (block: Block) => void): void;
  /** Writes the row's values and quality from `offset`; see `Window.take`. */
  take(rowStartMs: number, values: Float64Array, q: Uint16Array, offset: number): void;
}

export function createPipeline(spec: PipelineSpec): Pipeline {
  const ring = createRing(spec.ringSamples);
  const chain = createChain(spec.filters, spec.signal);
  const { holdMs } = chain.output;
  const window: Window = createWindow({
    stats: spec.stats,
    periodMs: spec.rowMs,
    ...(holdMs === undefined ? {} : { holdMs }),
  });
  const raw: ((block: Block) => void)[] = [];
  const filtered: ((block: Block) => void)[] = [];
  return {
    part: spec.part,
    channel: spec.channel,
    ring,
    columns: spec.stats.length,
    name: spec.name,
    losses() {
      const { late, jumps } = window;
      return Object.fromEntries(Object.entries({ late, jumps, refused: chain.refused }).filter(([, n]) => n > 0));
    },
    accept(block) {
      ring.push(block);
      for (let i = 0; i < raw.length; i++) raw[i]!(block);
      const out = chain.process(block);
      for (let i = 0; i < filtered.length; i++) filtered[i]!(out);
      window.add(out);
    },
    onRaw(watch) {
      raw.push(watch);
    },
    onFiltered(watch) {
      filtered.push(watch);
    },
    take(rowStartMs, values, q, offset) {
      window.take(rowStartMs, values, offset, q, offset);
    },
  };
}
