import { z } from "zod";
import { QUALITY } from "../../model/quality.ts";
import { defineFilter, type Stage } from "../filter.ts";
import { createStatBlock, type StatBlock } from "../stat-block.ts";

export const debounce = defineFilter({
  name: "debounce",
  summary: "Passes a sample only when none came for `periodMs` after it; told when the next one comes.",
  equation: "y = x[k] at t[k] when t[k + 1] − t[k] ≥ period; else nothing",
  marked: "Treated like any other; the mark stays.",
  short: "periodMs",
  params: z.strictObject({ periodMs: z.number().positive() }),
  propagate(input, { periodMs }) {
    if (input.rateHz !== undefined && input.rateHz * periodMs >= 1000) {
      return { error: `at ${input.rateHz} samples a second nothing would ever pass`, key: "periodMs" };
    }
    const { rateHz: _rate, ...rest } = input;
    return { signal: { ...rest, stats: false } };
  },
  create: ({ periodMs }, input) => new AfterSilence(periodMs, "pass", input.capacity),
});

export const timeout = defineFilter({
  name: "timeout",
  summary:
    "Puts a value where none came for `timeoutMs`: nothing, a number, or the last one; told when the next sample comes.",
  equation: "after x[k]: y = value at t[k] + timeout when t[k + 1] − t[k] > timeout",
  marked: "Treated like any other; the mark stays. The value put in is marked stale.",
  short: "timeoutMs",
  params: z.strictObject({
    timeoutMs: z.number().positive(),
    value: z.union([z.literal("none"), z.literal("last"), z.number()]).default("none"),
  }),
  propagate: (input) => ({ signal: { ...input, capacity: 2 * input.capacity, stats: false } }),
  create: ({ timeoutMs, value }, _input, output) => new AfterSilence(timeoutMs, value, output.capacity),
});

/** Looks at the time between a sample and the next. */
class AfterSilence implements Stage {
  readonly #silenceMs: number;
  /** `pass` lets only samples before a silence through; otherwise all pass and this is put into the silence. */
  readonly #put: "pass" | "none" | "last" | number;
  readonly #out: StatBlock;
  #started = false;
  /** Instant and value of the sample before. */
  readonly #past = new Float64Array(2);
  #lastBits = 0;

  constructor(silenceMs: number, put: "pass" | "none" | "last" | number, capacity: number) {
    this.#silenceMs = silenceMs;
    this.#put = put;
    this.#out = createStatBlock(capacity);
  }

  process(block: StatBlock): StatBlock {
    const { t, x, q, n } = block;
    const out = this.#out;
    out.n = 0;
    out.marks = 0;
    for (let i = 0; i < n; i++) {
      const silentMs = t[i]! - this.#past[0]!;
      if (!this.#started) this.#started = true;
      else if (this.#put === "pass") {
        if (silentMs >= this.#silenceMs) this.#add(0, this.#lastBits);
      } else if (silentMs > this.#silenceMs) {
        const missing = this.#put === "none" || (this.#put === "last" && (this.#lastBits & QUALITY.missing) !== 0);
        const bits = this.#put === "last" ? this.#lastBits : 0;
        if (missing) this.#past[1] = Number.NaN;
        else if (this.#put !== "last") this.#past[1] = Number(this.#put);
        this.#add(this.#silenceMs, bits | QUALITY.stale | (missing ? QUALITY.missing : 0));
      }
      this.#past[0] = t[i]!;
      this.#past[1] = x[i]!;
      this.#lastBits = q[i]!;
      if (this.#put !== "pass") this.#append(t, i, x, i, q[i]!);
    }
    return out;
  }

  reset(): void {
    this.#started = false;
  }

  /** The past sample, so much later. */
  #add(laterMs: number, bits: number): void {
    this.#append(this.#past, 0, this.#past, 1, bits);
    const out = this.#out;
    out.t[out.n - 1]! += laterMs;
  }

  #append(t: Float64Array, ti: number, x: Float64Array, xi: number, bits: number): void {
    const out = this.#out;
    const k = out.n++;
    out.t[k] = t[ti]!;
    out.x[k] = x[xi]!;
    out.q[k] = bits;
    out.marks |= bits;
  }
}
