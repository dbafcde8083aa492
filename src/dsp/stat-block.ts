import type { Block } from "../model/block.ts";
import { QUALITY } from "../model/quality.ts";

/**
 * A block between stages. Where `stats` is true each sample stands for several: `x` is what the chain reports for them and
 * the arrays below tell what they were, so that a window over decimated samples is as honest as one over all of them.
 */
export interface StatBlock extends Block {
  /** The instants belong to the source: a stage that changes them puts an array of its own here. */
  t: Float64Array;
  x: Float64Array;
  /** The array `x` lies in, from `HEADROOM` on: a stage may write what came before the block in front of it. */
  whole: Float64Array;
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

/** Room before the samples of a block. */
export const HEADROOM = 8;

/** An empty block with room for `capacity` samples. */
export function createStatBlock(capacity: number): StatBlock {
  const column = () => new Float64Array(capacity);
  const whole = new Float64Array(HEADROOM + capacity);
  return {
    n: 0,
    t: column(),
    x: whole.subarray(HEADROOM),
    q: new Uint16Array(capacity),
    whole,
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

/**
 * Takes the first `n` samples of a source's block into a chain, as `scale · x + offset`: a calibration at the head of a chain
 * costs nothing here. A value that is not a number is marked missing, and where `missing` is marked there is no value.
 * Every access to an array costs about as much as the arithmetic, so good blocks touch only what they must; and going round
 * a loop costs as much again, so here and in the other inner loops four samples go at once.
 */
export function takeBlock(block: Block, n: number, scale: number, offset: number, into: StatBlock): void {
  const { x, q } = block;
  const to = into.x;
  let marks = 0;
  // A number times zero is zero; infinities and NaN give NaN.
  let nothing = 0;
  let i = 0;
  for (const whole = n - 3; i < whole; i += 4) {
    const a = x[i]!;
    const b = x[i + 1]!;
    const c = x[i + 2]!;
    const d = x[i + 3]!;
    nothing += a * 0 + b * 0 + (c * 0 + d * 0);
    marks |= q[i]! | q[i + 1]! | q[i + 2]! | q[i + 3]!;
    to[i] = scale * a + offset;
    to[i + 1] = scale * b + offset;
    to[i + 2] = scale * c + offset;
    to[i + 3] = scale * d + offset;
  }
  for (; i < n; i++) {
    const v = x[i]!;
    nothing += v * 0;
    marks |= q[i]!;
    to[i] = scale * v + offset;
  }
  into.n = n;
  into.t = block.t;
  into.stats = false;
  if (marks === 0 && nothing === 0) {
    if (into.marks !== 0) into.q.fill(0);
    into.marks = 0;
  } else {
    takeMarked(block, n, into);
  }
}

function takeMarked({ x, q }: Block, n: number, into: StatBlock): void {
  let marks = 0;
  for (let i = 0; i < n; i++) {
    const bits = x[i]! * 0 === 0 ? q[i]! : q[i]! | QUALITY.missing;
    into.q[i] = bits;
    if ((bits & QUALITY.missing) !== 0) into.x[i] = Number.NaN;
    marks |= bits;
  }
  into.marks = marks;
}
