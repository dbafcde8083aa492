import { type ChainSpec, createChain } from "../../src/dsp/chain.ts";
import type { StatBlock } from "../../src/dsp/stat-block.ts";
import type { Block } from "../../src/model/block.ts";
import { VIBRATION } from "./filter-chains.ts";
import { BURST, CHAIN_SET, type SetChain, samplesOf } from "./filter-set.ts";
import { heapCost } from "./heap-cost.ts";

/** All chains of the set in one process, as in the sampler, driven by messages: `filter-set-worker SAMPLES`. */
const COUNT = Number(process.argv[2]);

/** Passes over the samples of a chain, through `channels` instances of it in turn. */
interface Passes {
  /** The instants of the next pass, which go on from the pass before: the source's work, so it is not timed. */
  prepare(): void;
  run(take?: (out: StatBlock) => void): void;
}

function passOf(specs: readonly ChainSpec[], of: SetChain, channels: number): Passes {
  const chains = Array.from({ length: channels }, () => createChain(specs, of.signal));
  const samples = samplesOf(of, COUNT);
  const q = new Uint16Array(BURST);
  const t = new Float64Array(COUNT);
  const blocks: Block[] = Array.from({ length: COUNT / BURST }, (_, k) => ({
    n: BURST,
    t: t.subarray(k * BURST, (k + 1) * BURST),
    x: samples.subarray(k * BURST, (k + 1) * BURST),
    q,
  }));
  const stepMs = 1000 / of.signal.rateHz!;
  let index = 0;
  return {
    prepare() {
      for (let k = 0; k < blocks.length; k += channels) {
        for (let c = 0; c < channels; c++) {
          for (let i = 0; i < BURST; i++) t[(k + c) * BURST + i] = (index + i) * stepMs;
        }
        index += BURST;
      }
    },
    run(take) {
      for (let k = 0; k < blocks.length; k += channels) {
        for (let c = 0; c < channels; c++) {
          const out = chains[c]!.process(blocks[k + c]!);
          take?.(out);
        }
      }
    },
  };
}

/** CPU time a sample, in ns: waiting for a processor others use does not count. */
function timed(of: Passes): number {
  of.prepare();
  const before = process.cpuUsage();
  of.run();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / COUNT;
}

const byName = (name: string) => CHAIN_SET.find((chain) => chain.name === name)!;
const runs = Object.fromEntries(CHAIN_SET.map((chain) => [chain.name, passOf(chain.specs, chain, 1)]));

/** Everything a fresh chain reports. */
function rows(name: string): number[] {
  const chain = byName(name);
  const all: number[] = [];
  const fresh = passOf(chain.specs, chain, 1);
  fresh.prepare();
  fresh.run((out) => {
    for (let i = 0; i < out.n; i++) {
      all.push(out.x[i]!);
      if (out.stats) all.push(out.lo[i]!, out.hi[i]!, out.mean[i]!, out.ms[i]!, out.used[i]!);
    }
  });
  return all;
}

const shaking = byName("bands");
const perChannels = new Map([1, 4, 16, 64, 256].map((n) => [n, passOf(VIBRATION, shaking, n)]));
const perOrder = new Map(
  [2, 4, 6, 8].map((order) => [order, passOf([{ low_pass: { cutoffHz: 100, order } }], shaking, 1)]),
);

/** What the bench may ask. */
export type Question =
  | { readonly do: "rows" | "heap"; readonly name: string }
  | { readonly do: "passes"; readonly name: string; readonly passes: number }
  | { readonly do: "channels"; readonly of: number; readonly passes: number }
  | { readonly do: "order"; readonly of: number; readonly passes: number };

async function answer(question: Question): Promise<unknown> {
  switch (question.do) {
    case "rows":
      return rows(question.name);
    case "heap":
      return heapCost(() => pass(runs[question.name]!), COUNT, 40);
    case "passes":
      return repeated(runs[question.name]!, question.passes);
    case "channels":
      return repeated(perChannels.get(question.of)!, question.passes);
    case "order":
      return repeated(perOrder.get(question.of)!, question.passes);
  }
}

function pass(of: Passes): void {
  of.prepare();
  of.run();
}

function repeated(of: Passes, passes: number): number[] {
  return Array.from({ length: passes }, () => timed(of));
}

process.on("message", async (question: Question) => process.send!(await answer(question)));
