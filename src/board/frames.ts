/**
 * What passes between the sampler and the process that reads a sub-board, over pipes: `u8` type, `u8` index, `u16` length of the
 * body, 4 bytes zero, `f64` instant (mono ms), body; little-endian. The same form both ways.
 */
export const BOARD_FRAME = {
  /** To the reader: bytes that came from the board at the instant. */
  bytes: 1,
  /** To the reader: the lamp, by its place in the list of lamps. */
  lamp: 2,
  /** To the reader: a press of the key has been taken. */
  noted: 3,
  /** From the reader: an input and its value (`f64`). */
  value: 16,
  /** From the reader: an input, the board's clock (`f64` ms) and its pulses (`f64`). */
  pulses: 17,
  /** From the reader: the board has answered. */
  beat: 18,
  /** From the reader: bytes for the board. */
  write: 19,
  /** From the reader: set up; the body is the firmware's name. */
  ready: 20,
  /** From the reader: the board cannot be used; the body says why. */
  refused: 21,
  /** From the reader: a press of the key, by its place in the list of presses. */
  key: 22,
  /** From the reader: it lives. */
  alive: 23,
  /** From the reader: a kind of trouble, by its place in the list. */
  trouble: 24,
} as const;

export const BOARD_HEADER_BYTES = 16;
const BODY_MAX_BYTES = 8192;

/** What a frame says. `bytes` is valid only during the call, from `from` to `to`. */
export type BoardFrameListener = (
  type: number,
  index: number,
  atMs: number,
  bytes: Buffer,
  from: number,
  to: number,
) => void;

/** A frame with a body of bytes or text. */
export function boardFrame(type: number, index: number, atMs: number, body?: Uint8Array | string): Buffer {
  const bytes = typeof body === "string" ? Buffer.from(body) : (body ?? new Uint8Array(0));
  const frame = Buffer.alloc(BOARD_HEADER_BYTES + bytes.length);
  frame[0] = type;
  frame[1] = index;
  frame.writeUInt16LE(bytes.length, 2);
  frame.writeDoubleLE(atMs, 8);
  frame.set(bytes, BOARD_HEADER_BYTES);
  return frame;
}

/** A frame whose body is numbers. */
export function boardNumbers(type: number, index: number, atMs: number, ...numbers: number[]): Buffer {
  const frame = boardFrame(type, index, atMs, new Uint8Array(numbers.length * 8));
  for (const [i, x] of numbers.entries()) frame.writeDoubleLE(x, BOARD_HEADER_BYTES + i * 8);
  return frame;
}

/**
 * Cuts a stream into frames, whatever the chunks; allocates nothing of its own. `malformed` is called once, for a length that
 * cannot be: the stream is then out of step and must be ended.
 */
export function createBoardFrames(on: BoardFrameListener, malformed: () => void): (chunk: Buffer) => void {
  const rest = Buffer.alloc(BOARD_HEADER_BYTES + BODY_MAX_BYTES);
  let held = 0;
  let broken = false;

  /** Tells the frame at `at`, when all of it is there; returns its length, or 0. */
  function frameAt(bytes: Buffer, at: number, end: number): number {
    if (end - at < BOARD_HEADER_BYTES) return 0;
    const length = bytes.readUInt16LE(at + 2);
    if (length > BODY_MAX_BYTES) {
      broken = true;
      malformed();
      return 0;
    }
    const to = at + BOARD_HEADER_BYTES + length;
    if (to > end) return 0;
    on(bytes[at]!, bytes[at + 1]!, bytes.readDoubleLE(at + 8), bytes, at + BOARD_HEADER_BYTES, to);
    return to - at;
  }

  return (chunk) => {
    let at = 0;
    while (held > 0 && at < chunk.length && !broken) {
      // What is missing of the begun frame: its header first, then its body.
      const wanted = BOARD_HEADER_BYTES + (held < BOARD_HEADER_BYTES ? 0 : rest.readUInt16LE(2));
      const n = Math.min(wanted - held, chunk.length - at);
      chunk.copy(rest, held, at, at + n);
      held += n;
      at += n;
      if (frameAt(rest, 0, held) > 0) held = 0;
    }
    while (at < chunk.length && !broken) {
      const length = frameAt(chunk, at, chunk.length);
      if (length > 0) {
        at += length;
        continue;
      }
      if (broken) return;
      held = chunk.copy(rest, 0, at);
      at = chunk.length;
    }
  };
}
