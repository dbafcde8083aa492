import type { ArmedFifoRead, Frame } from "../table.ts";
import type { Verb, VerbContext } from "./verb.ts";

/** Captures kept by the part: asked for at a period, drained once the FIFO is full, then armed again. */
export function createArmedFifo(read: ArmedFifoRead, context: VerbContext): Verb {
  const { port, scans, clock, sink } = context;
  const periodMs = 1000 / read.odrHz;
  const entry: Frame = { reg: read.data, bytes: read.bytes };
  const bytes = new Uint8Array(read.bytes);
  const group = scans.group(read.data, read.depth);
  let dueMs = 0;
  let ackDueMs = 0;
  /** When the FIFO was seen filling after the shock, and how many entries it had then: the capture's tie to time. */
  let seenMs = Number.NaN;
  let seenEntries = 0;

  function arm(nowMs: number): boolean {
    seenMs = Number.NaN;
    for (const command of read.rearm) if (!port.command(command)) return false;
    ackDueMs = nowMs + read.ackMs;
    return !Number.isNaN(port.value(read.ack));
  }

  function drain(entries: number, nowMs: number): boolean {
    const n = Math.min(entries, read.depth);
    for (let i = 0; i < n; i++) {
      if (!port.frame(entry, bytes)) return false;
      group.take(bytes, 0, 0, 0);
    }
    // Seen while filling, the newest entry of that moment was taken within the last period; otherwise the newest is now.
    const newestMs = Number.isNaN(seenMs) ? nowMs : seenMs + (n - seenEntries - 0.5) * periodMs;
    for (let i = 0; i < n; i++) group.t[i] = newestMs - (n - 1 - i) * periodMs;
    group.deliver();
    sink.scan(newestMs);
    return true;
  }

  return {
    get dueMs() {
      return dueMs;
    },
    start(nowMs) {
      dueMs = nowMs + read.pollMs;
      return arm(nowMs);
    },
    step(nowMs) {
      if (nowMs < dueMs) return true;
      dueMs = nowMs + read.pollMs;
      const status = port.value(read.status.reg);
      if (Number.isNaN(status)) return false;
      const tMs = clock.monoMs();
      if ((status & read.status.trigger) === 0) {
        if (nowMs < ackDueMs) return true;
        // An edge may come before the part is armed again; reading the source on a timer lets the next one through.
        ackDueMs = nowMs + read.ackMs;
        return !Number.isNaN(port.value(read.ack));
      }
      const entries = status & read.status.entries;
      if (entries < read.depth && Number.isNaN(seenMs)) {
        seenMs = tMs;
        seenEntries = entries;
        return true;
      }
      // Full, or long enough in filling that it never will be.
      if (entries < read.depth && tMs - seenMs < 2 * read.depth * periodMs) return true;
      return drain(entries, tMs) && arm(nowMs);
    },
  };
}
