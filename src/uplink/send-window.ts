/** What a sent packet needs to remember until it is confirmed. */
export interface Mark {
  /** Bytes sent on this connection up to and including this packet. */
  readonly offset: number;
  /** Bytes that were on their way when it was sent, itself included. */
  readonly aheadBytes: number;
  readonly sentMs: number;
}

const MIN_BYTES = 2 * 1024;
const START_BYTES = 4 * 1024;
const MAX_BYTES = 256 * 1024;
/** Queueing beyond the shortest round trip, ms: from where to shrink, what to aim for then, and up to where to grow. */
const LATE_MS = 1_000;
const AIM_MS = 500;
const EARLY_MS = 250;

/**
 * How much may be on its way at once: at most `maxMessages` unacknowledged QoS 1 messages, and a byte budget that follows
 * the link. PUBACKs come late when bytes queue on a slow link; the budget then drops to what the link carries in half a
 * second beyond its round trip, so that an event or a live row sent now is not behind minutes of backlog. It grows again,
 * up to 256 KiB, while it is what limits. QoS 0 bytes count too, until something sent after them is confirmed.
 */
export class SendWindow {
  readonly #maxMessages: number;
  #messages = 0;
  #sentBytes = 0;
  #confirmedBytes = 0;
  #budgetBytes = START_BYTES;
  #shortestMs = Number.POSITIVE_INFINITY;

  constructor(maxMessages: number) {
    this.#maxMessages = maxMessages;
  }

  get messages(): number {
    return this.#messages;
  }

  get bytes(): number {
    return this.#sentBytes - this.#confirmedBytes;
  }

  get budgetBytes(): number {
    return this.#budgetBytes;
  }

  get hasSlot(): boolean {
    return this.#messages < this.#maxMessages;
  }

  /** Whether this many bytes more fit the budget. When nothing is on its way anything does. */
  fits(bytes: number): boolean {
    const onTheirWay = this.bytes;
    return onTheirWay === 0 || onTheirWay + bytes <= this.#budgetBytes;
  }

  /** A packet that will be confirmed; `slot` when it is a QoS 1 message, which the server's Receive Maximum counts. */
  sent(bytes: number, slot: boolean, nowMs: number): Mark {
    this.#sentBytes += bytes;
    if (slot) this.#messages += 1;
    return { offset: this.#sentBytes, aheadBytes: this.bytes, sentMs: nowMs };
  }

  /** A QoS 0 message: nothing will confirm it but what follows it. */
  sentLoose(bytes: number): void {
    this.#sentBytes += bytes;
  }

  confirmed(mark: Mark, bytes: number, slot: boolean, nowMs: number): void {
    if (slot) this.#messages -= 1;
    if (mark.offset > this.#confirmedBytes) this.#confirmedBytes = mark.offset;
    const tookMs = Math.max(0.01, nowMs - mark.sentMs);
    if (tookMs < this.#shortestMs) this.#shortestMs = tookMs;
    if (tookMs > this.#shortestMs + LATE_MS) {
      const carried = (mark.aheadBytes * (this.#shortestMs + AIM_MS)) / tookMs;
      this.#budgetBytes = Math.max(MIN_BYTES, Math.min(this.#budgetBytes, carried));
    } else if (tookMs <= this.#shortestMs + EARLY_MS && mark.aheadBytes * 2 > this.#budgetBytes) {
      this.#budgetBytes = Math.min(MAX_BYTES, this.#budgetBytes + bytes);
    }
  }
}
