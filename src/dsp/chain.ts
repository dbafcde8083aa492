import { z } from "zod";
import type { Block } from "../model/block.ts";
import { QUALITY } from "../model/quality.ts";
import { AffineStage } from "./affine-stage.ts";
import { filterNames, filters } from "./catalogue.ts";
import type { FilterProblem, Plan, Stage } from "./filter.ts";
import { LinearStage } from "./linear-stage.ts";
import { LONGEST_BLOCK, offPad, pad, takeBlock } from "./pad.ts";
import type { Signal } from "./signal.ts";
import { createStatBlock, type StatBlock } from "./stat-block.ts";

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
  const tooLong = (capacity: number) =>
    `blocks of ${capacity} samples; expected at most ${LONGEST_BLOCK}: make fewer samples of one`;
  if (input.capacity > LONGEST_BLOCK) problems.push({ index: 0, key: "", message: tooLong(input.capacity) });
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
        if (signal.capacity > LONGEST_BLOCK) problems.push({ index, key: name, message: tooLong(signal.capacity) });
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
  readonly #runs: readonly Stage["process"][];
  /** Scale and offset of a calibration at the head: it is done while samples are taken in. */
  readonly #line = Float64Array.of(1, 0);
  /** What is left on the pad at the end. */
  readonly #out: StatBlock;
  readonly #capacity: number;
  #refused = 0;
  #overrun = false;

  constructor(plans: readonly Planned[], input: Signal) {
    this.#plans = plans;
    const stages = joined(plans.map(({ plan }) => plan.create()));
    const first = stages[0];
    const calibration = first instanceof AffineStage ? first : undefined;
    if (calibration !== undefined) this.#line.set([calibration.scale, calibration.offset]);
    this.#stages = calibration === undefined ? stages : stages.slice(1);
    this.#runs = this.#stages.map((stage) => stage.process);
    this.output = plans.at(-1)?.plan.output ?? input;
    this.#out = createStatBlock(this.output.capacity);
    this.#capacity = input.capacity;
  }

  get refused(): number {
    return this.#refused;
  }

  process(block: Block): StatBlock {
    const n = block.n;
    const capacity = this.#capacity;
    let current = takeBlock(block, n < capacity ? n : capacity, this.#line);
    if (n > capacity || this.#overrun) this.#overran(n - capacity, current);
    // By `call` on the function: looking it up by name in every kind of stage costs more than a short stage itself.
    for (let i = 0; i < this.#runs.length; i++) current = this.#runs[i]!.call(this.#stages[i]!, current);
    return current === pad ? offPad(this.#out) : current;
  }

  /** Marks the first sample after some that were left out, and counts those left out of this block. */
  #overran(over: number, current: StatBlock): void {
    if (this.#overrun && current.n > 0) {
      current.q[0]! |= QUALITY.overrun;
      current.marks |= QUALITY.overrun;
      this.#overrun = false;
    }
    if (over > 0) {
      this.#refused += over;
      this.#overrun = true;
    }
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

/** Stages as they run: taken apart where one is made of several, and linear ones in a row put together. */
function joined(stages: readonly Stage[]): Stage[] {
  const all: Stage[] = [];
  let linear: LinearStage[] = [];
  const close = () => {
    if (linear.length > 0) all.push(LinearStage.join(linear));
    linear = [];
  };
  for (const stage of stages.flatMap((each) => each.parts ?? [each])) {
    if (stage instanceof LinearStage) {
      linear.push(stage);
    } else {
      close();
      all.push(stage);
    }
  }
  close();
  return all;
}
