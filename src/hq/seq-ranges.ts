/** A run of consecutive sequence numbers, both ends included. */
export type SeqRange = readonly [from: number, to: number];

export interface SeqRanges {
  has(seq: number): boolean;
  /** Adds `from` to `to`; returns how many of them were new. */
  add(from: number, to?: number): number;
  /** Runs held, in order. */
  readonly runs: readonly SeqRange[];
  /** Smallest and largest number held; undefined while empty. */
  bounds(): SeqRange | undefined;
  /** Holes between the smallest and the largest number, in order, at most `limit` of them. */
  holes(limit: number): SeqRange[];
  /** How many numbers those holes hold, all of them. */
  missing(): number;
}

/**
 * A set of sequence numbers kept as runs, so a lane without losses costs one run whatever its length. Beyond `maxRuns`
 * the two oldest runs become one: the memory stays bounded and the oldest holes are forgotten first.
 */
export function createSeqRanges(maxRuns = 4096): SeqRanges {
  const runs: [number, number][] = [];

  /** Index of the first run that ends at or after `seq`. */
  function find(seq: number): number {
    let low = 0;
    let high = runs.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (runs[mid]![1] < seq) low = mid + 1;
      else high = mid;
    }
    return low;
  }

  return {
    runs,
    has(seq) {
      const run = runs[find(seq)];
      return run !== undefined && run[0] <= seq;
    },
    add(from, to = from) {
      // A run that ends right before `from` is joined, hence from − 1; and so is one that begins right after `to`.
      const first = find(from - 1);
      let last = first;
      let low = from;
      let high = to;
      let known = 0;
      while (last < runs.length && runs[last]![0] <= to + 1) {
        const [a, b] = runs[last]!;
        known += Math.max(0, Math.min(b, to) - Math.max(a, from) + 1);
        low = Math.min(low, a);
        high = Math.max(high, b);
        last++;
      }
      runs.splice(first, last - first, [low, high]);
      if (runs.length > maxRuns) runs.splice(0, 2, [runs[0]![0], runs[1]![1]]);
      return to - from + 1 - known;
    },
    bounds() {
      return runs.length === 0 ? undefined : [runs[0]![0], runs.at(-1)![1]];
    },
    holes(limit) {
      const out: SeqRange[] = [];
      for (let i = 1; i < runs.length && out.length < limit; i++) out.push([runs[i - 1]![1] + 1, runs[i]![0] - 1]);
      return out;
    },
    missing() {
      let sum = 0;
      for (let i = 1; i < runs.length; i++) sum += runs[i]![0] - runs[i - 1]![1] - 1;
      return sum;
    },
  };
}
