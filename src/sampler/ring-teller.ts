import type { LinkClient } from "../link/client.ts";
import { encodeRings, encodeSamples } from "../link/frame.ts";
import { createBlock } from "../model/block.ts";
import type { Pipeline } from "./pipeline.ts";
import type { Due } from "./schedule.ts";

/** Samples in one piece, and in all pieces of one step. */
const PIECE_SAMPLES = 1024;
/** Most samples that are told, about 9 MB: of more only the newest seconds. */
export const TOLD_SAMPLES_MAX = 500_000;
/** From piece to piece, and until a unit that does not read is tried again, in ms. */
const PACE_MS = 2;
const AGAIN_MS = 50;
/** While the first channels are told, the oldest samples of the last ones fall out of their rings. */
const SPARE_MS = 2000;
/** Just after an instant. */
const AFTER_MS = 1e-6;

/**
 * Tells the unit what is in the rings when it asks: the raw samples of every part's channel, each once, a piece at a time.
 * It allocates only while it tells, and waits for nobody: a unit that does not read is tried again later, and forgotten when it is gone.
 */
export function createRingTeller(options: {
  readonly pipelines: readonly Pick<Pipeline, "ring" | "sources" | "part">[];
  readonly ringMs: number;
  readonly link: Pick<LinkClient, "connected" | "offer">;
  readonly nowMs: () => number;
}): Due & { ask(): void } {
  const { pipelines, ringMs, link } = options;
  const piece = createBlock(PIECE_SAMPLES);
  const nothing = createBlock(0);
  let told: Pipeline["ring"][] = [];
  let dueMs = Number.POSITIVE_INFINITY;
  let fromMs = 0;
  let toMs = 0;
  /** The channel that is told, from `nextMs` on. */
  let at = 0;
  let nextMs = 0;
  let samples = 0;
  /** A frame that is ready and was not taken yet. */
  let ready: Uint8Array | undefined;

  function ask(): void {
    const channels: { part: string; channel: number }[] = [];
    told = [];
    for (const pipeline of pipelines) {
      const { part } = pipeline;
      const channel = pipeline.sources.find((s) => s.part === part)?.channel ?? -1;
      // What is made of other channels is made anew.
      if (part === "" || channel < 0 || channels.some((c) => c.part === part && c.channel === channel)) continue;
      channels.push({ part, channel });
      told.push(pipeline.ring);
    }
    toMs = options.nowMs();
    let spanMs = Math.max(ringMs - SPARE_MS, ringMs / 2);
    const within = () => told.reduce((n, ring) => n + ring.copyRange(toMs - spanMs, toMs, nothing), 0);
    while (within() > TOLD_SAMPLES_MAX) spanMs /= 2;
    fromMs = toMs - spanMs;
    at = 0;
    nextMs = fromMs;
    samples = 0;
    ready = encodeRings({ word: "begin", fromMs, toMs, channels });
    dueMs = toMs;
  }

  /** The next piece; undefined when the channel that was told has no more. */
  function next(): Uint8Array | undefined {
    const ring = told[at];
    if (ring === undefined) {
      at++;
      return encodeRings({ word: "end", samples });
    }
    ring.copyRange(nextMs, toMs, piece);
    if (piece.n === 0) {
      at++;
      nextMs = fromMs;
      return undefined;
    }
    nextMs = piece.t[piece.n - 1]! + AFTER_MS;
    samples += piece.n;
    return encodeSamples(at, piece);
  }

  return {
    ask,
    get dueMs() {
      return dueMs;
    },
    step(nowMs) {
      dueMs = nowMs + PACE_MS;
      for (let room = PIECE_SAMPLES; room > 0; room -= piece.n + 1) {
        ready ??= next();
        if (ready === undefined) continue;
        if (!link.offer(ready)) {
          // Who comes anew asks anew.
          dueMs = link.connected ? nowMs + AGAIN_MS : Number.POSITIVE_INFINITY;
          return;
        }
        ready = undefined;
        if (at > told.length) {
          dueMs = Number.POSITIVE_INFINITY;
          return;
        }
      }
    },
  };
}
