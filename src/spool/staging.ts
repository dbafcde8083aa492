import { bytesOf, type Entry, KIND } from "./entry.ts";

/** Rows that became durable before the record they belong to, per stream, until that record makes them obsolete. */
export class Staging {
  next = 1;
  live: Entry[] = [];
  readonly #obsolete = new Map<number, number>();

  /** Adds rows, or carries out what a record says about them. Entries come in the order in which they were committed. */
  settle(entry: Entry): void {
    if (entry.kind === KIND.stage) {
      this.next = Math.max(this.next, entry.seq + 1);
      const known = this.live.some((e) => e.stream === entry.stream && e.seq === entry.seq);
      if (!known && entry.seq > (this.#obsolete.get(entry.stream) ?? 0)) this.live.push(entry);
    } else if (entry.kind === KIND.record && entry.mark > 0) {
      this.#obsolete.set(entry.stream, Math.max(entry.mark, this.#obsolete.get(entry.stream) ?? 0));
      this.next = Math.max(this.next, entry.mark + 1);
      this.live = this.live.filter((e) => e.stream !== entry.stream || e.seq > entry.mark);
    }
  }

  /** Bytes of the entries that wait. */
  get bytes(): number {
    return bytesOf(this.live);
  }
}
