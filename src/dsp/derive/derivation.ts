import type { z } from "zod";
import type { Block } from "../../model/block.ts";
import { QUALITY } from "../../model/quality.ts";
import type { Unit } from "../../model/units.ts";
import type { Signal } from "../signal.ts";

/** Samples of all inputs at the same instants. Valid only during the call they are passed to. */
export interface Aligned {
  n: number;
  readonly t: Float64Array;
  /** By input, then by sample. */
  readonly x: readonly Float64Array[];
  readonly q: readonly Uint16Array[];
}

/** A derivation at work: writes one value and its quality for each aligned sample. Nothing is allocated or thrown. */
export interface Derivation {
  process(from: Aligned, into: Block): void;
  reset(): void;
}

/** One input as a configuration names it: the path of the parameter, the channel, and what it may measure. */
export interface InputRole {
  readonly key: string;
  readonly channel: string;
  /** Quantities of `src/model/units.ts`; anything when left out. */
  readonly quantities?: readonly string[];
}

/** What an input delivers behind its filters. */
export interface DerivedInput extends Signal {
  readonly name: string;
  readonly resolution: number;
}

/** What comes out of a derivation, before the filters of its own channel. */
export interface DerivedSpec {
  readonly unit: Unit;
  readonly range: readonly [number, number];
  readonly resolution: number;
  /** Words for the values, when they are codes. */
  readonly codes?: readonly string[];
}

export type DerivedPlan =
  | { readonly ok: true; readonly spec: DerivedSpec; create(): Derivation }
  | { readonly ok: false; readonly key: string; readonly message: string };

/** A declared derivation: one channel made of several. The first of its inputs leads: there is one value for each of its samples. */
export interface DerivationDef {
  readonly name: string;
  readonly summary: string;
  /** One line; inputs by their keys, `y` out. */
  readonly equation: string;
  /** What it does where an input is marked missing, suspect or stale. */
  readonly marked: string;
  readonly params: z.ZodObject;
  /** The inputs that accepted parameters name, the leading one first. */
  inputs(params: unknown): readonly InputRole[];
  /** The age (ms) from which another input is stale, when the parameters say so. */
  maxAgeMs(params: unknown): number | undefined;
  plan(params: unknown, inputs: readonly DerivedInput[]): DerivedPlan;
}

type Planned = { spec: DerivedSpec; create: () => Derivation } | { error: string; key: string };

interface DerivationSpec<S extends z.ZodObject> {
  readonly name: string;
  readonly summary: string;
  readonly equation: string;
  readonly marked?: string;
  readonly params: S;
  roles(params: z.output<S>): readonly InputRole[];
  plan(params: z.output<S>, inputs: readonly DerivedInput[]): Planned;
}

const WORST = "The result bears the marks of all inputs: missing when one is, suspect when one is, stale when one is.";

/** Declares a derivation. */
export function defineDerivation<S extends z.ZodObject>(spec: DerivationSpec<S>): DerivationDef {
  return {
    name: spec.name,
    summary: spec.summary,
    equation: spec.equation,
    marked: spec.marked ?? WORST,
    params: spec.params,
    inputs: (params) => spec.roles(spec.params.parse(params)),
    maxAgeMs(params) {
      const age: unknown = spec.params.parse(params)["maxAgeMs"];
      return typeof age === "number" ? age : undefined;
    },
    plan(params, inputs) {
      const planned = spec.plan(spec.params.parse(params), inputs);
      if ("error" in planned) return { ok: false, key: planned.key, message: planned.error };
      return { ok: true, spec: planned.spec, create: planned.create };
    },
  };
}

/** A derivation that looks at one instant at a time: `at` writes the value of sample `i` into `y[i]`. */
export function eachInstant(at: (x: readonly Float64Array[], i: number, y: Float64Array) => void): () => Derivation {
  return () => ({
    process(from, into) {
      takeTimes(from, into);
      for (let i = 0; i < from.n; i++) {
        at(from.x, i, into.x);
        into.q[i] = worst(from, i);
      }
      dropMissing(into);
    },
    reset: () => undefined,
  });
}

/** The union of the quality bits of all inputs at one instant. */
export function worst(from: Aligned, i: number): number {
  let bits = 0;
  for (let k = 0; k < from.q.length; k++) bits |= from.q[k]![i]!;
  return bits;
}

export function takeTimes(from: Aligned, into: Block): void {
  into.n = from.n;
  for (let i = 0; i < from.n; i++) into.t[i] = from.t[i]!;
}

/** There is no value where a mark says so, and a result that is not a number is marked. */
export function dropMissing({ x, q, n }: Block): void {
  for (let i = 0; i < n; i++) {
    if ((q[i]! & QUALITY.missing) !== 0) x[i] = Number.NaN;
    else if (!(x[i]! * 0 === 0)) {
      x[i] = Number.NaN;
      q[i]! |= QUALITY.missing;
    }
  }
}
