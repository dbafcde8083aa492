import type { Derivation } from "../dsp/derive/derivation.ts";
import { Join, type JoinInput } from "../dsp/derive/join.ts";
import { createBlock } from "../model/block.ts";
import type { Pipeline } from "./pipeline.ts";

/** A channel made of others; channels by their place in the list of pipelines. */
export interface DerivedSpec {
  readonly channel: number;
  /** The leading one first. */
  readonly inputs: readonly (JoinInput & { readonly channel: number })[];
  create(): Derivation;
}

/** Longest block of aligned samples. */
const BLOCK_SAMPLES = 256;

/**
 * Wires a derived channel: what leaves the filters of its inputs is aligned, made into one, and goes into the channel's own
 * pipeline. Returns what hands on all that is older than an instant, before the row that ends there is closed.
 */
export function startDerived(spec: DerivedSpec, pipelines: readonly Pipeline[]): (toMs: number) => void {
  const own = pipelines[spec.channel]!;
  const derivation = spec.create();
  const out = createBlock(BLOCK_SAMPLES);
  const join = new Join(spec.inputs, (aligned) => {
    derivation.process(aligned, out);
    own.accept(out);
  });
  spec.inputs.forEach(({ channel }, i) => {
    pipelines[channel]!.onFiltered((block) => join.accept(i, block));
  });
  return (toMs) => join.settle(toMs);
}
