import type { Block } from "../model/block.ts";

/** The last samples of one channel at full rate, in preallocated arrays. Nothing is allocated after it is made. */
export interface Ring {
  readonly capacity: number;
  readonly length: number;
  /** Instant of the oldest sample held (mono ms); NaN when empty. */
  readonly oldestMs: number;
  /** Instant of the newest sample held (mono ms); NaN when empty. */
  readonly newestMs: number;
  /** Appends a block, overwriting the oldest samples when full. */
  push(block: Block): void;
  /**
   * Copies the samples with `fromMs <= t < toMs` into `into`, oldest first, and returns how many there were in all. When
   * that is more than `into` has room for, `into` is full and the rest follows from just after its last instant.
   */
  copyRange(fromMs: number, toMs: number, into: Block): number;
  reset(): void;
}

/**
 * Makes a ring for `capacity` samples, 18 bytes each. Values stay doubles: a position in degrees needs 31 bits for 1e-7°,
 * more than a single-precision float holds, and a capture must give back exactly what was sampled.
 */
export function createRing(capacity: number): Ring {
  if (!Number.isInteger(capacity) || capacity < 1) {
    throw new RangeError(`ring capacity ${capacity}: expected a whole number from 1`);
  }
  return new SampleRing(capacity);
}

class SampleRing implements Ring {
  readonly capacity: number;
  readonly #t: Float64Array;
  readonly #x: Float64Array;
  readonly #q: Uint16Array;
  /** Where the next sample goes. */
  #head = 0;
  #length = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#t = new Float64Array(capacity);
    this.#x = new Float64Array(capacity);
    this.#q = new Uint16Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  get oldestMs(): number {
    return this.#length === 0 ? Number.NaN : this.#t[this.#slot(0)]!;
  }

  get newestMs(): number {
    return this.#length === 0 ? Number.NaN : this.#t[this.#slot(this.#length - 1)]!;
  }

  push(block: Block): void {
    const { t, x, q } = block;
    const capacity = this.capacity;
    let head = this.#head;
    // A block longer than the ring leaves only its end behind.
    for (let i = Math.max(0, block.n - capacity); i < block.n; i++) {
      this.#t[head] = t[i]!;
      this.#x[head] = x[i]!;
      this.#q[head] = q[i]!;
      head++;
      if (head === capacity) head = 0;
    }
    this.#head = head;
    this.#length = Math.min(capacity, this.#length + block.n);
  }

  copyRange(fromMs: number, toMs: number, into: Block): number {
    const first = this.#countBefore(fromMs);
    const found = Math.max(0, this.#countBefore(toMs) - first);
    const n = Math.min(found, into.t.length);
    let slot = n === 0 ? 0 : this.#slot(first);
    for (let i = 0; i < n; i++) {
      into.t[i] = this.#t[slot]!;
      into.x[i] = this.#x[slot]!;
      into.q[i] = this.#q[slot]!;
      slot++;
      if (slot === this.capacity) slot = 0;
    }
    into.n = n;
    return found;
  }

  reset(): void {
    this.#head = 0;
    this.#length = 0;
  }

  /** Array index of the i-th oldest sample. */
  #slot(i: number): number {
    const at = this.#head - this.#length + i;
    return at < 0 ? at + this.capacity : at;
  }

  /** How many samples are older than `ms`, by bisection: instants never decrease. */
  #countBefore(ms: number): number {
    let lo = 0;
    let hi = this.#length;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if (this.#t[this.#slot(mid)]! < ms) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  }
}
