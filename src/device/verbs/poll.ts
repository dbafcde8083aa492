import { frameKey } from "../scans.ts";
import type { PollRead } from "../table.ts";
import type { Verb, VerbContext } from "./verb.ts";

/** Registers at a period. Frames due in one step share one instant and are one scan. */
export function createPoll(read: PollRead, context: VerbContext): Verb {
  const { port, scans, clock, sink } = context;
  const frames = read.frames.map((frame) => ({
    frame,
    key: frameKey(frame),
    bytes: new Uint8Array(frame.bytes),
    group: scans.group(frameKey(frame), 1),
    dueMs: 0,
  }));
  let dueMs = 0;

  return {
    get dueMs() {
      return dueMs;
    },
    start(nowMs) {
      for (const f of frames) f.dueMs = nowMs;
      dueMs = nowMs;
      return true;
    },
    step(nowMs) {
      const tMs = clock.monoMs();
      let alive = true;
      let delivered = false;
      dueMs = Number.POSITIVE_INFINITY;
      for (const f of frames) {
        if (f.dueMs <= nowMs) {
          f.dueMs = Math.max(f.dueMs + f.frame.everyMs, nowMs + f.frame.everyMs / 2);
          const { ready } = f.frame;
          if (!alive || !port.frame(f.frame, f.bytes)) {
            f.group.miss(tMs, 0);
            if (port.failure !== "crc") alive = false;
          } else {
            scans.flags(f.key, f.bytes);
            if (ready === undefined || (f.bytes[ready.byte]! & ready.mask) !== 0) f.group.take(f.bytes, 0, tMs, 0);
          }
        }
        if (f.dueMs < dueMs) dueMs = f.dueMs;
      }
      for (const f of frames) if (f.group.deliver()) delivered = true;
      if (delivered) sink.scan(tMs);
      return alive;
    },
  };
}
