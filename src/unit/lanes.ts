import { MOST_RECORDS, type Numbered } from "../codec/compact-message.ts";
import { LANES, type Lane } from "../model/record.ts";
import type { StoredRecord } from "../spool/lane-log.ts";
import type { LaneMessage, LaneSource } from "../uplink/lane-source.ts";

/** What the lanes ask of the spool. */
export interface LaneSpool {
  readonly spoolId: string;
  spools(): string[];
  first(lane: Lane, spoolId?: string): number;
  read(lane: Lane, fromSeq: number, maxRecords: number, maxBytes: number, spoolId?: string): Promise<StoredRecord[]>;
}

/** A message handed to the session and not acknowledged: its place on the wire and where it lies. */
interface Handed {
  readonly place: number;
  readonly spool: string;
  readonly seq: number;
  readonly to: number;
}

/** A record with its place on the wire. */
interface Piece {
  readonly place: number;
  readonly spool: string;
  readonly record: Numbered;
}

interface LaneState {
  next: number;
  handed: Handed[];
  /** The next number to hand over, by spool id. */
  readonly cursor: Map<string, number>;
  /** To be sent again, before what is new. */
  again: { readonly spool: string; readonly seq: number }[];
  /** One read at a time: a connection may be lost while one is on its way. */
  turn: Promise<unknown>;
}

/** The lanes as the session reads them, and what the unit tells them. */
export interface Lanes extends LaneSource {
  /** Records became durable. */
  appended(lane: Lane): void;
  /** A record that must not be sent as it is: the message that takes its place. */
  poisoned(lane: Lane, place: number): Uint8Array | undefined;
  /** Records of a spool before `seq` were sent, or are safe: reading goes on there. Never goes back. */
  skipTo(lane: Lane, spoolId: string, seq: number): void;
  /** What of a spool has come to its end is not sent again, though the session had not heard that the broker has it. */
  settled(lane: Lane, spoolId: string, isSafe: (seq: number, to: number) => boolean): void;
  /** Sends these records of a spool once more. */
  sendAgain(lane: Lane, spoolId: string, seqs: readonly number[]): void;
  /** From now on records are read; before, nothing is. */
  open(): void;
}

/**
 * The spool as the session sees it. A folder may hold records of several spool ids (a lost journal, a disk that failed and
 * came back), each numbered from 1: the session gets places of its own, and every message tells `seq` and `spool`.
 */
export function createLanes(options: {
  readonly spool: LaneSpool;
  /** Records of one spool id, as they lie in it, as one message. */
  readonly message: (records: readonly Numbered[], spoolId: string) => Uint8Array;
  /** Stored bytes up to which consecutive records of the log go into one message; 0: each goes alone. */
  readonly joinBytes: number;
  /** The record of a hole, under its first number. */
  readonly gapBody: (from: number, to: number, reason: string) => object;
  /** The broker has these records of a spool, all up to the number. */
  readonly sent: (lane: Lane, upToSeq: number, spoolId: string) => void;
  /** Nothing is read before `open`. */
  readonly closed?: boolean;
}): Lanes {
  const { spool } = options;
  const lanes = new Map<Lane, LaneState>();
  const listeners = new Set<(lane: Lane) => void>();
  let isOpen = options.closed !== true;

  const stateOf = (lane: Lane): LaneState => {
    const known = lanes.get(lane);
    if (known !== undefined) return known;
    const state: LaneState = { next: 1, handed: [], cursor: new Map(), again: [], turn: Promise.resolve() };
    lanes.set(lane, state);
    return state;
  };

  /** A record, or the hole in its place, as it lies in the spool. */
  function numbered(record: StoredRecord): Numbered {
    if (!("gap" in record)) return record;
    const { from, to, reason } = record.gap;
    return gapRecord(from, to, reason);
  }

  function gapRecord(from: number, to: number, reason: string): Numbered {
    return { seq: from, body: Buffer.from(JSON.stringify(options.gapBody(from, to, reason))) };
  }

  /** Gives a record, or the hole that ends at `to`, its place. */
  function place(state: LaneState, record: Numbered, to: number, spoolId: string): Piece {
    const at = state.next++;
    state.handed.push({ place: at, spool: spoolId, seq: record.seq, to });
    return { place: at, spool: spoolId, record };
  }

  function handOver(state: LaneState, record: StoredRecord, spoolId: string): Piece {
    return place(state, numbered(record), "gap" in record ? record.gap.to : record.seq, spoolId);
  }

  /** Records as messages: of the log as many in one as go into it, or each alone. */
  function packed(pieces: readonly Piece[], lane: Lane): LaneMessage[] {
    const most = lane === "log" ? options.joinBytes : 0;
    const runs: Piece[][] = [];
    let bytes = 0;
    for (const piece of pieces) {
      const run = runs.at(-1);
      bytes += piece.record.body.length;
      if (run !== undefined && run[0]!.spool === piece.spool && run.length < MOST_RECORDS && bytes <= most) {
        run.push(piece);
        continue;
      }
      runs.push([piece]);
      bytes = piece.record.body.length;
    }
    return runs.map((run) => {
      const [first, last] = [run[0]!, run.at(-1)!];
      const records = run.map((piece) => piece.record);
      const upTo = run.length > 1 ? { upTo: last.place } : {};
      return { seq: first.place, ...upTo, body: options.message(records, first.spool) };
    });
  }

  /**
   * What was asked for again. What is no longer kept, because it was acknowledged and freed long ago, is answered with the
   * hole that it leaves: without an answer it would be asked for for ever, and nothing above it ever confirmed.
   */
  async function asked(lane: Lane, state: LaneState, maxRecords: number, maxBytes: number): Promise<Piece[]> {
    const out: Piece[] = [];
    let bytes = 0;
    while (state.again.length > 0 && out.length < maxRecords && bytes < maxBytes) {
      const { spool: id, seq } = state.again[0]!;
      const first = spool.first(lane, id);
      if (seq < first) {
        out.push(place(state, gapRecord(seq, first - 1, "freed"), first - 1, id));
        state.again = state.again.filter((a) => a.spool !== id || a.seq >= first);
        continue;
      }
      const [record] = await spool.read(lane, seq, 1, 1, id);
      state.again.shift();
      if (record === undefined || record.seq !== seq) continue;
      const piece = handOver(state, record, id);
      out.push(piece);
      bytes += piece.record.body.length;
      // One gap record stands for all its numbers.
      if ("gap" in record) state.again = state.again.filter((a) => a.spool !== id || a.seq > record.gap.to);
    }
    return out;
  }

  /** Again what was handed over before, after a connection was lost: each alone, for one may be why. */
  async function again(lane: Lane, state: LaneState, fromPlace: number, maxRecords: number, maxBytes: number) {
    const out: LaneMessage[] = [];
    let bytes = 0;
    for (const h of [...state.handed]) {
      if (h.place < fromPlace || out.length >= maxRecords || bytes >= maxBytes) continue;
      const [record] = await spool.read(lane, h.seq, 1, 1, h.spool);
      // Dropped meanwhile under disk pressure: the hole stands in its place.
      if (!state.handed.includes(h)) continue; // settled meanwhile
      const same = record !== undefined && record.seq === h.seq;
      const stands = same ? numbered(record) : gapRecord(h.seq, h.to, "disk-full");
      const body = options.message([stands], h.spool);
      out.push({ seq: h.place, body });
      bytes += body.length;
    }
    return out;
  }

  async function readNow(lane: Lane, state: LaneState, fromPlace: number, maxRecords: number, maxBytes: number) {
    if (state.handed.some((h) => h.place >= fromPlace)) return again(lane, state, fromPlace, maxRecords, maxBytes);
    const once = state.again.length === 0 ? [] : await asked(lane, state, maxRecords, maxBytes);
    if (once.length > 0) return packed(once, lane);
    for (const id of spool.spools()) {
      const from = Math.max(state.cursor.get(id) ?? 1, spool.first(lane, id));
      const records = await spool.read(lane, from, maxRecords, maxBytes, id);
      if (records.length === 0) continue;
      const pieces = records.map((record) => {
        const to = "gap" in record ? record.gap.to : record.seq;
        state.cursor.set(id, Math.max(to + 1, state.cursor.get(id) ?? 1));
        return handOver(state, record, id);
      });
      return packed(pieces, lane);
    }
    return [];
  }

  return {
    read(lane, fromPlace, maxRecords, maxBytes) {
      if (!isOpen) return Promise.resolve([]);
      const state = stateOf(lane);
      const next = state.turn.then(() => readNow(lane, state, fromPlace, maxRecords, maxBytes));
      state.turn = next.catch(() => undefined);
      return next;
    },
    free(lane, upToPlace) {
      const state = stateOf(lane);
      const ends = new Map<string, number>();
      for (const h of state.handed) if (h.place <= upToPlace) ends.set(h.spool, Math.max(h.to, ends.get(h.spool) ?? 0));
      state.handed = state.handed.filter((h) => h.place > upToPlace);
      for (const [id, to] of ends) options.sent(lane, to, id);
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
      return h && options.message([gapRecord(h.seq, h.to, "poison")], h.spool);
    },
    skipTo(lane, spoolId, seq) {
      const { cursor } = stateOf(lane);
      cursor.set(spoolId, Math.max(seq, cursor.get(spoolId) ?? 1));
    },
    settled(lane, spoolId, isSafe) {
      const state = stateOf(lane);
      state.handed = state.handed.filter((h) => h.spool !== spoolId || !isSafe(h.seq, h.to));
      state.again = state.again.filter((a) => a.spool !== spoolId || !isSafe(a.seq, a.seq));
    },
    sendAgain(lane, spoolId, seqs) {
      const { again } = stateOf(lane);
      const isWaiting = (seq: number) => again.some((a) => a.spool === spoolId && a.seq === seq);
      for (const seq of seqs) if (!isWaiting(seq)) again.push({ spool: spoolId, seq });
      if (again.length > 0) for (const callback of listeners) callback(lane);
    },
    open() {
      if (isOpen) return;
      isOpen = true;
      for (const lane of LANES) for (const callback of listeners) callback(lane);
    },
  };
}
