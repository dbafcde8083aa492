/** Peaks remembered: of 20 ms each, the last ten seconds. */
const WINDOWS = 512;
/** Below this many peaks nothing is known yet. */
const ENOUGH = 50;

/**
 * The running level of noise: median of the newest peaks and their median absolute deviation (MAD), both exact. Half of the
 * peaks may be blows without moving it far. One insertion into a sorted array for each peak; nothing is allocated.
 */
export class NoiseFloor {
  readonly #byAge = new Float64Array(WINDOWS);
  readonly #sorted = new Float64Array(WINDOWS);
  /** Median and MAD. */
  readonly level = new Float64Array(2);
  #head = 0;
  #length = 0;

  /** Whether enough peaks have been seen. */
  get known(): boolean {
    return this.#length >= ENOUGH;
  }

  /** Takes in `from[i]`, the peak of one stretch. */
  add(from: Float64Array, i: number): void {
    const peak = from[i]!;
    const sorted = this.#sorted;
    if (this.#length === WINDOWS) this.#drop();
    this.#byAge[this.#head] = peak;
    this.#head = (this.#head + 1) % WINDOWS;
    let place = this.#length++;
    while (place > 0 && sorted[place - 1]! > peak) {
      sorted[place] = sorted[place - 1]!;
      place--;
    }
    sorted[place] = peak;
    this.#measure();
  }

  #drop(): void {
    const sorted = this.#sorted;
    const oldest = this.#byAge[this.#head]!;
    let lo = 0;
    let hi = this.#length;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if (sorted[mid]! < oldest) lo = mid + 1;
      else hi = mid;
    }
    sorted.copyWithin(lo, lo + 1, this.#length);
    this.#length--;
  }

  /** The n/2 values nearest to the median lie together in the sorted array: their farthest is the MAD. */
  #measure(): void {
    const sorted = this.#sorted;
    const n = this.#length;
    const middle = n >>> 1;
    const median = sorted[middle]!;
    let left = middle;
    let right = middle;
    let mad = 0;
    for (let k = 0; k < middle; k++) {
      const below = left > 0 ? median - sorted[left - 1]! : Number.POSITIVE_INFINITY;
      const above = right < n - 1 ? sorted[right + 1]! - median : Number.POSITIVE_INFINITY;
      if (below < above) {
        mad = below;
        left--;
      } else {
        mad = above;
        right++;
      }
    }
    this.level[0] = median;
    this.level[1] = mad;
  }
}
