import { z } from "zod";
import type { Unit } from "../../model/units.ts";
import { defineFilter, type Stage } from "../filter.ts";
import { fitPolynomial } from "../least-squares.ts";
import { holdMarked, restoreMissing } from "../marked.ts";
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

/** Weighs the newest samples; instants and marks are those of the middle one. */
class Convolution implements Stage {
  readonly #weights: Float64Array;
  readonly #x: Float64Array;
  readonly #t: Float64Array;
  readonly #q: Uint16Array;
  readonly #held = new Float64Array(1).fill(Number.NaN);
  /** The instants of a block belong to its source. */
  readonly #outT: Float64Array;
  #seen = 0;
  #head = 0;

  constructor(weights: Float64Array, capacity: number) {
    this.#outT = new Float64Array(capacity);
    this.#weights = weights;
    this.#x = new Float64Array(weights.length);
    this.#t = new Float64Array(weights.length);
    this.#q = new Uint16Array(weights.length);
  }

  process(block: StatBlock): StatBlock {
    const { t, x, q, n } = block;
    const size = this.#weights.length;
    block.stats = false;
    holdMarked(block, this.#held);
    let kept = 0;
    for (let i = 0; i < n; i++) {
      this.#x[this.#head] = x[i]!;
      this.#t[this.#head] = t[i]!;
      this.#q[this.#head] = q[i]!;
      this.#head = this.#head + 1 === size ? 0 : this.#head + 1;
      this.#seen++;
      if (this.#seen < size) continue;
      let y = 0;
      for (let w = 0, at = this.#head; w < size; w++) {
        y += this.#weights[w]! * this.#x[at]!;
        at = at + 1 === size ? 0 : at + 1;
      }
      const middle = (this.#head + (size - 1) / 2) % size;
      x[kept] = y;
      this.#outT[kept] = this.#t[middle]!;
      q[kept] = this.#q[middle]!;
      block.marks |= q[kept]!;
      kept++;
    }
    block.n = kept;
    block.t = this.#outT;
    restoreMissing(block);
    return block;
  }

  reset(): void {
    this.#seen = 0;
    this.#head = 0;
    this.#held[0] = Number.NaN;
  }
}
