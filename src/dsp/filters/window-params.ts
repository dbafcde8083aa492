import { z } from "zod";
import { type Signal, samplesIn } from "../signal.ts";
import { withinRing } from "./rules.ts";

/** How far a filter looks back, in samples or in time, and how often it reports. */
export const windowParams = {
  window: z.int().min(1).max(4096).optional(),
  windowMs: z.number().positive().optional(),
  sendEvery: z.int().min(1).optional(),
  sendFirstAt: z.int().min(1).optional(),
};

export interface WindowParams {
  readonly window?: number | undefined;
  readonly windowMs?: number | undefined;
  /** Reports every so-many-th sample; every one when left out. */
  readonly sendEvery?: number | undefined;
  /** The first sample reported; the first one when left out. */
  readonly sendFirstAt?: number | undefined;
}

/** A window worked out for a signal. */
export interface Span {
  /** Most samples in the window. */
  readonly capacity: number;
  /** A sample older than this (ms) has left the window; infinite for a window counted in samples. */
  readonly ms: number;
}

/** The window of a filter on a signal, or why there is none. `standard` samples where neither way of writing it is used. */
export function spanOf(
  input: Signal,
  params: Pick<WindowParams, "window" | "windowMs">,
  standard: number,
): Span | string {
  const { window, windowMs } = params;
  if (window !== undefined && windowMs !== undefined) return "expected window or windowMs, not both";
  if (windowMs === undefined) {
    const capacity = window ?? standard;
    const wrong = input.rateHz === undefined ? undefined : withinRing(input, (capacity * 1000) / input.rateHz);
    return wrong ?? { capacity, ms: Infinity };
  }
  const samples = samplesIn(input, windowMs);
  if (samples === undefined) return "a window in time needs a signal with a regular rate; use window";
  // A source's rate is what it promises: one sample in eight more still fits.
  const capacity = Math.ceil(samples * 1.125) + 1;
  if (capacity > 65_536) return `a window of ${windowMs} ms holds ${samples} samples; at most 58 000`;
  return withinRing(input, windowMs) ?? { capacity, ms: windowMs };
}

/** What comes out of a windowed filter: every `sendEvery`-th sample. */
export function thinned(input: Signal, sendEvery = 1): Signal {
  const output = { ...input, stats: false };
  return input.rateHz === undefined ? output : { ...output, rateHz: input.rateHz / sendEvery };
}

/** `sendFirstAt` may not be later than the rhythm it starts. */
export function firstWithinEvery({ sendEvery, sendFirstAt }: WindowParams): boolean {
  return (sendFirstAt ?? 1) <= (sendEvery ?? 1);
}

export const FIRST_WITHIN_EVERY = { path: ["sendFirstAt"], message: "expected at most sendEvery" };
