import { UNUSABLE } from "../model/quality.ts";
import type { Pipeline } from "../sampler/pipeline.ts";

/** What a replay made of one channel: samples that went into its filters, and what came out of them. */
export interface ChannelFigures {
  readonly name: string;
  readonly came: number;
  readonly left: number;
  /** Of those that left: with a value that counts. */
  readonly usable: number;
  /** Over the usable ones; NaN where there is none. */
  readonly mean: number;
  readonly least: number;
  readonly greatest: number;
}

/** Follows a pipeline; the function returned gives its figures so far. */
export function watchFigures(pipeline: Pipeline): () => ChannelFigures {
  let [came, left, usable, sum] = [0, 0, 0, 0];
  let [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  pipeline.onRaw((block) => {
    came += block.n;
  });
  pipeline.onFiltered(({ n, x, q }) => {
    left += n;
    for (let i = 0; i < n; i++) {
      if ((q[i]! & UNUSABLE) !== 0 || !Number.isFinite(x[i]!)) continue;
      usable++;
      sum += x[i]!;
      least = Math.min(least, x[i]!);
      greatest = Math.max(greatest, x[i]!);
    }
  });
  return () => {
    const has = usable > 0;
    const range = has
      ? { mean: sum / usable, least, greatest }
      : { mean: Number.NaN, least: Number.NaN, greatest: Number.NaN };
    return { name: pipeline.name, came, left, usable, ...range };
  };
}
