import type { Block } from "../../model/block.ts";
import { QUALITY, UNUSABLE } from "../../model/quality.ts";
import type { Aligned } from "./derivation.ts";

/** How one input of a join behaves. */
export interface JoinInput {
  /** A value older than this (ms) is stale, and ten times as old there is none. */
  readonly maxAgeMs: number;
  /** Whether it comes only on change: its last value holds, and nothing lies between two of them. */
  readonly holds: boolean;
}

/** Samples of each input that wait for the others. */
const QUEUE = 2048;
/** Aligned samples handed on at once. */
const BATCH = 256;
/** How long (ms of the leading input) another input is waited for. */
const WAIT_MS = 100;
const GONE = 10;

class Queue {
  readonly t = new Float64Array(QUEUE);
  readonly x = new Float64Array(QUEUE);
  readonly q = new Uint16Array(QUEUE);
  /** Newest instant that came. */
  readonly seenMs = new Float64Array(1).fill(Number.NEGATIVE_INFINITY);
  head = 0;
  length = 0;

  slot(i: number): number {
    const at = this.head + i;
    return at >= QUEUE ? at - QUEUE : at;
  }

  /** Appends, the oldest falling out when it is full; returns whether one fell out. */
  push(block: Block, i: number): boolean {
    const full = this.length === QUEUE;
    if (full) this.drop();
    const at = this.slot(this.length++);
    this.t[at] = block.t[i]!;
    this.x[at] = block.x[i]!;
    this.q[at] = block.q[i]!;
    this.seenMs[0] = block.t[i]!;
    return full;
  }

  drop(): void {
    this.head = this.slot(1);
    this.length--;
  }
}

/**
 * Brings channels of different rates together in event time: for each sample of the first input, what the others were at
 * that instant, along a straight line between their samples before and after, or the sample before where nothing came after
 * within 100 ms. How blocks are cut and in which order they come changes nothing within that time. Nothing is allocated.
 */
export class Join {
  /** Samples that fell out while they waited. */
  lost = 0;
  readonly #queues: readonly Queue[];
  readonly #inputs: readonly JoinInput[];
  readonly #emit: (aligned: Aligned) => void;
  readonly #aligned: Aligned;
  /** Newest instant of the leading input before its newest block: what is much older has been waited for. */
  readonly #seen = new Float64Array(1).fill(Number.NEGATIVE_INFINITY);

  constructor(inputs: readonly JoinInput[], emit: (aligned: Aligned) => void) {
    this.#inputs = inputs;
    this.#emit = emit;
    this.#queues = inputs.map(() => new Queue());
    this.#aligned = {
      n: 0,
      t: new Float64Array(BATCH),
      x: inputs.map(() => new Float64Array(BATCH)),
      q: inputs.map(() => new Uint16Array(BATCH)),
    };
  }

  accept(input: number, block: Block): void {
    const queue = this.#queues[input]!;
    // A part hands over the blocks of its channels one after the other: those of one drain belong together.
    if (input === 0 && block.n > 0) this.#seen[0] = queue.seenMs[0]!;
    for (let i = 0; i < block.n; i++) {
      if (queue.push(block, i)) this.lost++;
      if (queue.length === QUEUE && input === 0) this.#advance(Number.NEGATIVE_INFINITY);
    }
    this.#advance(Number.NEGATIVE_INFINITY);
  }

  /** Hands on what is before `toMs` without waiting any longer: the row it belongs to is closed. */
  settle(toMs: number): void {
    this.#advance(toMs);
  }

  reset(): void {
    for (const queue of this.#queues) {
      queue.head = 0;
      queue.length = 0;
      queue.seenMs[0] = Number.NEGATIVE_INFINITY;
    }
    this.#seen[0] = Number.NEGATIVE_INFINITY;
    this.lost = 0;
  }

  #advance(forcedMs: number): void {
    const lead = this.#queues[0]!;
    const a = this.#aligned;
    while (lead.length > 0) {
      const at = lead.head;
      const now = lead.t[at]!;
      if (now >= forcedMs && this.#seen[0]! - now < WAIT_MS && !this.#allCame(now)) break;
      a.t[a.n] = now;
      a.x[0]![a.n] = lead.x[at]!;
      a.q[0]![a.n] = lead.q[at]!;
      for (let k = 1; k < this.#queues.length; k++) this.#valueAt(k, now);
      lead.drop();
      a.n++;
      if (a.n === BATCH) this.#hand();
    }
    if (a.n > 0) this.#hand();
  }

  #hand(): void {
    this.#emit(this.#aligned);
    this.#aligned.n = 0;
  }

  #allCame(now: number): boolean {
    for (let k = 1; k < this.#queues.length; k++) if (!(this.#queues[k]!.seenMs[0]! >= now)) return false;
    return true;
  }

  /** Input `k` at an instant; samples before the one before it are not needed any more. */
  #valueAt(k: number, now: number): void {
    const queue = this.#queues[k]!;
    const { maxAgeMs, holds } = this.#inputs[k]!;
    while (queue.length > 1 && queue.t[queue.slot(1)]! <= now) queue.drop();
    const x = this.#aligned.x[k]!;
    const q = this.#aligned.q[k]!;
    const n = this.#aligned.n;
    const before = queue.head;
    if (queue.length === 0 || queue.t[before]! > now) {
      x[n] = Number.NaN;
      q[n] = QUALITY.missing;
      return;
    }
    const after = queue.slot(1);
    const age = now - queue.t[before]!;
    x[n] = queue.x[before]!;
    q[n] = queue.q[before]!;
    const between = queue.length > 1 && !holds && age > 0;
    if (between && queue.t[after]! - queue.t[before]! <= maxAgeMs) {
      const bits = queue.q[before]! | queue.q[after]!;
      if ((bits & UNUSABLE) === 0) {
        const share = age / (queue.t[after]! - queue.t[before]!);
        x[n]! += share * (queue.x[after]! - queue.x[before]!);
      }
      q[n] = bits;
      // Half a truth is none: a value between a sample and a missing one is the mark of the latter.
      if ((bits & QUALITY.missing) !== 0) x[n] = Number.NaN;
    } else if (age > maxAgeMs) {
      q[n]! |= age > GONE * maxAgeMs ? QUALITY.stale | QUALITY.missing : QUALITY.stale;
      if (age > GONE * maxAgeMs) x[n] = Number.NaN;
    }
  }
}
