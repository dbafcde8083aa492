import type { Block } from "../model/block.ts";

/**
 * A block between stages. Where `stats` is true each sample stands for several: `x` is what the chain reports for them and
 * the arrays below tell what they were, so that a window over decimated samples is as honest as one over all of them.
 */
export interface StatBlock extends Block {
  /** The instants belong to the source: a stage that changes them puts an array of its own here. */
  t: Float64Array;
  readonly x: Float64Array;
  /** At least the union of the quality bits of all samples; 0 says that `q` is zero from end to end. */
  marks: number;
  stats: boolean;
  readonly lo: Float64Array;
  readonly hi: Float64Array;
  readonly mean: Float64Array;
  /** Mean of the squares. */
  readonly ms: Float64Array;
  /** How many usable samples the four above are made of. */
  readonly used: Float64Array;
  /** How many samples there were, usable or not. */
  readonly of: Float64Array;
}

/** An empty block with room for `capacity` samples. */
export function createStatBlock(capacity: number): StatBlock {
  const column = () => new Float64Array(capacity);
  return {
    n: 0,
    t: column(),
    x: column(),
    q: new Uint16Array(capacity),
    marks: 0,
    stats: false,
    lo: column(),
    hi: column(),
    mean: column(),
    ms: column(),
    used: column(),
    of: column(),
  };
}
