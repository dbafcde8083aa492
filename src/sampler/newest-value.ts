import type { Block } from "../model/block.ts";
import { QUALITY, UNUSABLE } from "../model/quality.ts";
import type { Pipeline } from "./pipeline.ts";

const NO_USE = UNUSABLE | QUALITY.stale;

/** Keeps the newest usable value of a channel: undefined before the first. */
export function newestOf(pipeline: Pipeline | undefined, changed: () => void): () => number | undefined {
  let newest: number | undefined;
  pipeline?.onFiltered((block: Block) => {
    for (let i = 0; i < block.n; i++) {
      const x = block.x[i]!;
      if ((block.q[i]! & NO_USE) !== 0 || !Number.isFinite(x) || x === newest) continue;
      newest = x;
      changed();
    }
  });
  return () => newest;
}
