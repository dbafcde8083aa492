import { derivations } from "../../../src/dsp/derive/catalogue.ts";
import type { DerivedInput } from "../../../src/dsp/derive/derivation.ts";
import { Join } from "../../../src/dsp/derive/join.ts";
import { type Block, createBlock } from "../../../src/model/block.ts";
import type { Unit } from "../../../src/model/units.ts";

export interface Out {
  readonly t: number;
  readonly x: number;
  readonly q: number;
}

export function input(name: string, unit: Unit, range: readonly [number, number], rateHz?: number): DerivedInput {
  return { name, unit, range, resolution: 0.01, capacity: 1, ...(rateHz === undefined ? {} : { rateHz }) };
}

/** A derivation behind its join, as the sampler wires them; what comes out gathers in `out`. */
export function derivedRig(name: string, params: object, inputs: readonly DerivedInput[], maxAgeMs = 500) {
  const def = derivations[name]!;
  const parsed = def.params.parse(params);
  const plan = def.plan(parsed, inputs);
  if (!plan.ok) throw new Error(`${plan.key}: ${plan.message}`);
  const derivation = plan.create();
  const block = createBlock(256);
  const out: Out[] = [];
  const join = new Join(
    inputs.map((i) => ({ maxAgeMs, holds: i.holdMs !== undefined })),
    (aligned) => {
      derivation.process(aligned, block);
      for (let i = 0; i < block.n; i++) out.push({ t: block.t[i]!, x: block.x[i]!, q: block.q[i]! });
    },
  );
  return {
    out,
    spec: plan.spec,
    feed: (k: number, b: Block) => join.accept(k, b),
    settle: (ms: number) => join.settle(ms),
  };
}
