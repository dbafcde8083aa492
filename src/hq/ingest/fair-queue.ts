/** What waits for its turn, and how much it weighs. */
export interface Queued {
  readonly unit: string;
  readonly bytes: number;
}

export interface FairQueue<T extends Queued> {
  /** False when it was not taken: the queue is nearly full, and this unit alone fills a good part of it. */
  push(item: T): boolean;
  /** The next items, one of each unit in turn, in each unit's own order. */
  take(maxItems: number, maxBytes: number): T[];
  readonly items: number;
  readonly bytes: number;
}

/**
 * One queue per unit, taken from in turn: a unit that floods waits for itself. Only when three quarters of `maxItems` or
 * `maxBytes` are waiting and a quarter of that is one unit's is more of that unit turned away.
 */
export function createFairQueue<T extends Queued>(limits: { maxItems: number; maxBytes: number }): FairQueue<T> {
  const queues = new Map<string, { list: T[]; from: number; bytes: number }>();
  let items = 0;
  let bytes = 0;

  return {
    push(item) {
      let queue = queues.get(item.unit);
      const nearlyFull = items >= limits.maxItems * 0.75 || bytes >= limits.maxBytes * 0.75;
      if (nearlyFull && queue !== undefined) {
        const own = Math.max((queue.list.length - queue.from) / limits.maxItems, queue.bytes / limits.maxBytes);
        if (own >= 0.25) return false;
      }
      if (queue === undefined) {
        queue = { list: [], from: 0, bytes: 0 };
        queues.set(item.unit, queue);
      }
      queue.list.push(item);
      queue.bytes += item.bytes;
      items++;
      bytes += item.bytes;
      return true;
    },
    take(maxItems, maxBytes) {
      const out: T[] = [];
      let taken = 0;
      while (items > 0 && out.length < maxItems && (taken < maxBytes || out.length === 0)) {
        const [unit, queue] = queues.entries().next().value!;
        const item = queue.list[queue.from++]!;
        queue.bytes -= item.bytes;
        items--;
        bytes -= item.bytes;
        taken += item.bytes;
        out.push(item);
        // To the end of the line, or out of it.
        queues.delete(unit);
        if (queue.from < queue.list.length) {
          if (queue.from > 1024) {
            queue.list.splice(0, queue.from);
            queue.from = 0;
          }
          queues.set(unit, queue);
        }
      }
      return out;
    },
    get items() {
      return items;
    },
    get bytes() {
      return bytes;
    },
  };
}
