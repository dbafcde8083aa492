import type { RingsWord } from "../link/frame.ts";

/** What was told of the rings, frame by frame as it came; or why there is nothing. */
export type RingFrames = { readonly frames: readonly Uint8Array[] } | { readonly missing: string };

/** The sampler tells at most about 9 MB. */
const MOST_BYTES = 16 * 1024 * 1024;
/** A sampler that has not told all by then is not waited for, in ms. */
const LIMIT_MS = 20_000;

/** Asks the sampler for what is in its rings, and gathers the answer in bounded memory. */
export function createRingCollector(ask: () => boolean) {
  let frames: Uint8Array[] = [];
  let bytes = 0;
  let samples = 0;
  let begun = false;
  let timer: NodeJS.Timeout | undefined;
  let done: ((told: RingFrames) => void) | undefined;

  function end(told: RingFrames): void {
    clearTimeout(timer);
    done?.(told);
    done = undefined;
    frames = [];
  }
  const missing = (why: string) => end({ missing: why });

  function take(frame: Uint8Array): void {
    bytes += frame.length;
    if (bytes > MOST_BYTES) missing("the sampler told more than rings can hold");
    // What it was cut from may be much longer.
    else frames.push(frame.slice());
  }

  return {
    /** Never rejects. A second call ends the first. */
    collect(limitMs = LIMIT_MS): Promise<RingFrames> {
      missing("they were asked for again");
      return new Promise((resolve) => {
        frames = [];
        bytes = 0;
        samples = 0;
        begun = false;
        done = resolve;
        timer = setTimeout(() => missing(`the sampler has not told its rings within ${limitMs / 1000} s`), limitMs);
        if (!ask()) missing("no sampler is there to tell its rings");
      });
    },
    word(word: RingsWord, frame: Uint8Array): void {
      if (done === undefined) return;
      if (word.word === "begin") {
        frames = [];
        bytes = 0;
        samples = 0;
        begun = true;
        take(frame);
      } else if (begun) {
        if (samples === 0) missing("there is nothing in the rings yet");
        else end({ frames });
      }
    },
    samples(frame: Uint8Array): void {
      if (done === undefined || !begun) return;
      samples++;
      take(frame);
    },
    gone: () => missing("the sampler went away while it told its rings"),
  };
}
