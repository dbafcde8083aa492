import type { Lane } from "../model/record.ts";
import type { StoredRecord } from "../spool/lane-log.ts";
import type { LaneMessage, LaneSource } from "../uplink/lane-source.ts";

/** What the lanes ask of the spool. */
export interface LaneSpool {
  readonly spoolId: string;
  spools(): string[];
  first(lane: Lane, spoolId?: string): number;
  read(lane: Lane, fromSeq: number, maxRecords: number, maxBytes: number, spoolId?: string): Promise<StoredRecord[]>;
  free(lane: Lane, upToSeq: number, spoolId?: string): void;
}

/** A message handed to the session and not freed: its place on the wire and where it lies. */
interface Handed {
  readonly place: number;
  readonly spool: string;
  readonly seq: number;
  readonly to: number;
}

interface LaneState {
  next: number;
  handed: Handed[];
  /** The next number to hand over, by spool id. */
  readonly cursor: Map<string, number>;
}

/**
 * The spool as the session sees it. A folder may hold records of several spool ids (a lost journal, a disk that failed and
 * came back), each numbered from 1: the session gets places of its own, and every message tells `seq` and `spool`.
 */
export function createLanes(options: {
  readonly spool: LaneSpool;
  /** The message for a hole, under its first number. */
  readonly gapBody: (from: number, to: number, reason: string) => object;
}): LaneSource & {
  /** Records became durable. */
  appended(lane: Lane): void;
  /** A record that must not be sent as it is: the message that takes its place. */
  poisoned(lane: Lane, place: number): Uint8Array | undefined;
} {
  const { spool } = options;
  const lanes = new Map<Lane, LaneState>();
  const listeners = new Set<(lane: Lane) => void>();

  const stateOf = (lane: Lane): LaneState => {
    const known = lanes.get(lane);
    if (known !== undefined) return known;
    const state: LaneState = { next: 1, handed: [], cursor: new Map() };
    lanes.set(lane, state);
    return state;
  };

  /** Ends a stored body with its identity. Bodies are JSON objects without it. */
  function sealed(body: Uint8Array, seq: number, spoolId: string): Uint8Array {
    const end = Buffer.from(`,"seq":${seq},"spool":"${spoolId}"}`);
    const out = Buffer.allocUnsafe(body.length - 1 + end.length);
    out.set(body.subarray(0, body.length - 1));
    out.set(end, body.length - 1);
    return out;
  }

  function gapMessage(from: number, to: number, reason: string, spoolId: string): Uint8Array {
    return sealed(Buffer.from(JSON.stringify(options.gapBody(from, to, reason))), from, spoolId);
  }

  function messageOf(record: StoredRecord, place: number, spoolId: string): LaneMessage {
    if ("gap" in record) {
      const { from, to, reason } = record.gap;
      return { seq: place, body: gapMessage(from, to, reason, spoolId) };
    }
    return { seq: place, body: sealed(record.body, record.seq, spoolId) };
  }

  /** Again what was handed over before, after a connection was lost. */
  async function again(lane: Lane, state: LaneState, fromPlace: number, maxRecords: number, maxBytes: number) {
    const out: LaneMessage[] = [];
    let bytes = 0;
    for (const h of [...state.handed]) {
      if (h.place < fromPlace || out.length >= maxRecords || bytes >= maxBytes) continue;
      const [record] = await spool.read(lane, h.seq, 1, 1, h.spool);
      // Dropped meanwhile under disk pressure: the hole stands in its place.
      const same = record !== undefined && record.seq === h.seq;
      const body = same ? messageOf(record, h.place, h.spool).body : gapMessage(h.seq, h.to, "disk-full", h.spool);
      out.push({ seq: h.place, body });
      bytes += body.length;
    }
    return out;
  }

  return {
    async read(lane, fromPlace, maxRecords, maxBytes) {
      const state = stateOf(lane);
      if (state.handed.some((h) => h.place >= fromPlace)) return again(lane, state, fromPlace, maxRecords, maxBytes);
      for (const id of spool.spools()) {
        const from = Math.max(state.cursor.get(id) ?? 1, spool.first(lane, id));
        const records = await spool.read(lane, from, maxRecords, maxBytes, id);
        if (records.length === 0) continue;
        return records.map((record) => {
          const place = state.next++;
          const to = "gap" in record ? record.gap.to : record.seq;
          state.handed.push({ place, spool: id, seq: record.seq, to });
          state.cursor.set(id, to + 1);
          return messageOf(record, place, id);
        });
      }
      return [];
    },
    free(lane, upToPlace) {
      const state = stateOf(lane);
      const ends = new Map<string, number>();
      for (const h of state.handed) if (h.place <= upToPlace) ends.set(h.spool, h.to);
      state.handed = state.handed.filter((h) => h.place > upToPlace);
      for (const [id, to] of ends) spool.free(lane, to, id);
    },
    onAppended(callback) {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    appended(lane) {
      for (const callback of listeners) callback(lane);
    },
    poisoned(lane, place) {
      const h = stateOf(lane).handed.find((x) => x.place === place);
      return h && gapMessage(h.seq, h.to, "poison", h.spool);
    },
  };
}
