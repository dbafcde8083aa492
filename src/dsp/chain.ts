import { z } from "zod";
import type { Block } from "../model/block.ts";
import { QUALITY } from "../model/quality.ts";
import { AffineStage } from "./affine-stage.ts";
import { filterNames, filters } from "./catalogue.ts";
import type { FilterProblem, Plan, Stage } from "./filter.ts";
import type { Signal } from "./signal.ts";
import { createStatBlock, type StatBlock, takeBlock } from "./stat-block.ts";

/** One stage as written in a configuration: a map with one key, the filter's name. */
export type ChainSpec = Readonly<Record<string, unknown>>;

/** The written form of a chain: `- median: { window: 5 }`. What is inside the stages is checked by `checkChain`. */
export const chainSchema = z.array(
  z
    .record(z.string(), z.unknown())
    .refine(
      (stage) => Object.keys(stage).length === 1,
      "expected one filter to a list item, such as `- median: { window: 5 }`",
    ),
);

/** What is wrong with a chain, and where: the stage by its place in the list, then the dotted key inside it. */
export interface ChainProblem extends FilterProblem {
  readonly index: number;
}

/** A chain of filters running on one channel. */
export interface Chain {
  readonly output: Signal;
  /** How many samples came in blocks longer than the input's `capacity` and were left out; the next one is marked `overrun`. */
  readonly refused: number;
  /** Runs a block through all stages. The result is valid until the next call; the block itself is not changed. */
  process(block: Block): StatBlock;
  reset(): void;
  /** One line for each stage, as it runs. */
  describe(): string[];
}

/** Everything wrong with a chain for a signal, empty when it can run. Checks go on behind a stage that is wrong. */
export function checkChain(specs: readonly ChainSpec[], input: Signal): ChainProblem[] {
  return planChain(specs, input).problems;
}

/** Makes a chain. Throws a `RangeError` naming the first problem: run `checkChain` on what a person wrote. */
export function createChain(specs: readonly ChainSpec[], input: Signal): Chain {
  const { plans, problems } = planChain(specs, input);
  const first = problems[0];
  if (first !== undefined) throw new RangeError(`filter ${first.index + 1}, ${first.key}: ${first.message}`);
  return new StageChain(plans, input);
}

interface Planned {
  readonly name: string;
  readonly plan: Plan & { ok: true };
}

function planChain(specs: readonly ChainSpec[], input: Signal): { plans: Planned[]; problems: ChainProblem[] } {
  const plans: Planned[] = [];
  const problems: ChainProblem[] = [];
  let signal = input;
  specs.forEach((spec, index) => {
    const [name, ...more] = Object.keys(spec);
    const filter = name === undefined ? undefined : Object.hasOwn(filters, name) ? filters[name] : undefined;
    if (name === undefined || more.length > 0) {
      problems.push({ index, key: "", message: "expected one filter to a list item" });
    } else if (filter === undefined) {
      problems.push({ index, key: name, message: `unknown filter "${name}"`, known: filterNames });
    } else {
      const plan = filter.plan(signal, spec[name]);
      if (plan.ok) {
        plans.push({ name, plan });
        signal = plan.output;
      } else {
        for (const p of plan.problems) problems.push({ ...p, index, key: p.key === "" ? name : `${name}.${p.key}` });
      }
    }
  });
  return { plans, problems };
}

class StageChain implements Chain {
  readonly output: Signal;
  readonly #plans: readonly Planned[];
  readonly #stages: readonly Stage[];
  /** A calibration at the head is done while samples are taken in. */
  readonly #scale: number;
  readonly #offset: number;
  readonly #input: StatBlock;
  readonly #capacity: number;
  #refused = 0;
  #overrun = false;

  constructor(plans: readonly Planned[], input: Signal) {
    this.#plans = plans;
    const stages = plans.map(({ plan }) => plan.create());
    const first = stages[0];
    const calibration = first instanceof AffineStage ? first : undefined;
    this.#scale = calibration?.scale ?? 1;
    this.#offset = calibration?.offset ?? 0;
    this.#stages = calibration === undefined ? stages : stages.slice(1);
    this.output = plans.at(-1)?.plan.output ?? input;
    this.#input = createStatBlock(input.capacity);
    this.#capacity = input.capacity;
  }

  get refused(): number {
    return this.#refused;
  }

  process(block: Block): StatBlock {
    let current = this.#input;
    takeBlock(block, Math.min(block.n, this.#capacity), this.#scale, this.#offset, current);
    if (this.#overrun && current.n > 0) {
      current.q[0]! |= QUALITY.overrun;
      current.marks |= QUALITY.overrun;
      this.#overrun = false;
    }
    if (block.n > this.#capacity) {
      this.#refused += block.n - this.#capacity;
      this.#overrun = true;
    }
    for (let i = 0; i < this.#stages.length; i++) current = this.#stages[i]!.process(current);
    return current;
  }

  reset(): void {
    this.#overrun = false;
    for (const stage of this.#stages) stage.reset();
  }

  describe(): string[] {
    return this.#plans.map(({ name, plan }) => {
      const params = Object.entries(plan.params).filter(([, v]) => v !== undefined);
      return params.length === 0 ? name : `${name} ${params.map(([k, v]) => `${k} ${JSON.stringify(v)}`).join(", ")}`;
    });
  }
}
