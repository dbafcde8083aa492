import type { Stage } from "./filter.ts";
import type { StatBlock } from "./stat-block.ts";

/** `scale · x + offset` in place; carries statistics along exactly. */
export class AffineStage implements Stage {
  readonly scale: number;
  readonly offset: number;

  constructor(scale: number, offset: number) {
    this.scale = scale;
    this.offset = offset;
  }

  process(block: StatBlock): StatBlock {
    const { x, n } = block;
    const scale = this.scale;
    const offset = this.offset;
    let i = 0;
    for (const whole = n - 3; i < whole; i += 4) {
      x[i] = scale * x[i]! + offset;
      x[i + 1] = scale * x[i + 1]! + offset;
      x[i + 2] = scale * x[i + 2]! + offset;
      x[i + 3] = scale * x[i + 3]! + offset;
    }
    for (; i < n; i++) x[i] = scale * x[i]! + offset;
    if (block.stats) this.#statistics(block);
    return block;
  }

  reset(): void {}

  #statistics(block: StatBlock): void {
    const { lo, hi, mean, ms, n } = block;
    const scale = this.scale;
    const offset = this.offset;
    for (let i = 0; i < n; i++) {
      const a = scale * lo[i]! + offset;
      const b = scale * hi[i]! + offset;
      lo[i] = scale < 0 ? b : a;
      hi[i] = scale < 0 ? a : b;
      ms[i] = scale * scale * ms[i]! + 2 * scale * offset * mean[i]! + offset * offset;
      mean[i] = scale * mean[i]! + offset;
    }
  }
}
