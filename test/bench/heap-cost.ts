import { PerformanceObserver } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";

let collections = 0;
let collectedMs = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    collections++;
    collectedMs += entry.duration;
  }
}).observe({ entryTypes: ["gc"] });

const used = () => getHeapStatistics().used_heap_size;
/** Observers are told of a collection some time after it. */
const settled = () => new Promise((done) => setTimeout(done, 100));

/** What a steady state allocates, and the collections it caused. */
export interface HeapCost {
  readonly bytesPerM: number;
  readonly gcPerM: number;
  readonly gcMs: number;
}

/**
 * Bytes allocated a million samples: the growth of the heap in the median of passes in which nothing was collected. What
 * `run` allocates it allocates in every pass; what the compiler and the runner put on the heap, whenever they come to run,
 * is in few, and would be in a mean. Needs `--expose-gc`.
 */
export async function heapCost(run: () => void, samples: number, passes: number): Promise<HeapCost> {
  globalThis.gc?.();
  await settled();
  collections = 0;
  collectedMs = 0;
  // What asking allocates itself.
  const asked = median(Array.from({ length: 21 }, () => -(used() - used())));
  const grown: number[] = [];
  for (let i = 0; i < passes; i++) {
    const before = used();
    run();
    const bytes = used() - before;
    if (bytes >= 0) grown.push(Math.max(0, bytes - asked));
  }
  await settled();
  return {
    bytesPerM: grown.length === 0 ? Number.NaN : (median(grown) / samples) * 1e6,
    gcPerM: collections / ((passes * samples) / 1e6),
    gcMs: collectedMs,
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >>> 1]!;
}
