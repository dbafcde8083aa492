import { z } from "zod";
import type { Unit } from "../../model/units.ts";
import { defineFilter, type Stage } from "../filter.ts";
import { fitPolynomial } from "../least-squares.ts";
import { holdMarked, restoreMissing } from "../marked.ts";
import { LONGEST_BLOCK, onPad, pad } from "../pad.ts";
import type { StatBlock } from "../stat-block.ts";
import { withinRing } from "./rules.ts";

/** What one unit for each second of another is called. */
const PER_SECOND: Partial<Record<Unit, Unit>> = { m: "m/s", "m/s": "m/s2", deg: "deg/s", J: "W", C: "A", "1": "Hz" };

export const savitzkyGolay = defineFilter({
  name: "savitzky_golay",
  summary:
    "Smooths by a polynomial through the samples around each, or gives its slope: speed from position, without the noise.",
  equation: "y[k − h] = value (or slope) at the middle of the best polynomial through x[k − 2h … k], window = 2h + 1",
  marked: "The last usable value stands in for it; the output in its place keeps the mark.",
  params: z
    .strictObject({
      window: z
        .int()
        .min(3)
        .max(255)
        .refine((w) => w % 2 === 1, "expected an odd number"),
      degree: z.int().min(1).max(5).default(2),
      derivative: z.literal([0, 1]).default(0),
    })
    .refine((p) => p.degree < p.window, { path: ["degree"], message: "expected less than window" }),
  propagate(input, { window, derivative }) {
    if (input.rateHz === undefined) return { error: "needs a signal with a regular rate; this one has none" };
    const wrong = withinRing(input, (window * 1000) / input.rateHz);
    if (wrong !== undefined) return { error: wrong, key: "window" };
    if (derivative === 0) return { signal: { ...input, stats: false } };
    const unit = PER_SECOND[input.unit];
    if (unit === undefined) return { error: `there is no unit for ${input.unit} a second`, key: "derivative" };
    const steepest = (input.range[1] - input.range[0]) * input.rateHz;
    return { signal: { ...input, unit, range: [-steepest, steepest], stats: false } };
  },
  create({ window, degree, derivative }, input) {
    return new Convolution(weights(window, degree, derivative, input.rateHz!), input.capacity);
  },
});

/** What each sample of the window counts, oldest first: the fit is linear in them, so fit each alone. */
function weights(window: number, degree: number, derivative: 0 | 1, rateHz: number): Float64Array {
  const half = (window - 1) / 2;
  return Float64Array.from({ length: window }, (_, k) => {
    const points = Array.from({ length: window }, (_, i) => [i - half, i === k ? 1 : 0] as const);
    return fitPolynomial(points, degree)[derivative]! * (derivative === 1 ? rateHz : 1);
  });
}

const X = pad.x;
/** The samples before a block, then the block: outputs take the place of inputs on the pad. */
const CAME = new Float64Array(255 + LONGEST_BLOCK);

/** Weighs the newest samples; instants and marks are those of the middle one. */
class Convolution implements Stage {
  readonly #weights: Float64Array;
  /** One less than the window: how many samples before a block are looked at. */
  readonly #before: number;
  readonly #past: Float64Array;
  /** The instants and marks before a block, then those of the block. */
  readonly #t: Float64Array;
  readonly #q: Uint16Array;
  /** Whether any of the samples before the block is marked. */
  #marked = false;
  readonly #held = new Float64Array(1).fill(Number.NaN);
  /** The instants of a block belong to its source. */
  readonly #outT: Float64Array;
  /** How many samples came, up to one less than the window. */
  #seen = 0;

  constructor(weights: Float64Array, capacity: number) {
    this.#weights = weights;
    this.#before = weights.length - 1;
    this.#outT = new Float64Array(capacity);
    this.#past = new Float64Array(this.#before);
    this.#t = new Float64Array(this.#before + capacity);
    this.#q = new Uint16Array(this.#before + capacity);
  }

  process(from: StatBlock): StatBlock {
    const block = onPad(from);
    const n = block.n;
    const good = block.marks === 0 && !this.#marked;
    block.stats = false;
    if (!good) holdMarked(block, this.#held);
    else if (n > 0) this.#held[0] = block.x[n - 1]!;
    this.#append(block, good);
    const missing = Math.min(n, this.#before - this.#seen);
    this.#seen += missing;
    const finite = weigh(this.#weights, missing, n);
    this.#middle(block, missing, good);
    this.#keep(n, good);
    block.n = n - missing;
    block.t = this.#outT;
    if (!good || !finite) restoreMissing(block);
    return block;
  }

  reset(): void {
    this.#seen = 0;
    this.#marked = false;
    this.#q.fill(0);
    this.#held[0] = Number.NaN;
  }

  #append({ t, q, n }: StatBlock, good: boolean): void {
    const before = this.#before;
    const past = this.#past;
    const pastT = this.#t;
    for (let i = 0; i < before; i++) CAME[i] = past[i]!;
    let k = 0;
    for (const whole = n - 3; k < whole; k += 4) {
      CAME[before + k] = X[k]!;
      CAME[before + k + 1] = X[k + 1]!;
      CAME[before + k + 2] = X[k + 2]!;
      CAME[before + k + 3] = X[k + 3]!;
    }
    for (; k < n; k++) CAME[before + k] = X[k]!;
    for (let i = 0; i < before; i++) past[i] = CAME[i + n]!;
    for (let i = 0; i < n; i++) pastT[before + i] = t[i]!;
    if (!good) for (let i = 0; i < n; i++) this.#q[before + i] = q[i]!;
  }

  /** The instants and marks of the outputs for samples `from` on. */
  #middle(block: StatBlock, from: number, good: boolean): void {
    const shift = from + this.#before / 2;
    const kept = block.n - from;
    const t = this.#t;
    const outT = this.#outT;
    for (let i = 0; i < kept; i++) outT[i] = t[i + shift]!;
    if (good) return;
    for (let i = 0; i < kept; i++) {
      const bits = this.#q[i + shift]!;
      block.q[i] = bits;
      block.marks |= bits;
    }
  }

  /** What the next block looks back at. */
  #keep(n: number, good: boolean): void {
    const t = this.#t;
    const q = this.#q;
    const before = this.#before;
    for (let i = 0; i < before; i++) t[i] = t[i + n]!;
    if (good) return;
    let bits = 0;
    for (let i = 0; i < before; i++) {
      bits |= q[i + n]!;
      q[i] = q[i + n]!;
    }
    q.fill(0, before);
    this.#marked = bits !== 0;
  }
}

/**
 * Weighted sums of the windows that begin at `from` to `to` (exclusive) of what came, written from the first place of the pad on; whether all are
 * finite. Four windows go at once: a weight is read once for all, and each sample but one is at hand from the weight before.
 */
function weigh(weights: Float64Array, from: number, to: number): boolean {
  let nothing = 0;
  let i = from;
  for (const whole = to - 3; i < whole; i += 4) {
    let y0 = 0;
    let y1 = 0;
    let y2 = 0;
    let y3 = 0;
    let a = CAME[i]!;
    let b = CAME[i + 1]!;
    let c = CAME[i + 2]!;
    for (let k = 0; k < weights.length; k++) {
      const w = weights[k]!;
      const d = CAME[i + k + 3]!;
      y0 += w * a;
      y1 += w * b;
      y2 += w * c;
      y3 += w * d;
      a = b;
      b = c;
      c = d;
    }
    nothing += y0 * 0 + y1 * 0 + (y2 * 0 + y3 * 0);
    X[i - from] = y0;
    X[i - from + 1] = y1;
    X[i - from + 2] = y2;
    X[i - from + 3] = y3;
  }
  for (; i < to; i++) {
    let y = 0;
    for (let k = 0; k < weights.length; k++) y += weights[k]! * CAME[i + k]!;
    nothing += y * 0;
    X[i - from] = y;
  }
  return nothing === 0;
}
