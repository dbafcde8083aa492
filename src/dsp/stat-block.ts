import type { Block } from "../model/block.ts";
import { QUALITY } from "../model/quality.ts";

/**
 * A block between stages. Where `stats` is true each sample stands for several: `x` is what the chain reports for them and
 * the arrays below tell what they were, so that a window over decimated samples is as honest as one over all of them.
 */
export interface StatBlock extends Block {
  /** The union of the quality bits of all samples: a block without marks takes the fast path. */
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

/** Copies samples `from` to `to` (exclusive) of a source's block. A value that is not a number is marked missing. */
export function copyBlock(block: Block, from: number, to: number, into: StatBlock): void {
  const { t, x, q } = block;
  let marks = 0;
  let j = 0;
  for (let i = from; i < to; i++) {
    const v = x[i]!;
    // A number times zero is zero; infinities and NaN give NaN.
    const bits = v * 0 === 0 ? q[i]! : q[i]! | QUALITY.missing;
    into.t[j] = t[i]!;
    into.x[j] = (bits & QUALITY.missing) === 0 ? v : Number.NaN;
    into.q[j] = bits;
    marks |= bits;
    j++;
  }
  into.n = j;
  into.marks = marks;
  into.stats = false;
}
