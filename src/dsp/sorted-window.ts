/** The newest values of a channel, by age and by rank at once; NaN takes its place in time but has no rank. */
export class SortedWindow {
  readonly #byAge: Float64Array;
  readonly #byRank: Float64Array;
  readonly #distances: Float64Array;
  #head = 0;
  #length = 0;
  #ranked = 0;

  constructor(capacity: number) {
    this.#byAge = new Float64Array(capacity);
    this.#byRank = new Float64Array(capacity);
    this.#distances = new Float64Array(capacity);
  }

  /** How many values have a rank. */
  get ranked(): number {
    return this.#ranked;
  }

  /** How many values are held, NaN included. */
  get length(): number {
    return this.#length;
  }

  /**
   * Appends `from[i]`; the oldest goes when the window is full. Here as elsewhere in the loop a number is handed over by its
   * place in an array: passed by value between functions it may be put on the heap.
   */
  push(from: Float64Array, i: number): void {
    const capacity = this.#byAge.length;
    if (this.#length === capacity) this.dropOldest();
    const v = from[i]!;
    const ranks = this.#byRank;
    this.#byAge[(this.#head + this.#length) % capacity] = v;
    this.#length++;
    if (!(v * 0 === 0)) return;
    let rank = this.#ranked++;
    while (rank > 0 && ranks[rank - 1]! > v) {
      ranks[rank] = ranks[rank - 1]!;
      rank--;
    }
    ranks[rank] = v;
  }

  /** Appends a place without a rank. */
  skip(): void {
    const capacity = this.#byAge.length;
    if (this.#length === capacity) this.dropOldest();
    this.#byAge[(this.#head + this.#length) % capacity] = Number.NaN;
    this.#length++;
  }

  dropOldest(): void {
    if (this.#length === 0) return;
    const v = this.#byAge[this.#head]!;
    this.#head = (this.#head + 1) % this.#byAge.length;
    this.#length--;
    if (!(v * 0 === 0)) return;
    const ranks = this.#byRank;
    this.#ranked--;
    let rank = 0;
    while (ranks[rank] !== v) rank++;
    for (; rank < this.#ranked; rank++) ranks[rank] = ranks[rank + 1]!;
  }

  /** Writes the value of a rank, 0 for the smallest. The rank must be below `ranked`. */
  at(rank: number, into: Float64Array, i: number): void {
    into[i] = this.#byRank[rank]!;
  }

  /** Writes the middle value, or the mean of the middle two. There must be one with a rank. */
  median(into: Float64Array, i: number): void {
    const n = this.#ranked;
    const upper = this.#byRank[n >>> 1]!;
    into[i] = (n & 1) === 1 ? upper : (this.#byRank[(n >>> 1) - 1]! + upper) / 2;
  }

  /** Writes the mean of all values with a rank. There must be one. */
  mean(into: Float64Array, i: number): void {
    const ranks = this.#byRank;
    let sum = 0;
    for (let k = 0; k < this.#ranked; k++) sum += ranks[k]!;
    into[i] = sum / this.#ranked;
  }

  /** Writes the median of the distances from the median, outwards from the middle. There must be a value with a rank. */
  deviation(into: Float64Array, i: number): void {
    const ranks = this.#byRank;
    const n = this.#ranked;
    const middle = (n & 1) === 1 ? ranks[n >>> 1]! : (ranks[(n >>> 1) - 1]! + ranks[n >>> 1]!) / 2;
    let below = (n >>> 1) - 1 + (n & 1);
    let above = below + 1;
    const distances = this.#distances;
    // The distances are met smallest first; the median is the one in the middle, or the mean of two.
    for (let k = 0; k <= n >>> 1; k++) {
      if (above >= n || (below >= 0 && middle - ranks[below]! <= ranks[above]! - middle)) {
        distances[k] = middle - ranks[below--]!;
      } else {
        distances[k] = ranks[above++]! - middle;
      }
    }
    const upper = distances[n >>> 1]!;
    into[i] = (n & 1) === 1 ? upper : (distances[(n >>> 1) - 1]! + upper) / 2;
  }

  reset(): void {
    this.#head = 0;
    this.#length = 0;
    this.#ranked = 0;
  }
}
