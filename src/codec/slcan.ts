/** A CAN frame as a listener hears it; `data` is valid only during the call and has 8 bytes, of which `length` count. */
export interface CanFrame {
  id: number;
  isExtended: boolean;
  isRemote: boolean;
  length: number;
  readonly data: Uint8Array;
}

/** What the framer saw, by kind. Monotone; never depends on how the bytes were cut. */
export interface SlcanCounters {
  canFrames: number;
  /** Lines that are neither a frame nor an answer. */
  malformed: number;
  tooLong: number;
}

/** What an adapter answers: `ok` (CR), `error` (BEL), or a text such as its version. */
export type SlcanAnswer =
  | { readonly kind: "ok" }
  | { readonly kind: "error" }
  | { readonly kind: "text"; text: string };

/**
 * Everything that may ever be written to an adapter: close, version, bit rate, acceptance code and mask, open listen-only; there
 * is none that sends. `openAsSet` opens in the mode that was set before: it may follow only `silent`, acknowledged. `S7` is not
 * among them: it means 800 kbit/s to some adapters and 750 to others. Source: Lawicel CAN232; Linux slcan; canable-fw.
 */
export const SLCAN_COMMANDS = {
  close: "C",
  version: "V",
  rate250k: "S5",
  rate500k: "S6",
  acceptAllCode: "M00000000",
  acceptAllMask: "mFFFFFFFF",
  openListenOnly: "L",
  silent: "M1",
  openAsSet: "O",
} as const;

/** The bytes of a permitted command. */
export function encodeSlcanCommand(command: keyof typeof SLCAN_COMMANDS): Uint8Array {
  return Uint8Array.from(`${SLCAN_COMMANDS[command]}\r`, (ch) => ch.charCodeAt(0));
}

const CR = 0x0d;
const BEL = 0x07;
/** A 29-bit frame of 8 bytes with a time stamp has 30 characters; an adapter that says where its firmware comes from, more. */
const FRAME_MAX = 31;
const LINE_MAX = 80;
/** What the version of an adapter looks like: Lawicel's begins with V, a CANable tells the address of its firmware. */
const VERSION = /^V|canable/;

function hexDigit(c: number): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  const lower = c | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Text of an SLCAN adapter, cut anywhere, to frames and answers. Never throws, holds at most one line. */
export function createSlcanFramer(onFrame: (frame: CanFrame) => void, onAnswer: (answer: SlcanAnswer) => void) {
  const counters: SlcanCounters = { canFrames: 0, malformed: 0, tooLong: 0 };
  const line = new Uint8Array(LINE_MAX);
  const frame: CanFrame = { id: 0, isExtended: false, isRemote: false, length: 0, data: new Uint8Array(8) };
  let length = 0;

  function hex(from: number, digits: number): number {
    let x = 0;
    for (let i = from; i < from + digits; i++) {
      const digit = i < length ? hexDigit(line[i]!) : -1;
      if (digit < 0) return -1;
      x = x * 16 + digit;
    }
    return x;
  }

  /** Reads the line as a frame; false when it is none. */
  function parse(letter: number): boolean {
    const isExtended = letter < 0x60;
    const idDigits = isExtended ? 8 : 3;
    const id = hex(1, idDigits);
    const dlc = hex(1 + idDigits, 1);
    if (id < 0 || id > (isExtended ? 0x1fff_ffff : 0x7ff) || dlc < 0 || dlc > 8) return false;
    const isRemote = (letter | 0x20) === 0x72;
    const at = 2 + idDigits;
    const end = at + (isRemote ? 0 : 2 * dlc);
    if (length !== end && !(length === end + 4 && hex(end, 4) >= 0)) return false;
    for (let i = 0; i < 8; i++) {
      const byte = isRemote || i >= dlc ? 0xff : hex(at + 2 * i, 2);
      if (byte < 0) return false;
      frame.data[i] = byte;
    }
    frame.id = id;
    frame.isExtended = isExtended;
    frame.isRemote = isRemote;
    frame.length = dlc;
    return true;
  }

  function end(): void {
    const letter = line[0]!;
    const isFrame = letter === 0x74 || letter === 0x54 || letter === 0x72 || letter === 0x52;
    if (length === 0) onAnswer({ kind: "ok" });
    else if (isFrame && length <= FRAME_MAX && parse(letter)) {
      counters.canFrames++;
      onFrame(frame);
    } else if (length > LINE_MAX) counters.tooLong++;
    else {
      const text = String.fromCharCode(...line.subarray(0, length));
      if (VERSION.test(text)) onAnswer({ kind: "text", text });
      else if (length > FRAME_MAX) counters.tooLong++;
      else counters.malformed++;
    }
    length = 0;
  }

  return {
    counters: counters as Readonly<SlcanCounters>,
    push(chunk: Uint8Array): void {
      for (let i = 0; i < chunk.length; i++) {
        const c = chunk[i]!;
        if (c === CR) end();
        else if (c === BEL) {
          if (length > 0) counters.malformed++;
          length = 0;
          onAnswer({ kind: "error" });
        } else {
          if (length < LINE_MAX) line[length] = c;
          length = Math.min(LINE_MAX + 1, length + 1);
        }
      }
    },
    /** Forgets a begun line, so that it is never joined with what follows a break. */
    reset(): void {
      length = 0;
    },
  };
}

/** How an adapter tells a 29-bit data frame: the inverse of the framer, for twins of adapters only. */
export function encodeSlcanHeard(id: number, data: Uint8Array): Uint8Array {
  const text = `T${id.toString(16).padStart(8, "0")}${data.length}${[...data].map((b) => b.toString(16).padStart(2, "0")).join("")}\r`;
  return Uint8Array.from(text.toUpperCase(), (ch) => ch.charCodeAt(0));
}
