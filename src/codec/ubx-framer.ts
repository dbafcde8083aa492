/** Longest payload taken: longer ones exist and carry nothing that is read here. */
export const UBX_MAX_PAYLOAD = 4096;

/** What the framer saw, by kind. Monotone; never depends on how the bytes were cut. */
export interface UbxFramerCounters {
  /** Frames handed on: whole, checksum right. */
  frames: number;
  badChecksum: number;
  tooLong: number;
  /** Bytes that belong to no frame: other protocols on the line, noise. */
  junkBytes: number;
}

/** Takes a valid frame; `payload` is valid only during the call, `startedMs` the arrival of the frame's first byte. */
export type UbxListener = (cls: number, id: number, payload: Uint8Array, startedMs: number) => void;

const SYNC_1 = 0xb5;
const SYNC_2 = 0x62;
const OVERHEAD = 8;
const SIZE = UBX_MAX_PAYLOAD + OVERHEAD;

/**
 * Bytes of a u-blox line, cut anywhere and mixed with NMEA and RTCM, to checked UBX frames. After a bad checksum the search
 * goes on one byte further, so that no frame is lost that began inside a false one. Never throws, holds at most one frame.
 */
export function createUbxFramer(onFrame: UbxListener) {
  const counters: UbxFramerCounters = { frames: 0, badChecksum: 0, tooLong: 0, junkBytes: 0 };
  const bytes = new Uint8Array(SIZE);
  const arrivedMs = new Float64Array(SIZE);
  let length = 0;

  function drop(n: number): void {
    bytes.copyWithin(0, n, length);
    arrivedMs.copyWithin(0, n, length);
    length -= n;
  }

  /** Throws away the first byte and all that cannot begin a frame. */
  function resync(): void {
    let n = 1;
    while (n < length && bytes[n] !== SYNC_1) n++;
    counters.junkBytes += n;
    drop(n);
  }

  function isChecked(end: number): boolean {
    let a = 0;
    let b = 0;
    for (let i = 2; i < end; i++) {
      a = (a + bytes[i]!) & 0xff;
      b = (b + a) & 0xff;
    }
    return bytes[end] === a && bytes[end + 1] === b;
  }

  /** Takes what is at the front; false when more bytes must come. */
  function front(): boolean {
    if (length === 0) return false;
    if (bytes[0] !== SYNC_1 || (length > 1 && bytes[1] !== SYNC_2)) {
      resync();
      return true;
    }
    if (length < 6) return false;
    const payload = bytes[4]! | (bytes[5]! << 8);
    if (payload > UBX_MAX_PAYLOAD) {
      counters.tooLong++;
      resync();
      return true;
    }
    if (length < payload + OVERHEAD) return false;
    if (!isChecked(payload + 6)) {
      counters.badChecksum++;
      resync();
      return true;
    }
    counters.frames++;
    onFrame(bytes[2]!, bytes[3]!, bytes.subarray(6, 6 + payload), arrivedMs[0]!);
    drop(payload + OVERHEAD);
    return true;
  }

  return {
    counters: counters as Readonly<UbxFramerCounters>,
    push(chunk: Uint8Array, atMs: number): void {
      for (let from = 0; from < chunk.length; ) {
        const n = Math.min(chunk.length - from, SIZE - length);
        bytes.set(chunk.subarray(from, from + n), length);
        arrivedMs.fill(atMs, length, length + n);
        length += n;
        from += n;
        while (front());
      }
    },
    /** Forgets a begun frame, so that it is never joined with what follows a break of the line. */
    reset(): void {
      counters.junkBytes += length;
      length = 0;
    },
  };
}

/** One frame with its checksum: the inverse of the framer. */
export function encodeUbx(cls: number, id: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(payload.length + OVERHEAD);
  frame.set([SYNC_1, SYNC_2, cls, id, payload.length & 0xff, payload.length >> 8]);
  frame.set(payload, 6);
  let a = 0;
  let b = 0;
  for (let i = 2; i < payload.length + 6; i++) {
    a = (a + frame[i]!) & 0xff;
    b = (b + a) & 0xff;
  }
  frame[payload.length + 6] = a;
  frame[payload.length + 7] = b;
  return frame;
}
