import { QUALITY } from "../../model/quality.ts";
import { createFifoClock, type FifoClock } from "../fifo-clock.ts";
import type { ScanGroup } from "../scans.ts";
import type { Frame, StreamFifoRead } from "../table.ts";
import type { Verb, VerbContext } from "./verb.ts";

interface Lane {
  readonly tag: number | undefined;
  readonly group: ScanGroup;
  readonly time: FifoClock;
  /** Bits for the next sample: what happened before it. */
  q: number;
}

/** A FIFO drained every `drainMs`; the times of its samples come from the part's own rate. */
export function createStreamFifo(read: StreamFifoRead, context: VerbContext): Verb {
  const { plan, port, scans, log, clock, sink } = context;
  const perRead = read.perRead ?? 1;
  const block = new Uint8Array(read.bytes * perRead);
  // One frame for each number of entries read at once, so that nothing is made while running.
  const frames: Frame[] = Array.from({ length: perRead }, (_, i) => ({ reg: read.data, bytes: read.bytes * (i + 1) }));
  const tags = new Set(Object.values(plan.channels).map((c) => ("tag" in c ? c.tag : undefined)));
  const lanes: Lane[] = [...tags].map((tag) => ({
    tag,
    group: scans.group(read.data, read.depth + 1, tag),
    time: createFifoClock(read.odrHz),
    q: 0,
  }));
  // A FIFO that has filled up during a stall is emptied over several drains, so that it does not stall others in its turn.
  const most = 4 * Math.ceil((lanes.length * read.odrHz * read.drainMs) / 1000 + 1);
  let dueMs = 0;

  function laneOf(at: number): Lane | undefined {
    if (read.tag === undefined) return lanes[0];
    const tag = (block[at + read.tag.byte]! & read.tag.mask) >> read.tag.shift;
    for (const lane of lanes) if (lane.tag === tag) return lane;
    return undefined;
  }

  function take(at: number): void {
    const lane = laneOf(at);
    if (lane === undefined || read.valid?.(block, at) === false) return;
    lane.group.take(block, at, 0, lane.q);
    lane.q = 0;
  }

  /** Reads until the FIFO says it is empty; returns what it left, or -1 when a transfer failed. */
  function drainByFrame(byte: number, mask: number): number {
    let left = 0;
    for (let i = 0; i <= read.depth; i++) {
      if (!port.frame(frames[0]!, block)) return -1;
      left = block[byte]! & mask;
      take(0);
      if (left === 0) return 0;
    }
    return left;
  }

  function drainByLevel(reg: string, mask: number): number {
    const level = port.value(reg);
    if (Number.isNaN(level)) return -1;
    let left = level & mask;
    const enough = Math.max(0, left - most);
    while (left > enough) {
      const now = Math.min(left - enough, perRead);
      if (!port.frame(frames[now - 1]!, block)) return -1;
      for (let i = 0; i < now; i++) take(i * read.bytes);
      left -= now;
    }
    return left;
  }

  /** Empties the FIFO; returns the entries it left, or -1 when a transfer failed. */
  function drain(): number {
    return "byte" in read.entries
      ? drainByFrame(read.entries.byte, read.entries.mask)
      : drainByLevel(read.entries.reg, read.entries.mask);
  }

  function lost(): void {
    for (const lane of lanes) {
      lane.time.lost();
      lane.q |= QUALITY.overrun;
    }
  }

  return {
    get dueMs() {
      return dueMs;
    },
    start(nowMs) {
      for (const lane of lanes) {
        lane.time.lost();
        lane.q = 0;
      }
      dueMs = nowMs + read.drainMs;
      // What waited before the start is of unknown age.
      for (const command of read.flush ?? []) if (!port.command(command)) return false;
      return true;
    },
    step(nowMs) {
      if (nowMs < dueMs) return true;
      // No catching up: a FIFO read again too early would give its last entry twice.
      dueMs = nowMs + read.drainMs;
      const status = port.value(read.overrun.reg);
      if (Number.isNaN(status)) return false;
      if ((status & read.overrun.mask) !== 0) {
        log.count("overrun");
        lost();
      }
      const left = drain();
      const endMs = clock.monoMs();
      let newestMs = Number.NaN;
      for (const { group, time } of lanes) {
        const { n } = group;
        if (n === 0) continue;
        time.drained(n, endMs, left < 0 ? 0 : left / lanes.length, group.t);
        newestMs = group.t[n - 1]!;
        group.deliver();
      }
      if (!Number.isNaN(newestMs)) sink.scan(newestMs);
      if (left < 0) lost();
      return left >= 0;
    },
  };
}
