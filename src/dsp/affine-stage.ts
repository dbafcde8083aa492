import type { Stage } from "./filter.ts";
import { onPad, pad } from "./pad.ts";
import type { StatBlock } from "./stat-block.ts";

const X = pad.x;

/** `scale · x + offset` in place; carries statistics along exactly. */
export class AffineStage implements Stage {
  readonly scale: number;
  readonly offset: number;

  constructor(scale: number, offset: number) {
    this.scale = scale;
    this.offset = offset;
  }

  process(from: StatBlock): StatBlock {
    const block = onPad(from);
    const n = block.n;
    const scale = this.scale;
    const offset = this.offset;
    let i = 0;
    for (const whole = n - 3; i < whole; i += 4) {
      X[i] = scale * X[i]! + offset;
      X[i + 1] = scale * X[i + 1]! + offset;
      X[i + 2] = scale * X[i + 2]! + offset;
      X[i + 3] = scale * X[i + 3]! + offset;
    }
    for (; i < n; i++) X[i] = scale * X[i]! + offset;
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
