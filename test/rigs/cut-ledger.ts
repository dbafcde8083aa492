import { bodyOf } from "./marked-bodies.ts";

/** In place of a lane: rows that were staged, and an id that must not come back. */
export const ROWS = 3;
const VOID = -1;

/** How much of a ledger stood at an instant. */
export interface Point {
  readonly lastId: number;
  readonly acked: number;
  readonly stagedAcked: number;
  readonly freed: readonly number[];
}

/** The stricter of two points at which the same state was found: all promises of both, and only what was known at both. */
export function stricter(a: Point, b: Point): Point {
  return {
    lastId: Math.min(a.lastId, b.lastId),
    acked: Math.max(a.acked, b.acked),
    stagedAcked: Math.max(a.stagedAcked, b.stagedAcked),
    freed: a.freed.map((upTo, lane) => Math.min(upTo, b.freed[lane]!)),
  };
}

/**
 * What a spool was handed, and what it has promised. Ids count from 1 and are never used twice, so a list indexed by id is
 * a map, and the length of a list that only grows is a snapshot of it.
 */
export class Ledger {
  lastId = 0;
  /** By id: what was handed over, its lane (or `ROWS`, or nothing that may be found), the record that replaced the rows. */
  readonly #bodies: Buffer[] = [];
  readonly #kinds: number[] = [];
  readonly #replacedBy: number[] = [];
  /** Ids in the order of acknowledgement; by id the record's number and its place in that order. */
  readonly #acked: number[] = [];
  readonly #seqs: number[] = [];
  readonly #ackedAt: number[] = [];
  readonly #stagedAcked: number[] = [];
  readonly freed = [0, 0, 0];

  get point(): Point {
    return {
      lastId: this.lastId,
      acked: this.#acked.length,
      stagedAcked: this.#stagedAcked.length,
      freed: [...this.freed],
    };
  }

  /** A new body of `bytes` for a lane, or `ROWS`. */
  issue(kind: number, bytes: number, replaces: readonly number[] = []): { id: number; body: Buffer } {
    const id = ++this.lastId;
    const body = bodyOf(id, bytes);
    this.#bodies[id] = body;
    this.#kinds[id] = kind;
    this.#replacedBy[id] = 0;
    this.#ackedAt[id] = Number.POSITIVE_INFINITY;
    for (const rows of replaces) this.#replacedBy[rows] = id;
    return { id, body };
  }

  acknowledge(id: number, seq: number): void {
    this.#ackedAt[id] = this.#acked.push(id) - 1;
    this.#seqs[id] = seq;
  }

  acknowledgeRows(id: number): void {
    this.#ackedAt[id] = this.#stagedAcked.push(id) - 1;
  }

  /** The newest acknowledged number of a lane, 0 when there is none. */
  newest(lane: number): number {
    const id = this.#acked.findLast((id) => this.#kinds[id] === lane);
    return id === undefined ? 0 : this.#seqs[id]!;
  }

  /** The id of a body that is, bit by bit, one that was handed over; 0 for any other. */
  idOf(body: Uint8Array): number {
    if (body.length < 12) return 0;
    const id = body[0]! + body[1]! * 0x100 + body[2]! * 0x10000;
    return this.#bodies[id]?.equals(body) ? id : 0;
  }

  /** The lane, or `ROWS`, of what was handed over up to a point; anything else for what cannot be there. */
  kindOf(id: number, point: Point): number {
    return id <= point.lastId ? this.#kinds[id]! : VOID;
  }

  /** The record that took the place of rows, 0 when there is none up to a point. */
  replacementOf(rows: number, point: Point): number {
    const id = this.#replacedBy[rows]!;
    return id <= point.lastId && this.#kinds[id] !== VOID ? id : 0;
  }

  isAcked(id: number, point: Point): boolean {
    return this.#ackedAt[id]! < (this.#kinds[id] === ROWS ? point.stagedAcked : point.acked);
  }

  /** Calls `each` with all records that were acknowledged at a point. */
  eachAcked(point: Point, each: (id: number, lane: number, seq: number) => void): void {
    for (let i = 0; i < point.acked; i++) {
      const id = this.#acked[i]!;
      each(id, this.#kinds[id]!, this.#seqs[id]!);
    }
  }

  /** Rows that were acknowledged at a point. */
  stagedAcked(point: Point): readonly number[] {
    return this.#stagedAcked.slice(0, point.stagedAcked);
  }

  /**
   * Goes back to a point, from which a new life begins with what `there` tells was recovered or appended since. Everything
   * else that was never acknowledged must not come back.
   */
  resume(point: Point, there: { records: ReadonlyMap<number, number>; rows: readonly number[] }): void {
    for (const id of this.#acked.splice(point.acked)) this.#ackedAt[id] = Number.POSITIVE_INFINITY;
    for (const id of this.#stagedAcked.splice(point.stagedAcked)) this.#ackedAt[id] = Number.POSITIVE_INFINITY;
    for (const [id, seq] of there.records) if (!this.#known(id)) this.acknowledge(id, seq);
    for (const id of there.rows) if (!this.#known(id)) this.acknowledgeRows(id);
    for (let id = 1; id <= this.lastId; id++) if (!this.#known(id)) this.#kinds[id] = VOID;
    this.freed.splice(0, 3, ...point.freed);
  }

  #known(id: number): boolean {
    return this.#ackedAt[id] !== Number.POSITIVE_INFINITY;
  }
}
