import { SwathError } from "../model/errors.ts";
import type { Clock } from "../model/time.ts";
import { type Entry, entryBytes } from "./entry.ts";

const MAX_PENDING_BYTES = 32 * 1024 * 1024;

interface Pending {
  readonly entry: Entry;
  readonly windowMs: number;
  readonly resolve: (seq: number) => void;
}

/** Gathers entries into commits: one at a time, each of what has come until then. */
export class CommitQueue {
  readonly #clock: Clock;
  readonly #commitBytes: number;
  readonly #commit: (entries: Entry[]) => Promise<void>;
  #pending: Pending[] = [];
  #bytes = 0;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = 0;

  /** `commitBytes`: of entries, in one commit. `commit` must not reject. */
  constructor(clock: Clock, commitBytes: number, commit: (entries: Entry[]) => Promise<void>) {
    this.#clock = clock;
    this.#commitBytes = commitBytes;
    this.#commit = commit;
  }

  /** Resolves with the entry's number once it is committed, at most `windowMs` and one commit later. */
  push(entry: Entry, windowMs: number): Promise<number> {
    if (this.#bytes > MAX_PENDING_BYTES)
      return Promise.reject(new SwathError("spool/full", "the disk has stalled and too much waits"));
    return new Promise((resolve) => {
      this.#pending.push({ entry, windowMs, resolve });
      this.#bytes += entryBytes(entry);
      if (this.#running === undefined) this.#schedule(this.#bytes > this.#commitBytes ? 0 : windowMs);
    });
  }

  /** Commits all that was pushed before. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#running !== undefined)
      return this.#running.then(() => (this.#pending.length > 0 ? this.flush() : undefined));
    this.#running = this.#drain().finally(() => {
      this.#running = undefined;
      if (this.#pending.length > 0) this.#schedule(Math.min(...this.#pending.map((p) => p.windowMs)));
    });
    return this.#running;
  }

  #schedule(delayMs: number): void {
    const dueMs = this.#clock.monoMs() + delayMs;
    if (this.#timer !== undefined && this.#dueMs <= dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = setTimeout(() => void this.flush(), delayMs);
  }

  async #drain(): Promise<void> {
    for (let left = this.#pending.length; left > 0; ) {
      let count = 0;
      let bytes = 0;
      while (count < left && (count === 0 || bytes + entryBytes(this.#pending[count]!.entry) <= this.#commitBytes))
        bytes += entryBytes(this.#pending[count++]!.entry);
      const batch = this.#pending.slice(0, count);
      await this.#commit(batch.map((p) => p.entry));
      this.#pending.splice(0, count);
      this.#bytes -= bytes;
      left -= count;
      for (const p of batch) p.resolve(p.entry.seq);
    }
  }
}
