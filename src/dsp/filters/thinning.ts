import { z } from "zod";
import { UNUSABLE } from "../../model/quality.ts";
import { defineFilter } from "../filter.ts";
import type { Signal } from "../signal.ts";
import type { StatBlock } from "../stat-block.ts";
import { type Thinning, ThinStage } from "../thin-stage.ts";

/** What is left after samples were dropped no longer comes at a regular rate. */
function irregular(input: Signal): Signal {
  const { rateHz: _rate, ...rest } = input;
  return rest;
}

const usableAt = (block: StatBlock, i: number) => (block.q[i]! & UNUSABLE) === 0;

export const skipInitial = defineFilter({
  name: "skip_initial",
  summary: "Drops the first samples, for sensors that must settle.",
  equation: "y[k] = x[k + n]",
  marked: "Counted and passed like any other.",
  short: "n",
  params: z.strictObject({ n: z.int().min(1) }),
  propagate: (input) => ({ signal: input }),
  create({ n }, input) {
    let left = n;
    return new ThinStage(input.capacity, {
      passes: () => left <= 0 || left-- <= 0,
      reset() {
        left = n;
      },
    });
  },
});

const period = z.number().positive();
const throttleParams = z.strictObject({ periodMs: period });
const priorityParams = z.strictObject({ periodMs: period, values: z.array(z.number()).default([]) });

export const throttle = defineFilter({
  name: "throttle",
  summary: "Passes a sample at most every `periodMs` and drops the others.",
  equation: "y = x[k] when t[k] − t(y) ≥ period; else nothing",
  marked: "Treated like any other; the mark stays.",
  short: "periodMs",
  params: throttleParams,
  propagate: (input, { periodMs }) => ({ signal: { ...irregular(input), holdMs: 2 * periodMs } }),
  create: ({ periodMs }, input) => new ThinStage(input.capacity, throttling(periodMs, [])),
});

export const throttleWithPriority = defineFilter({
  name: "throttle_with_priority",
  summary: "Like `throttle`, but samples without a usable value, or with one of `values`, pass at once.",
  equation: "y = x[k] when t[k] − t(y) ≥ period or x[k] has priority; else nothing",
  marked: "Passes at once when it is unusable; the mark stays.",
  short: "periodMs",
  params: priorityParams,
  propagate: (input, { periodMs }) => ({ signal: { ...irregular(input), holdMs: 2 * periodMs } }),
  create: ({ periodMs, values }, input) => new ThinStage(input.capacity, withPriority(periodMs, values)),
});

function withPriority(periodMs: number, values: readonly number[]): Thinning {
  const throttled = throttling(periodMs, values);
  return {
    passes: (block, i) => throttled.passes(block, i) || !usableAt(block, i),
    reset: () => throttled.reset(),
  };
}

function throttling(periodMs: number, priority: readonly number[]): Thinning {
  // A number in an array stays where it is; in a variable of a closure each new one would go on the heap.
  const lastMs = new Float64Array(1).fill(Number.NEGATIVE_INFINITY);
  const first = Float64Array.from(priority);
  return {
    passes({ t, x }, i) {
      let prior = false;
      for (let k = 0; k < first.length; k++) prior ||= first[k] === x[i];
      if (t[i]! - lastMs[0]! < periodMs && !prior) return false;
      lastMs[0] = t[i]!;
      return true;
    },
    reset() {
      lastMs[0] = Number.NEGATIVE_INFINITY;
    },
  };
}

const amount = z.union([
  z
    .number()
    .nonnegative()
    .transform((value) => ({ value, relative: false })),
  z
    .string()
    .regex(/^\d+(\.\d+)?\s*%$/, 'expected a number, or a share of the last value such as "5%"')
    .transform((text) => ({ value: Number.parseFloat(text) / 100, relative: true })),
]);

const deltaParams = z.strictObject({ min: amount, max: amount.optional() });

export const delta = defineFilter({
  name: "delta",
  summary:
    "Passes a sample that moved by at least `min` (a number or a share such as `5%`) and at most `max` from the last.",
  equation: "y = x[k] when min ≤ |x[k] − y| ≤ max; else nothing. min 0 drops repetitions",
  marked: "Passed when a value becomes unusable or usable again, else dropped.",
  short: "min",
  params: deltaParams,
  propagate: (input) => ({ signal: { ...irregular(input), holdMs: Number.MAX_SAFE_INTEGER } }),
  create: ({ min, max }, input) => new ThinStage(input.capacity, moving(min, max)),
});

type Amount = z.output<typeof amount>;

function moving(min: Amount, max: Amount | undefined): Thinning {
  const last = new Float64Array(1).fill(Number.NaN);
  let wasUsable = false;
  let started = false;
  return {
    passes(block, i) {
      const usable = usableAt(block, i);
      const turned = !started || usable !== wasUsable;
      if (usable && last[0]! * 0 === 0) {
        const change = Math.abs(block.x[i]! - last[0]!);
        const least = min.relative ? min.value * Math.abs(last[0]!) : min.value;
        const most = max === undefined ? Infinity : max.relative ? max.value * Math.abs(last[0]!) : max.value;
        const moved = least === 0 ? change > 0 : change >= least;
        if (change > most || !(moved || turned)) return false;
      } else if (!usable && !turned) {
        return false;
      }
      started = true;
      wasUsable = usable;
      if (usable) last[0] = block.x[i]!;
      return true;
    },
    reset() {
      last[0] = Number.NaN;
      wasUsable = false;
      started = false;
    },
  };
}

const children = z
  .array(
    z
      .strictObject({
        throttle: z.union([period.transform((periodMs) => ({ periodMs })), throttleParams]).optional(),
        throttle_with_priority: z
          .union([period.transform((periodMs) => ({ periodMs, values: [] })), priorityParams])
          .optional(),
        delta: z.union([amount.transform((min) => ({ min, max: undefined })), deltaParams]).optional(),
      })
      .refine((c) => Object.values(c).filter((v) => v !== undefined).length === 1, "expected one of them to an item"),
  )
  .min(2)
  .max(8);

export const or = defineFilter({
  name: "or",
  summary:
    "Passes a sample that at least one of `throttle`, `throttle_with_priority` and `delta` in its list would pass.",
  equation: "y = x[k] when any of the list passes x[k]; else nothing. Each of the list sees every sample",
  marked: "Passed when any of the list passes it; the mark stays.",
  short: "of",
  params: z.strictObject({ of: children }),
  propagate(input, { of }) {
    // What passes on change alone may hold for ever; a throttle in the list says how long at most.
    const periods = of.map((c) => c.throttle?.periodMs ?? c.throttle_with_priority?.periodMs ?? Infinity);
    return { signal: { ...irregular(input), holdMs: Math.min(Number.MAX_SAFE_INTEGER, 2 * Math.min(...periods)) } };
  },
  create({ of }, input) {
    const list = of.flatMap(({ throttle: t, throttle_with_priority: p, delta: d }): Thinning[] => [
      ...(t === undefined ? [] : [throttling(t.periodMs, [])]),
      ...(p === undefined ? [] : [withPriority(p.periodMs, p.values)]),
      ...(d === undefined ? [] : [moving(d.min, d.max)]),
    ]);
    return new ThinStage(input.capacity, {
      passes(block, i) {
        let any = false;
        for (let k = 0; k < list.length; k++) if (list[k]!.passes(block, i)) any = true;
        return any;
      },
      reset() {
        for (const one of list) one.reset();
      },
    });
  },
});
