/** Thrown by a reader that came to the end of its bytes or met what no writer makes. */
export class BitsError extends Error {}

const TWO_24 = 2 ** 24;

/** Writes integers bit by bit, the most significant bit first. */
export class BitWriter {
  #bytes = new Uint8Array(1024);
  #at = 0;
  #held = 0;
  #heldBits = 0;

  /** The low `width` (0 to 53) bits of an integer that is not negative. */
  write(value: number, width: number): void {
    if (width > 24) {
      this.write(Math.floor(value / TWO_24), width - 24);
      this.#put(value % TWO_24, 24);
    } else this.#put(value, width);
  }

  /** `zeros` zeros and a one. */
  unary(zeros: number): void {
    for (let left = zeros; left > 0; left -= 24) this.#put(0, Math.min(24, left));
    this.#put(1, 1);
  }

  /** An integer from 0 up: its length in 6 bits, then what follows its leading one. */
  counted(value: number): void {
    const width = bitLength(value);
    this.write(width, 6);
    if (width > 1) this.write(value - 2 ** (width - 1), width - 1);
  }

  /** Everything written, padded with zeros to whole bytes. The writer is empty afterwards. */
  take(): Uint8Array {
    if (this.#heldBits > 0) this.#put(0, 8 - this.#heldBits);
    const out = this.#bytes.slice(0, this.#at);
    this.#at = 0;
    return out;
  }

  #put(value: number, width: number): void {
    // At most 7 bits are held and 24 come: 31 fit a shift.
    this.#held = (this.#held << width) | value;
    this.#heldBits += width;
    while (this.#heldBits >= 8) {
      if (this.#at === this.#bytes.length) {
        const grown = new Uint8Array(this.#bytes.length * 2);
        grown.set(this.#bytes);
        this.#bytes = grown;
      }
      this.#heldBits -= 8;
      this.#bytes[this.#at++] = this.#held >>> this.#heldBits;
      this.#held &= (1 << this.#heldBits) - 1;
    }
  }
}

/** The inverse of `BitWriter`. Throws `BitsError`, and reads no further than its bytes. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #held = 0;
  #heldBits = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  read(width: number): number {
    if (width <= 24) return this.#get(width);
    const high = this.read(width - 24);
    return high * TWO_24 + this.#get(24);
  }

  unary(most: number): number {
    let zeros = 0;
    while (this.#get(1) === 0) if (++zeros > most) throw new BitsError("a run of zeros that no writer makes");
    return zeros;
  }

  counted(): number {
    const width = this.read(6);
    if (width > 53) throw new BitsError(`an integer of ${width} bits`);
    return width < 2 ? width : 2 ** (width - 1) + this.read(width - 1);
  }

  /** Throws when more than the padding of the last byte is left. */
  end(): void {
    if (this.#at !== this.#bytes.length || this.#held !== 0) throw new BitsError("bits behind the last value");
  }

  #get(width: number): number {
    while (this.#heldBits < width) {
      if (this.#at >= this.#bytes.length) throw new BitsError("the bytes end within a value");
      this.#held = (this.#held << 8) | this.#bytes[this.#at++]!;
      this.#heldBits += 8;
    }
    this.#heldBits -= width;
    const value = this.#held >>> this.#heldBits;
    this.#held &= (1 << this.#heldBits) - 1;
    return value;
  }
}

/** Bits of an integer without leading zeros; 0 for 0. */
export function bitLength(value: number): number {
  return value < 2 ** 31 ? 32 - Math.clz32(value) : 32 + (32 - Math.clz32(Math.floor(value / 2 ** 32)));
}
