import { LANES, type Lane } from "../../src/model/record.ts";
import type { LaneMessage, LaneSource } from "../../src/uplink/lane-source.ts";

/** Lanes in memory: what the spool does, without a disk. */
export interface MemoryLanes extends LaneSource {
  append(lane: Lane, count: number, body?: (seq: number) => string | Uint8Array): void;
  unsent(lane: Lane): number;
  /** Every number that `free` was called with, in order. */
  readonly freed: Record<Lane, number[]>;
  /** Reads fail while this is set. */
  broken: Error | undefined;
  reads: number;
}

/** The body the tests use unless they say otherwise: JSON with the lane and the number. */
export function bodyOf(lane: Lane, seq: number): string {
  return `{"v":1,"lane":"${lane}","seq":${seq}}`;
}

export function seqOf(body: Uint8Array | string): number {
  return (JSON.parse(typeof body === "string" ? body : Buffer.from(body).toString()) as { seq: number }).seq;
}

export function memoryLanes(): MemoryLanes {
  const lanes: Record<Lane, LaneMessage[]> = { event: [], log: [], bulk: [] };
  const last: Record<Lane, number> = { event: 0, log: 0, bulk: 0 };
  const freed: Record<Lane, number[]> = { event: [], log: [], bulk: [] };
  const listeners = new Set<(lane: Lane) => void>();
  const self: MemoryLanes = {
    freed,
    broken: undefined,
    reads: 0,
    append(lane, count, body = (seq) => bodyOf(lane, seq)) {
      for (let i = 0; i < count; i++) {
        const seq = ++last[lane];
        lanes[lane].push({ seq, body: Buffer.from(body(seq)) });
      }
      for (const listener of listeners) listener(lane);
    },
    unsent: (lane) => lanes[lane].length,
    async read(lane, fromSeq, maxRecords, maxBytes) {
      self.reads += 1;
      if (self.broken !== undefined) throw self.broken;
      const from = lanes[lane].findIndex((m) => m.seq >= fromSeq);
      if (from < 0) return [];
      const out: LaneMessage[] = [];
      let bytes = 0;
      for (const message of lanes[lane].slice(from, from + maxRecords)) {
        bytes += message.body.length;
        if (out.length > 0 && bytes > maxBytes) break;
        out.push(message);
      }
      return out;
    },
    free(lane, upToSeq) {
      freed[lane].push(upToSeq);
      while (lanes[lane].length > 0 && lanes[lane][0]!.seq <= upToSeq) lanes[lane].shift();
    },
    onAppended(callback) {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
  };
  for (const lane of LANES) freed[lane] = [];
  return self;
}
