import { LANES } from "../model/lane.ts";
import { type Generation, newSpoolId } from "./base.ts";
import { bytesOf, type Entry, entryBytes, KIND } from "./entry.ts";
import { LaneLog } from "./lane-log.ts";

/** Bytes kept in memory while there is no disk: far more than 15 minutes of records at 2 kB/s. */
const RING_BYTES = 16 * 1024 * 1024;

/**
 * Lanes in memory, for as long as the disk takes nothing. They have a spool id of their own: numbers that no disk remembers
 * must never be given again after a restart.
 */
export class MemoryStore implements Generation {
  readonly spool = newSpoolId();
  readonly lanes: readonly LaneLog[] = LANES.map((_, lane) => new LaneLog(lane, async () => []));

  /** Numbers records and keeps them; the oldest bulk goes first when there are too many, then log, then events. */
  commit(entries: readonly Entry[]): void {
    for (const e of entries) {
      if (e.kind !== KIND.record) continue;
      const log = this.lanes[e.lane]!;
      e.seq = log.next++;
      log.tail.push(e);
      log.durable = log.next;
    }
    let excess = this.bytes - RING_BYTES;
    for (const log of excess > 0 ? [...this.lanes].reverse() : []) {
      let count = 0;
      while (excess > 0 && count < log.tail.length) excess -= entryBytes(log.tail[count++]!);
      if (count === 0) continue;
      log.addHole({ from: log.tail[0]!.seq, to: log.tail[count - 1]!.seq, reason: "disk-full" });
      log.tail = log.tail.slice(count);
    }
  }

  get bytes(): number {
    return this.lanes.reduce((sum, log) => sum + bytesOf(log.tail), 0);
  }

  /** Takes out the records that no reader has seen: they can get new numbers without anybody counting them twice. */
  takeUnseen(): Entry[] {
    return this.lanes.flatMap((log) => {
      const unseen = log.tail.filter((e) => e.seq > log.shown);
      log.tail = log.tail.filter((e) => e.seq <= log.shown);
      log.next = log.durable = unseen[0]?.seq ?? log.next;
      return unseen;
    });
  }
}
