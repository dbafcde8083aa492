/** What the framer counts. */
export interface NumberLineCounters {
  lines: number;
  /** Lines that are not the prefix and one number. */
  malformed: number;
  /** Lines longer than any number. */
  tooLong: number;
}

const LINE_MAX = 32;
const CR = 13;
const LF = 10;
const SPACE = 32;
const MINUS = 45;
const PLUS = 43;
const DOT = 46;
const ZERO = 48;

/**
 * Bytes in any chunks → the number on each line, as ASCII distance sensors and loggers send them: an optional prefix, an
 * optional sign, digits with at most one point, spaces, and CR or LF. Bytes above 0x7f are line noise and skipped (MaxBotix
 * parts send stray 0xff). Allocates nothing per line; `on` gets each number in order.
 */
export function createNumberLines(prefix: string, on: (value: number) => void) {
  const start = new Uint8Array([...prefix].map((ch) => ch.charCodeAt(0)));
  const line = new Uint8Array(LINE_MAX);
  let length = 0;
  const counters: NumberLineCounters = { lines: 0, malformed: 0, tooLong: 0 };

  function end(): void {
    if (length === 0) return;
    const n = length;
    length = 0;
    if (n > LINE_MAX) {
      counters.tooLong++;
      return;
    }
    let i = 0;
    while (i < start.length && line[i] === start[i]) i++;
    let ok = i === start.length;
    while (i < n && line[i] === SPACE) i++;
    const sign = line[i] === MINUS ? -1 : 1;
    if (i < n && (line[i] === MINUS || line[i] === PLUS)) i++;
    let digits = 0;
    let mantissa = 0;
    let divisor = 0;
    for (; i < n; i++) {
      const b = line[i]!;
      if (b === DOT && divisor === 0) divisor = 1;
      else if (b >= ZERO && b < ZERO + 10 && digits < 15) {
        mantissa = mantissa * 10 + (b - ZERO);
        digits++;
        divisor *= 10;
      } else break;
    }
    while (i < n && line[i] === SPACE) i++;
    ok = ok && digits > 0 && i === n;
    if (!ok) {
      counters.malformed++;
      return;
    }
    counters.lines++;
    // One division of two exact integers: the nearest double to what was written.
    on(divisor > 1 ? (sign * mantissa) / divisor : sign * mantissa);
  }

  return {
    counters: counters as Readonly<NumberLineCounters>,
    push(chunk: Uint8Array): void {
      for (let i = 0; i < chunk.length; i++) {
        const b = chunk[i]!;
        if (b === CR || b === LF) end();
        else if (b < 0x80) {
          if (length < LINE_MAX) line[length] = b;
          length = Math.min(LINE_MAX + 1, length + 1);
        }
      }
    },
    /** Forgets a half line, after the link was down. */
    reset(): void {
      length = 0;
    },
  };
}
