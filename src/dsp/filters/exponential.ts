import { z } from "zod";
import { UNUSABLE } from "../../model/quality.ts";
import { defineFilter, type Stage } from "../filter.ts";
import { onPad, pad } from "../pad.ts";
import type { StatBlock } from "../stat-block.ts";
import { ThinStage } from "../thin-stage.ts";
import { FIRST_WITHIN_EVERY, firstWithinEvery, thinned, windowParams } from "./window-params.ts";

const X = pad.x;
const Q = pad.q;

const MARKED = "Passes as it is and leaves the average alone.";

export const exponentialMovingAverage = defineFilter({
  name: "exponential_moving_average",
  summary: "Average in which older samples count less and less, by a share for each sample.",
  equation: "y[k] = alpha · x[k] + (1 − alpha) · y[k − 1], y[0] = x[0]",
  marked: MARKED,
  short: "alpha",
  params: z
    .strictObject({
      alpha: z.number().positive().max(1).default(0.1),
      sendEvery: windowParams.sendEvery,
      sendFirstAt: windowParams.sendFirstAt,
    })
    .refine(firstWithinEvery, FIRST_WITHIN_EVERY),
  propagate: (input, { sendEvery }) => ({ signal: thinned(input, sendEvery) }),
  create: ({ alpha, sendEvery, sendFirstAt }, input) =>
    new Ema(alpha, 0, sendEvery ?? 1, sendFirstAt ?? 1, input.capacity),
});

export const exponential = defineFilter({
  name: "exponential",
  summary: "First-order low-pass by its time constant; right for irregular samples too.",
  equation: "y[k] = y[k − 1] + (1 − e^(−Δt/τ)) · (x[k] − y[k − 1]), y[0] = x[0]",
  marked: MARKED,
  short: "timeConstantMs",
  params: z.strictObject({ timeConstantMs: z.number().positive() }),
  propagate: (input) => ({ signal: { ...input, stats: false } }),
  create: ({ timeConstantMs }, input) => new Ema(0, timeConstantMs, 1, 1, input.capacity),
});

/** With a share for each sample, or (`alpha` 0) by the time between them. */
class Ema implements Stage {
  readonly #alpha: number;
  readonly #tauMs: number;
  readonly #thin: Stage | undefined;
  #started = false;
  #y = 0.5;
  #lastMs = 0.5;
  /** The share for a time step, worked out once while the step stays the same. */
  #stepMs = 0.5;
  #share = 0.5;

  constructor(alpha: number, tauMs: number, sendEvery: number, sendFirstAt: number, capacity: number) {
    this.#alpha = alpha;
    this.#tauMs = tauMs;
    let until = sendFirstAt;
    this.#thin =
      sendEvery === 1
        ? undefined
        : new ThinStage(capacity, {
            passes() {
              if (--until > 0) return false;
              until = sendEvery;
              return true;
            },
            reset() {
              until = sendFirstAt;
            },
          });
  }

  process(from: StatBlock): StatBlock {
    const block = onPad(from);
    const { t, n } = block;
    block.stats = false;
    if (this.#alpha === 0 && this.#started && (block.marks & UNUSABLE) === 0) {
      this.#run(block);
      return block;
    }
    let y = this.#y;
    for (let i = 0; i < n; i++) {
      if ((Q[i]! & UNUSABLE) !== 0) continue;
      if (!this.#started) {
        this.#started = true;
        y = X[i]!;
      } else if (this.#alpha > 0) {
        y = this.#alpha * X[i]! + (1 - this.#alpha) * y;
      } else {
        const stepMs = t[i]! - this.#lastMs;
        if (stepMs !== this.#stepMs) {
          this.#stepMs = stepMs;
          this.#share = -Math.expm1(-stepMs / this.#tauMs);
        }
        y += this.#share * (X[i]! - y);
      }
      this.#lastMs = t[i]!;
      X[i] = y;
    }
    this.#y = y;
    return this.#thin === undefined ? block : this.#thin.process(block);
  }

  /** By the time between samples that are all usable. */
  #run({ t, n }: StatBlock): void {
    const tauMs = this.#tauMs;
    let y = this.#y;
    let lastMs = this.#lastMs;
    let oldMs = this.#stepMs;
    let share = this.#share;
    for (let i = 0; i < n; i++) {
      const nowMs = t[i]!;
      const stepMs = nowMs - lastMs;
      if (stepMs !== oldMs) {
        oldMs = stepMs;
        share = -Math.expm1(-stepMs / tauMs);
      }
      y += share * (X[i]! - y);
      lastMs = nowMs;
      X[i] = y;
    }
    this.#y = y;
    this.#lastMs = lastMs;
    this.#stepMs = oldMs;
    this.#share = share;
  }

  reset(): void {
    this.#started = false;
    this.#thin?.reset();
  }
}
