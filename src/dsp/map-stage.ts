import type { Stage } from "./filter.ts";
import { restoreMissing } from "./marked.ts";
import type { StatBlock } from "./stat-block.ts";

/** What stages say that turn every value into another by itself. */
export const MAP_MARKED = "Calculated like any other; the mark stays. A result that is not a number becomes missing.";

/** Each value becomes another by itself: `kernel` works on the first `n` values in place. Ends statistics. */
export class MapStage implements Stage {
  readonly #kernel: (x: Float64Array, n: number) => void;

  constructor(kernel: (x: Float64Array, n: number) => void) {
    this.#kernel = kernel;
  }

  process(block: StatBlock): StatBlock {
    this.#kernel(block.x, block.n);
    block.stats = false;
    restoreMissing(block);
    return block;
  }

  reset(): void {}
}
