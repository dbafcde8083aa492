import type { z } from "zod";
import type { Signal } from "./signal.ts";
import type { StatBlock } from "./stat-block.ts";

/**
 * One stage of a running chain. The block handed to `process` is the stage's to overwrite; it returns that block or one of
 * its own, valid until its next call. Nothing is allocated, nothing is thrown, and cutting the samples into blocks in
 * another way changes no output.
 */
export interface Stage {
  process(block: StatBlock): StatBlock;
  /** Back to the state just after it was made. */
  reset(): void;
  /** Set when it is nothing but other stages one after the other. */
  readonly parts?: readonly Stage[];
}

/** What is wrong with a stage of a chain. */
export interface FilterProblem {
  /** Dotted path of the parameter inside the stage; empty for the stage as a whole. */
  readonly key: string;
  readonly message: string;
  /** The names that would have been right there, when the name is the problem. */
  readonly known?: readonly string[];
}

/** A stage worked out for the signal it will get: what comes out, and how to make it. */
export type Plan =
  | { readonly ok: true; readonly output: Signal; readonly params: Readonly<Record<string, unknown>>; create(): Stage }
  | { readonly ok: false; readonly problems: readonly FilterProblem[] };

/** A declared filter: what a configuration may write, what it does in words and as an equation, and how to plan it. */
export interface FilterDef {
  readonly name: string;
  readonly summary: string;
  /** One line; `x` in, `y` out, `k` the index of the sample. */
  readonly equation: string;
  /** What it does with a sample marked missing or suspect. */
  readonly marked: string;
  readonly params: z.ZodObject;
  /** The one parameter that may be written without its name, as in `- offset: 2`. */
  readonly short: string | undefined;
  plan(input: Signal, written: unknown): Plan;
}

interface FilterSpec<S extends z.ZodObject> {
  readonly name: string;
  readonly summary: string;
  readonly equation: string;
  readonly marked: string;
  readonly params: S;
  readonly short?: string;
  /** What comes out of the stage for this input, or why the parameters cannot be used on it. */
  propagate(input: Signal, params: z.output<S>): { signal: Signal } | { error: string; key?: string };
  create(params: z.output<S>, input: Signal, output: Signal): Stage;
}

/** Declares a filter. Parameters are a strict zod object whose keys carry units. */
export function defineFilter<S extends z.ZodObject>(spec: FilterSpec<S>): FilterDef {
  return {
    name: spec.name,
    summary: spec.summary,
    equation: spec.equation,
    marked: spec.marked,
    params: spec.params,
    short: spec.short,
    plan(input, written) {
      const parsed = spec.params.safeParse(unfold(written, spec.short));
      if (!parsed.success)
        return { ok: false, problems: parsed.error.issues.flatMap((i) => problemsOf(i, spec.params)) };
      const params = parsed.data;
      const result = spec.propagate(input, params);
      if ("error" in result) return { ok: false, problems: [{ key: result.key ?? "", message: result.error }] };
      return { ok: true, output: result.signal, params, create: () => spec.create(params, input, result.signal) };
    },
  };
}

function unfold(written: unknown, short: string | undefined): unknown {
  if (written === null || written === undefined) return {};
  if (short === undefined || (typeof written === "object" && !Array.isArray(written))) return written;
  return { [short]: written };
}

function problemsOf(issue: z.core.$ZodIssue, params: z.ZodObject): FilterProblem[] {
  const path = issue.path.map(String);
  if (issue.code !== "unrecognized_keys") return [{ key: path.join("."), message: issue.message }];
  const known = Object.keys(params.shape);
  return issue.keys.map((key) => ({
    key: [...path, key].join("."),
    message: `unknown parameter "${key}": expected ${known.length === 0 ? "none" : known.join(", ")}`,
    known,
  }));
}
