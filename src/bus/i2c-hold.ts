import type { ErrorCode } from "../model/errors.ts";

/** Why a call is refused, without touching the wire. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly why: string;
}

export interface Hold {
  /** Why a transfer with the address must not be tried now; undefined when it may. */
  refusal(address: number): Refusal | undefined;
  /** The transfer ended, well or not, without hanging; `slow` when later than the deadline. */
  answered(address: number, slow: boolean): void;
  timedOut(address: number): void;
  stop(): void;
}

const FIRST_PROBE_MS = 1000;
const LAST_PROBE_MS = 30_000;
const REVIVED_PROBE_MS = 100;
const SLOW_IN_A_ROW = 3;
const TIMED_OUT: Refusal = { code: "bus/timeout", why: "held back after a time-out, asked at a low rate" };
const ALL_TIMED_OUT: Refusal = { code: "bus/timeout", why: "the whole bus is held back after time-outs of two parts" };
const PROBING: Refusal = { code: "bus/busy", why: "a part that had timed out is being asked" };

/**
 * Keeps parts that hang from stalling a loop that calls synchronously: the kernel gives a hung transfer up after about a
 * second. A part that timed out (or was slow three times in a row) is held back and asked through `ask` after 1, 2, 4 … 30 s
 * until that does not hang. Two parts timed out with nothing answering in between mean that the wires hang, so all are held
 * back and asked in turn. While one is asked others are refused as busy: a hung transfer keeps the kernel's lock of the bus.
 */
export function holdBack(ask: (address: number) => Promise<"hangs" | "moves">): Hold {
  const held = new Map<number, { waitMs: number }>();
  const slowRow = new Map<number, number>();
  let timer: NodeJS.Timeout | undefined;
  let lastTimedOut = -1;
  let wholeBus = false;
  let probing = false;
  let stopped = false;

  function add(address: number): void {
    if (!held.has(address)) held.set(address, { waitMs: FIRST_PROBE_MS });
    schedule();
  }

  /** One probe at a time, of the part whose turn is next. */
  function schedule(): void {
    if (timer !== undefined || probing || stopped) return;
    let next = -1;
    let waitMs = Number.POSITIVE_INFINITY;
    for (const [address, part] of held) {
      if (part.waitMs < waitMs) {
        next = address;
        waitMs = part.waitMs;
      }
    }
    if (next < 0) return;
    timer = setTimeout(probe, waitMs, next);
    timer.unref();
  }

  function probe(address: number): void {
    timer = undefined;
    probing = true;
    ask(address).then(
      (answer) => settle(address, answer),
      () => settle(address, "hangs"),
    );
  }

  function settle(address: number, answer: "hangs" | "moves"): void {
    probing = false;
    const part = held.get(address);
    if (answer === "hangs") {
      if (part !== undefined) part.waitMs = Math.min(part.waitMs * 2, LAST_PROBE_MS);
    } else {
      held.delete(address);
      lastTimedOut = -1;
      // The wires work again, so most of the others will: their turns come quickly.
      if (wholeBus) for (const other of held.values()) other.waitMs = REVIVED_PROBE_MS;
      wholeBus = false;
    }
    schedule();
  }

  return {
    refusal(address) {
      if (probing) return PROBING;
      if (wholeBus) {
        add(address); // somebody wants it, so it is asked too: perhaps it is well
        return ALL_TIMED_OUT;
      }
      return held.size > 0 && held.has(address) ? TIMED_OUT : undefined;
    },
    answered(address, slow) {
      lastTimedOut = -1;
      if (!slow) {
        if (slowRow.size > 0) slowRow.delete(address);
        return;
      }
      const row = (slowRow.get(address) ?? 0) + 1;
      slowRow.set(address, row);
      if (row < SLOW_IN_A_ROW) return;
      slowRow.delete(address);
      add(address);
    },
    timedOut(address) {
      if (lastTimedOut >= 0 && lastTimedOut !== address) wholeBus = true;
      lastTimedOut = address;
      add(address);
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
