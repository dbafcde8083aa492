import type { Ring } from "../dsp/ring.ts";
import { createBlock } from "../model/block.ts";
import { createCaptureText, SLICE } from "./capture-text.ts";
import type { Trigger } from "./detectors.ts";
import type { Due } from "./schedule.ts";

/** One channel as the black box keeps it. */
export interface BoxChannel {
  readonly name: string;
  readonly unit: string;
  /** Smallest step worth keeping, in `unit`. */
  readonly resolution: number;
  readonly span: { readonly beforeMs: number; readonly afterMs: number };
  /** How long after it was taken a sample of this channel is here for certain, in ms. */
  readonly lagMs: number;
}

/** Channels in the order of the pipelines, and the longest time a capture may span: what the rings hold for certain. */
export interface BlackBoxSpec {
  readonly channels: readonly BoxChannel[];
  readonly longestMs: number;
}

/** What is being waited for: the triggers that share a capture. */
interface Waiting {
  readonly first: Trigger;
  readonly triggers: { name: string; at: number }[];
  lastMs: number;
  peak: number;
}

/** Samples still to come are looked for this often, in ms. */
const LOOK_MS = 5;
/** Captures waiting at once, and triggers told in one. */
const MOST_WAITING = 8;
const MOST_TRIGGERS = 64;
/** Longest text of a capture; a longer one is made again with fewer samples. The spool takes 256 KiB. */
export const CAPTURE_TEXT_MAX = 200_000;
/** About how many samples are written in a step, and how many are copied in the time one is written. */
const STEP_SAMPLES = 2 * SLICE;
const COPIED_AS_WRITTEN = 16;
/** About how many characters a sample takes. */
const SAMPLE_CHARS = 12;

const NOTHING = createBlock(0);

/**
 * Keeps the samples of all channels around a trigger. When the time after it has passed they are copied out of the rings
 * one channel at a time and written as text some thousand samples a step, so that no step holds up the loop.
 */
export function createBlackBox(
  options: BlackBoxSpec & {
    readonly rings: readonly Ring[];
    readonly emit: (monoMs: number, json: string) => void;
  },
) {
  const { channels, rings, longestMs, emit } = options;
  const beforeMs = Math.max(0, ...channels.map((ch) => ch.span.beforeMs));
  const afterMs = Math.max(0, ...channels.map((ch) => ch.span.afterMs));
  const waiting: Waiting[] = [];
  const text = createCaptureText(Math.max(1, ...rings.map((r) => r.capacity)));
  /** The channel being written; -1 while none is. */
  let writing = -1;
  let copied = false;
  let every = 1;
  let dueMs = Number.POSITIVE_INFINITY;

  const fromOf = (w: Waiting, ch: BoxChannel) => w.first.tMs - ch.span.beforeMs;
  const toOf = (w: Waiting, ch: BoxChannel) => w.lastMs + ch.span.afterMs;
  const endOf = (w: Waiting) => w.lastMs + afterMs;

  function trigger(t: Trigger): void {
    const newest = waiting.at(-1);
    const open = newest !== undefined && (waiting.length > 1 || writing < 0);
    if (open && t.tMs <= endOf(newest)) {
      const fits = t.tMs + afterMs - (newest.first.tMs - beforeMs) <= longestMs;
      if (fits || waiting.length === MOST_WAITING) {
        if (newest.triggers.length < MOST_TRIGGERS)
          newest.triggers.push({ name: t.name, at: Math.round((t.tMs - newest.first.tMs) * 10) / 10 });
        newest.peak = Math.max(newest.peak, t.peak);
        if (fits) newest.lastMs = Math.max(newest.lastMs, t.tMs);
        if (waiting.length === 1) dueMs = endOf(newest);
        return;
      }
    }
    waiting.push({ first: t, triggers: [{ name: t.name, at: 0 }], lastMs: t.tMs, peak: t.peak });
    if (waiting.length === 1) dueMs = endOf(waiting[0]!);
  }

  /** Whether the last samples wanted have come, or will not come any more: each channel is waited for as long as it needs. */
  function complete(w: Waiting, nowMs: number): boolean {
    return channels.every((ch, i) => nowMs >= toOf(w, ch) + ch.lagMs || rings[i]!.newestMs >= toOf(w, ch));
  }

  function begin(w: Waiting, least: number): void {
    const samples = channels.reduce((n, ch, i) => n + rings[i]!.copyRange(fromOf(w, ch), toOf(w, ch), NOTHING), 0);
    every = Math.max(least, Math.ceil((samples * SAMPLE_CHARS) / CAPTURE_TEXT_MAX));
    const { first, triggers, peak } = w;
    text.begin({ mono: Math.round(first.tMs * 10) / 10, detector: first.detector, triggers, peak });
    writing = 0;
    copied = false;
  }

  /** The next piece of the channel being written; returns about how many samples' writing it took. */
  function work(w: Waiting): number {
    const channel = channels[writing]!;
    if (!copied) {
      copied = true;
      rings[writing]!.copyRange(fromOf(w, channel), toOf(w, channel), text.samples);
      return text.samples.n / COPIED_AS_WRITTEN;
    }
    if (text.write(channel, every)) {
      writing++;
      copied = false;
    }
    return Math.min(SLICE, text.samples.n) + 1;
  }

  function step(nowMs: number): void {
    const w = waiting[0];
    if (w === undefined) {
      dueMs = Number.POSITIVE_INFINITY;
      return;
    }
    if (writing < 0 && !complete(w, nowMs)) {
      dueMs = Math.max(endOf(w), nowMs + LOOK_MS);
      return;
    }
    dueMs = nowMs;
    if (writing < 0) {
      begin(w, 1);
      return;
    }
    if (writing < channels.length) {
      // Many channels have few samples: a wake-up for each would take longer than the writing.
      for (let room = STEP_SAMPLES; room > 0 && writing < channels.length; ) room -= work(w);
      return;
    }
    const json = text.end();
    // Uneven times take more room than was put down for them.
    if (json.length > CAPTURE_TEXT_MAX) {
      begin(w, every * 2);
      return;
    }
    writing = -1;
    waiting.shift();
    dueMs = waiting[0] === undefined ? Number.POSITIVE_INFINITY : endOf(waiting[0]);
    emit(nowMs, json);
  }

  const due: Due = {
    get dueMs() {
      return dueMs;
    },
    step,
  };
  return { trigger, due };
}
