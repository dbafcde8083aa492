/** Longest sentence taken between `$` and `*`: the standard says 82, high-precision receivers exceed it. */
export const NMEA_MAX_BODY = 160;

/** What the framer saw, by kind. Monotone; never depends on how the bytes were cut. */
export interface NmeaFramerCounters {
  /** Sentences handed on: whole, printable, checksum right. */
  sentences: number;
  /** Bytes that belong to no sentence. */
  junkBytes: number;
  badChecksum: number;
  tooLong: number;
  /** Broken off: an embedded `$`, a byte that is not printable, no checksum, something after the checksum. */
  malformed: number;
}

/** Takes a valid sentence: `body[0..length)` is what stood between `$` and `*`, valid only during the call. */
export type NmeaListener = (body: Uint8Array, length: number, startedMs: number) => void;

export interface NmeaFramer {
  readonly counters: Readonly<NmeaFramerCounters>;
  /** Takes the next bytes, cut anywhere. `atMs` is when they arrived. */
  push(chunk: Uint8Array, atMs: number): void;
  /** Forgets a begun sentence, so that it is never joined with what follows a break of the line. */
  reset(): void;
}

const DOLLAR = 0x24;
const STAR = 0x2a;
const CR = 0x0d;
const LF = 0x0a;

const IDLE = 0;
const BODY = 1;
const HIGH_DIGIT = 2;
const LOW_DIGIT = 3;
const END = 4;
const AFTER_CR = 5;

function hexDigit(c: number): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  const lower = c | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/**
 * Bytes of an NMEA 0183 line to checked sentences. The checksum is required (either case of hex) and a line end must
 * follow it. Never throws, allocates nothing while running, holds at most one sentence.
 * `startedMs` of a sentence is the arrival of the chunk that held its `$`.
 */
export function createNmeaFramer(onSentence: NmeaListener): NmeaFramer {
  const counters: NmeaFramerCounters = { sentences: 0, junkBytes: 0, badChecksum: 0, tooLong: 0, malformed: 0 };
  const body = new Uint8Array(NMEA_MAX_BODY);
  let length = 0;
  let sum = 0;
  let claimed = 0;
  let state = IDLE;
  let startedMs = 0;

  function begin(atMs: number): void {
    state = BODY;
    length = 0;
    sum = 0;
    startedMs = atMs;
  }

  /** A begun sentence that cannot be one: the byte that shows it may itself begin the next. */
  function breakOff(c: number, atMs: number): void {
    counters.malformed++;
    if (c === DOLLAR) begin(atMs);
    else state = c === CR ? AFTER_CR : IDLE;
  }

  function inBody(c: number, atMs: number): void {
    if (c === STAR) state = HIGH_DIGIT;
    else if (c === DOLLAR || c < 0x20 || c > 0x7e) breakOff(c, atMs);
    else if (length === NMEA_MAX_BODY) {
      counters.tooLong++;
      state = IDLE;
    } else {
      body[length++] = c;
      sum ^= c;
    }
  }

  function finish(c: number, atMs: number): void {
    if (c !== CR && c !== LF) {
      breakOff(c, atMs);
      return;
    }
    state = c === CR ? AFTER_CR : IDLE;
    if (claimed !== sum) {
      counters.badChecksum++;
      return;
    }
    counters.sentences++;
    onSentence(body, length, startedMs);
  }

  function outside(c: number, atMs: number): void {
    const pairs = state === AFTER_CR && c === LF;
    state = IDLE;
    if (c === DOLLAR) begin(atMs);
    else if (!pairs) counters.junkBytes++;
  }

  function inChecksum(c: number, atMs: number): void {
    const digit = hexDigit(c);
    if (digit < 0) breakOff(c, atMs);
    else {
      claimed = state === HIGH_DIGIT ? digit << 4 : claimed | digit;
      state = state === HIGH_DIGIT ? LOW_DIGIT : END;
    }
  }

  function take(c: number, atMs: number): void {
    if (state === BODY) inBody(c, atMs);
    else if (state === END) finish(c, atMs);
    else if (state === HIGH_DIGIT || state === LOW_DIGIT) inChecksum(c, atMs);
    else outside(c, atMs);
  }

  return {
    counters,
    push(chunk, atMs) {
      for (let i = 0; i < chunk.length; i++) take(chunk[i]!, atMs);
    },
    reset() {
      if (state !== IDLE && state !== AFTER_CR) counters.malformed++;
      state = IDLE;
    },
  };
}
