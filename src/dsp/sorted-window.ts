/** The newest values of a channel, by age and by rank at once; NaN takes its place in time but has no rank. */
export class SortedWindow {
  readonly #byAge: Float64Array;
  readonly #byRank: Float64Array;
  #head = 0;
  #length = 0;
  #ranked = 0;

  constructor(capacity: number) {
    this.#byAge = new Float64Array(capacity);
    this.#byRank = new Float64Array(capacity);
  }

  /** How many values have a rank. */
  get ranked(): number {
    return this.#ranked;
  }

  /** How many values are held, NaN included. */
  get length(): number {
    return this.#length;
  }

  /** Appends a value; the oldest goes when the window is full. */
  push(v: number): void {
    const capacity = this.#byAge.length;
    if (this.#length === capacity) this.dropOldest();
    this.#byAge[(this.#head + this.#length) % capacity] = v;
    this.#length++;
    if (!(v * 0 === 0)) return;
    const rank = this.#rankOf(v);
    for (let i = this.#ranked; i > rank; i--) this.#byRank[i] = this.#byRank[i - 1]!;
    this.#byRank[rank] = v;
    this.#ranked++;
  }

  dropOldest(): void {
    if (this.#length === 0) return;
    const v = this.#byAge[this.#head]!;
    this.#head = (this.#head + 1) % this.#byAge.length;
    this.#length--;
    if (!(v * 0 === 0)) return;
    this.#ranked--;
    for (let i = this.#rankOf(v); i < this.#ranked; i++) this.#byRank[i] = this.#byRank[i + 1]!;
  }

  /** The value of a rank, 0 for the smallest; NaN outside. */
  at(rank: number): number {
    return rank >= 0 && rank < this.#ranked ? this.#byRank[rank]! : Number.NaN;
  }

  /** The middle value, or the mean of the middle two; NaN when none has a rank. */
  median(): number {
    const n = this.#ranked;
    if (n === 0) return Number.NaN;
    const upper = this.#byRank[n >>> 1]!;
    return (n & 1) === 1 ? upper : (this.#byRank[(n >>> 1) - 1]! + upper) / 2;
  }

  reset(): void {
    this.#head = 0;
    this.#length = 0;
    this.#ranked = 0;
  }

  /** Rank of the first value not below `v`. */
  #rankOf(v: number): number {
    let lo = 0;
    let hi = this.#ranked;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if (this.#byRank[mid]! < v) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  }
}
