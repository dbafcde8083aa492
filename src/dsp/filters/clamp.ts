import { z } from "zod";
import { QUALITY } from "../../model/quality.ts";
import { UNIT_CODES } from "../../model/units.ts";
import { defineFilter, type Stage } from "../filter.ts";
import { onPad, pad } from "../pad.ts";
import type { StatBlock } from "../stat-block.ts";
import { sameUnit } from "./rules.ts";

const X = pad.x;
const Q = pad.q;

export const clamp = defineFilter({
  name: "clamp",
  summary: "Holds values between two bounds and marks those it held `clipped`; or takes those outside away.",
  equation: "y[k] = min(max(x[k], min), max)",
  marked: "Treated like any other; the mark stays.",
  params: z
    .strictObject({
      min: z.number().optional(),
      max: z.number().optional(),
      ignoreOutOfRange: z.boolean().default(false),
      unit: z.enum(UNIT_CODES).optional(),
    })
    .refine((p) => p.min !== undefined || p.max !== undefined, "expected min, max or both")
    .refine((p) => (p.min ?? -Infinity) <= (p.max ?? Infinity), "expected min not above max"),
  propagate(input, { min, max, unit }) {
    const wrong = sameUnit(input, unit);
    if (wrong !== undefined) return { error: wrong, key: "unit" };
    const bound = (v: number) => Math.min(Math.max(v, min ?? -Infinity), max ?? Infinity);
    return { signal: { ...input, range: [bound(input.range[0]), bound(input.range[1])], stats: false } };
  },
  create: ({ min, max, ignoreOutOfRange }) => new Clamp(min ?? -Infinity, max ?? Infinity, ignoreOutOfRange),
});

class Clamp implements Stage {
  readonly #min: number;
  readonly #max: number;
  readonly #ignore: boolean;

  constructor(min: number, max: number, ignore: boolean) {
    this.#min = min;
    this.#max = max;
    this.#ignore = ignore;
  }

  process(from: StatBlock): StatBlock {
    const block = onPad(from);
    const n = block.n;
    const min = this.#min;
    const max = this.#max;
    block.stats = false;
    let i = 0;
    for (const whole = n - 3; i < whole; i += 4) {
      const a = X[i]!;
      const b = X[i + 1]!;
      const c = X[i + 2]!;
      const d = X[i + 3]!;
      if (a < min || a > max || b < min || b > max || c < min || c > max || d < min || d > max) {
        for (let k = i; k < i + 4; k++) this.#hold(block, k);
      }
    }
    for (; i < n; i++) this.#hold(block, i);
    return block;
  }

  #hold(block: StatBlock, i: number): void {
    const v = X[i]!;
    const min = this.#min;
    const max = this.#max;
    if (!(v < min || v > max)) return;
    X[i] = this.#ignore ? Number.NaN : v < min ? min : max;
    const bits = this.#ignore ? QUALITY.missing | QUALITY.range : QUALITY.clipped;
    Q[i]! |= bits;
    block.marks |= bits;
  }

  reset(): void {}
}
