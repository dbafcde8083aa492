import { type ChainSpec, createChain } from "../../src/dsp/chain.ts";
import type { StatBlock } from "../../src/dsp/stat-block.ts";
import type { Block } from "../../src/model/block.ts";
import { VIBRATION } from "./filter-chains.ts";
import { BURST, CHAIN_SET, type SetChain, samplesOf } from "./filter-set.ts";
import { heapCost } from "./heap-cost.ts";

/** All chains of the set in one process, as in the sampler, driven by messages: `filter-set-worker SAMPLES`. */
const COUNT = Number(process.argv[2]);

/** A pass over the samples of a chain, through `channels` instances of it in turn; instants go on from pass to pass. */
function passOf(specs: readonly ChainSpec[], of: SetChain, channels: number) {
  const chains = Array.from({ length: channels }, () => createChain(specs, of.signal));
  const samples = samplesOf(of, COUNT);
  const t = new Float64Array(BURST);
  const q = new Uint16Array(BURST);
  const blocks: Block[] = Array.from({ length: COUNT / BURST }, (_, k) => ({
    n: BURST,
    t,
    x: samples.subarray(k * BURST, (k + 1) * BURST),
    q,
  }));
  const stepMs = 1000 / of.signal.rateHz!;
  let index = 0;
  return (take?: (out: StatBlock) => void): void => {
    for (let k = 0; k < blocks.length; k += channels) {
      for (let i = 0; i < BURST; i++) t[i] = (index + i) * stepMs;
      for (let c = 0; c < channels; c++) {
        const out = chains[c]!.process(blocks[k + c]!);
        take?.(out);
      }
      index += BURST;
    }
  };
}

/** CPU time a sample, in ns: waiting for a processor others use does not count. */
function timed(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / COUNT;
}

const byName = (name: string) => CHAIN_SET.find((chain) => chain.name === name)!;
const runs = Object.fromEntries(CHAIN_SET.map((chain) => [chain.name, passOf(chain.specs, chain, 1)]));

/** Everything a fresh chain reports. */
function rows(name: string): number[] {
  const chain = byName(name);
  const all: number[] = [];
  passOf(
    chain.specs,
    chain,
    1,
  )((out) => {
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
      return heapCost(() => runs[question.name]!(), COUNT, 40);
    case "passes":
      return repeated(runs[question.name]!, question.passes);
    case "channels":
      return repeated(perChannels.get(question.of)!, question.passes);
    case "order":
      return repeated(perOrder.get(question.of)!, question.passes);
  }
}

function repeated(run: () => void, passes: number): number[] {
  return Array.from({ length: passes }, () => timed(run));
}

process.on("message", async (question: Question) => process.send!(await answer(question)));
