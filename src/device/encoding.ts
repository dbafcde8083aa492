type Order = "" | "le" | "be";
type Shift = "" | `<<${number}`;

/**
 * How a count lies in bytes: signedness, bits, byte order and how far it is shifted left. `i16le` is a whole word, `i12be<<4`
 * twelve bits left-justified in two bytes, `u1<<3` one bit of a byte, `i13be` the low thirteen bits of two bytes; `bcd8` is
 * two decimal digits in one byte.
 */
export type Encoding = `${"u" | "i"}${number}${Order}${Shift}` | "bcd8";

/** An encoding taken apart. Counts up to 48 bits fit a double exactly. */
export interface Codec {
  readonly bytes: number;
  readonly lowest: number;
  readonly highest: number;
  /** The count in the bytes that begin at `at`. */
  read(bytes: Uint8Array, at: number): number;
  /** Puts a count (an integer within `lowest` to `highest`) there, leaving the other bits as they are. */
  write(count: number, bytes: Uint8Array, at: number): void;
}

const FORM = /^([ui])(\d+)(le|be)?(?:<<(\d+))?$/;

/** Throws a `RangeError` for a name that is not an encoding: a table is wrong, not its input. */
export function codecOf(encoding: Encoding): Codec {
  if (encoding === "bcd8") return bcd8;
  const match = FORM.exec(encoding);
  const bits = Number(match?.[2]);
  const shift = Number(match?.[4] ?? 0);
  const bytes = Math.ceil((bits + shift) / 8);
  if (match === null || bits < 1 || bytes > 6 || bytes > 1 !== (match[3] !== undefined))
    throw new RangeError(`${encoding}: not an encoding`);
  const signed = match[1] === "i";
  const little = match[3] === "le";
  const span = 2 ** bits;
  const unit = 2 ** shift;
  const highest = signed ? span / 2 - 1 : span - 1;

  function rawOf(from: Uint8Array, at: number): number {
    let raw = 0;
    for (let i = 0; i < bytes; i++) raw = raw * 256 + from[little ? at + bytes - 1 - i : at + i]!;
    return raw;
  }

  return {
    bytes,
    lowest: signed ? -span / 2 : 0,
    highest,
    read: fastReader(encoding) ?? readField,
    write(count, into, at) {
      const raw = rawOf(into, at);
      const field = Math.floor(raw / unit) % span;
      let next = raw + ((count < 0 ? count + span : count) - field) * unit;
      for (let i = bytes - 1; i >= 0; i--) {
        into[little ? at + bytes - 1 - i : at + i] = next % 256;
        next = Math.floor(next / 256);
      }
    },
  };

  function readField(from: Uint8Array, at: number): number {
    const count = Math.floor(rawOf(from, at) / unit) % span;
    return count > highest ? count - span : count;
  }
}

/** The encodings of parts that are read hundreds of times a second, in integer arithmetic. */
function fastReader(encoding: Encoding): Codec["read"] | undefined {
  switch (encoding) {
    case "u8":
      return (b, at) => b[at]!;
    case "i16le":
      return (b, at) => ((b[at]! | (b[at + 1]! << 8)) << 16) >> 16;
    case "i16be":
      return (b, at) => (((b[at]! << 8) | b[at + 1]!) << 16) >> 16;
    case "i12be<<4":
      return (b, at) => (((b[at]! << 8) | b[at + 1]!) << 16) >> 20;
    case "i20be<<4":
      return (b, at) => ((b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8)) >> 12;
    default:
      return undefined;
  }
}

const bcd8: Codec = {
  bytes: 1,
  lowest: 0,
  highest: 99,
  read: (bytes, at) => (bytes[at]! >> 4) * 10 + (bytes[at]! & 0x0f),
  write(count, bytes, at) {
    bytes[at] = (Math.floor(count / 10) << 4) | (count % 10);
  },
};
