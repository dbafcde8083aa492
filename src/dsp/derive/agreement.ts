import type { Block } from "../../model/block.ts";
import { QUALITY, UNUSABLE } from "../../model/quality.ts";
import { type Aligned, type Derivation, dropMissing, takeTimes } from "./derivation.ts";

const NO_WITNESS = UNUSABLE | QUALITY.stale;

/** Marks the first input where the others speak against it. */
export class Agreement implements Derivation {
  readonly #within: number;
  readonly #sorted: Float64Array;

  constructor(within: number, inputs: number) {
    this.#within = within;
    this.#sorted = new Float64Array(inputs);
  }

  process(from: Aligned, into: Block): void {
    takeTimes(from, into);
    const own = from.x[0]!;
    for (let i = 0; i < from.n; i++) {
      into.x[i] = own[i]!;
      into.q[i] = from.q[0]![i]!;
      if ((into.q[i]! & QUALITY.missing) === 0 && this.#apart(from, i))
        into.q[i]! |= QUALITY.suspect | QUALITY.disagrees;
    }
    dropMissing(into);
  }

  reset(): void {}

  #apart(from: Aligned, i: number): boolean {
    const sorted = this.#sorted;
    const own = from.x[0]![i]!;
    let n = 0;
    for (let k = 0; k < from.x.length; k++) {
      if (k > 0 && (from.q[k]![i]! & NO_WITNESS) !== 0) continue;
      const v = from.x[k]![i]!;
      let place = n++;
      for (; place > 0 && sorted[place - 1]! > v; place--) sorted[place] = sorted[place - 1]!;
      sorted[place] = v;
    }
    if (n < 2) return false;
    if (n === 2) return sorted[1]! - sorted[0]! > this.#within;
    const median = (sorted[(n - 1) >>> 1]! + sorted[n >>> 1]!) / 2;
    return Math.abs(own - median) > this.#within;
  }
}
