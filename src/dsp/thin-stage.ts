import type { Stage } from "./filter.ts";
import type { StatBlock } from "./stat-block.ts";

/** Decides sample by sample; `passes` is called once for each, in order. */
export interface Thinning {
  passes(block: StatBlock, i: number): boolean;
  reset(): void;
}

/** Lets some samples through and drops the others, with whatever statistics each carries. */
export class ThinStage implements Stage {
  readonly #thinning: Thinning;
  /** The instants of a block belong to its source. */
  readonly #t: Float64Array;

  constructor(capacity: number, thinning: Thinning) {
    this.#thinning = thinning;
    this.#t = new Float64Array(capacity);
  }

  process(block: StatBlock): StatBlock {
    const n = block.n;
    let kept = 0;
    for (let i = 0; i < n; i++) {
      if (this.#thinning.passes(block, i)) moveSample(block, i, this.#t, kept++);
    }
    block.n = kept;
    block.t = this.#t;
    return block;
  }

  reset(): void {
    this.#thinning.reset();
  }
}

/** Moves a sample towards the front of its block; its instant goes to an array of the stage's own. */
function moveSample(block: StatBlock, from: number, t: Float64Array, to: number): void {
  t[to] = block.t[from]!;
  block.x[to] = block.x[from]!;
  block.q[to] = block.q[from]!;
  if (!block.stats) return;
  block.lo[to] = block.lo[from]!;
  block.hi[to] = block.hi[from]!;
  block.mean[to] = block.mean[from]!;
  block.ms[to] = block.ms[from]!;
  block.used[to] = block.used[from]!;
  block.of[to] = block.of[from]!;
}
