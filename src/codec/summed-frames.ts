/** What the framer saw, by kind. Monotone; never depends on how the bytes were cut. */
export interface SummedFrameCounters {
  frames: number;
  badChecksum: number;
  junkBytes: number;
}

/** A frame of fixed length that begins with `head` and ends with the sum of all bytes before, modulo 256. */
export interface SummedFrame {
  readonly head: readonly number[];
  /** With head and sum; at most 32. */
  readonly bytes: number;
}

function sumOf(bytes: Uint8Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += bytes[i]!;
  return sum & 0xff;
}

/**
 * Bytes, cut anywhere, to checked frames; `on` gets each, valid only during the call. After a bad sum the search goes on one
 * byte further, because a payload may look like a head. Never throws, holds at most one frame.
 */
export function createSummedFrames(shape: SummedFrame, on: (frame: Uint8Array) => void) {
  const { head, bytes } = shape;
  const counters: SummedFrameCounters = { frames: 0, badChecksum: 0, junkBytes: 0 };
  const frame = new Uint8Array(bytes);
  let length = 0;

  /** Throws away bytes from the front until what is left may be the beginning of a frame. */
  function resync(): void {
    do {
      counters.junkBytes++;
      frame.copyWithin(0, 1, length);
      length--;
    } while (!mayBegin());
  }

  function mayBegin(): boolean {
    for (let i = 0; i < length && i < head.length; i++) if (frame[i] !== head[i]) return false;
    return true;
  }

  function take(byte: number): void {
    frame[length++] = byte;
    if (!mayBegin()) resync();
    if (length < bytes) return;
    if (sumOf(frame, bytes - 1) !== frame[bytes - 1]) {
      counters.badChecksum++;
      resync();
      return;
    }
    counters.frames++;
    on(frame);
    length = 0;
  }

  return {
    counters: counters as Readonly<SummedFrameCounters>,
    push(chunk: Uint8Array): void {
      for (let i = 0; i < chunk.length; i++) take(chunk[i]!);
    },
    /** Forgets a begun frame, so that it is never joined with what follows a break of the line. */
    reset(): void {
      counters.junkBytes += length;
      length = 0;
    },
  };
}

/** One frame with this payload between head and sum: the inverse of the framer. */
export function encodeSummedFrame(shape: SummedFrame, payload: readonly number[]): Uint8Array {
  const frame = new Uint8Array(shape.bytes);
  frame.set([...shape.head, ...payload]);
  frame[shape.bytes - 1] = sumOf(frame, shape.bytes - 1);
  return frame;
}
