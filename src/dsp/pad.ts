import type { Block } from "../model/block.ts";
import { QUALITY } from "../model/quality.ts";
import { createStatBlock, type StatBlock } from "./stat-block.ts";

/** Most samples in a block on its way through a chain. */
export const LONGEST_BLOCK = 65_536;

/**
 * The block in work. Chains run one after the other on one thread, and none calls another before it is done, so one set of
 * arrays serves them all; what is left here at the end of a chain it takes away with it. What is gained is that address and
 * length of an array that is a constant of its module become part of the machine code, while those of an array that came with
 * an object are looked up in every round of a loop, which costs about as much as the filters' arithmetic. So inner loops take
 * the arrays from constants of their own modules: `const X = pad.x`.
 */
export const pad: StatBlock = createStatBlock(LONGEST_BLOCK);
const X = pad.x;
const Q = pad.q;

/** How far marks may lie in `Q`. */
let touched = 0;

/** A block, brought onto the pad when it lies elsewhere: one that a stage before made anew. */
export function onPad(block: StatBlock): StatBlock {
  if (block === pad) return pad;
  const n = block.n;
  if (block.marks === 0) clean(n);
  else touched = Math.max(touched, n);
  return copyBlock(block, pad);
}

/**
 * Takes the first `n` samples of a source's block onto the pad, as `line[0] · x + line[1]`: a calibration at the head of a
 * chain costs nothing here. A value that is not a number is marked missing, and where `missing` is marked there is no value.
 * Going round a loop costs about as much as the arithmetic, so here and in the other inner loops four samples go at once.
 */
export function takeBlock(block: Block, n: number, line: Float64Array): StatBlock {
  const { x, q } = block;
  const scale = line[0]!;
  const offset = line[1]!;
  let marks = 0;
  // Infinities and NaN stay in a sum; one that only grew too large is looked at more closely.
  let sum = 0;
  let i = 0;
  for (const whole = n - 3; i < whole; i += 4) {
    const a = x[i]!;
    const b = x[i + 1]!;
    const c = x[i + 2]!;
    const d = x[i + 3]!;
    sum += a + b + (c + d);
    marks |= q[i]! | q[i + 1]! | q[i + 2]! | q[i + 3]!;
    X[i] = scale * a + offset;
    X[i + 1] = scale * b + offset;
    X[i + 2] = scale * c + offset;
    X[i + 3] = scale * d + offset;
  }
  for (; i < n; i++) {
    const v = x[i]!;
    sum += v;
    marks |= q[i]!;
    X[i] = scale * v + offset;
  }
  pad.n = n;
  pad.t = block.t;
  pad.stats = false;
  if (marks === 0 && sum * 0 === 0) {
    clean(n);
  } else {
    takeMarked(block, n);
  }
  return pad;
}

/** Takes the block in work off the pad, into one with room for it. */
export function offPad(into: StatBlock): StatBlock {
  return copyBlock(pad, into);
}

/** Copies a block into one with room for it; the instants stay where they are. */
function copyBlock(from: StatBlock, into: StatBlock): StatBlock {
  const n = from.n;
  into.n = n;
  into.t = from.t;
  into.stats = from.stats;
  if (n > 0) {
    const marks = from.marks;
    if (marks !== 0) for (let i = 0; i < n; i++) into.q[i] = from.q[i]!;
    else if (into.marks !== 0) into.q.fill(0);
    into.marks = marks;
    copyValues(from.x, into.x, n);
    if (from.stats) copyStatistics(from, into);
  }
  return into;
}

function copyValues(from: Float64Array, into: Float64Array, n: number): void {
  let i = 0;
  for (const whole = n - 3; i < whole; i += 4) {
    into[i] = from[i]!;
    into[i + 1] = from[i + 1]!;
    into[i + 2] = from[i + 2]!;
    into[i + 3] = from[i + 3]!;
  }
  for (; i < n; i++) into[i] = from[i]!;
}

function copyStatistics(from: StatBlock, into: StatBlock): void {
  const { lo, hi, mean, ms, used, of } = into;
  for (let i = 0; i < from.n; i++) {
    lo[i] = from.lo[i]!;
    hi[i] = from.hi[i]!;
    mean[i] = from.mean[i]!;
    ms[i] = from.ms[i]!;
    used[i] = from.used[i]!;
    of[i] = from.of[i]!;
  }
}

function takeMarked({ x, q }: Block, n: number): void {
  let marks = 0;
  for (let i = 0; i < n; i++) {
    const bits = x[i]! * 0 === 0 ? q[i]! : q[i]! | QUALITY.missing;
    Q[i] = bits;
    if ((bits & QUALITY.missing) !== 0) X[i] = Number.NaN;
    marks |= bits;
  }
  touched = Math.max(touched, n);
  // A sum that grew too large marks nothing, and then `q` must be zero from end to end.
  if (marks === 0) clean(n);
  pad.marks = marks;
}

/** No marks, as those of the block before may still lie there; the block that comes now may get marks on its `n` samples. */
function clean(n: number): void {
  if (pad.marks !== 0) Q.fill(0, 0, touched);
  pad.marks = 0;
  touched = n;
}
