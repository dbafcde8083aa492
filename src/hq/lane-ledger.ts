import type { Lane, WireRecord } from "../model/record.ts";
import { createSeqRanges, type SeqRange, type SeqRanges } from "./seq-ranges.ts";

/** What HQ can prove about one lane of one unit, over every spool folder it has had. */
export interface LaneCount {
  readonly lane: Lane;
  /** Different records received. */
  readonly received: number;
  /** Records that came again and were put aside. */
  readonly duplicates: number;
  /** Numbers between the first and the newest seen that never came and that no gap record explains. */
  readonly missing: number;
  /** Numbers the unit itself declared gone, with a reason. */
  readonly declaredGone: number;
  /** The first holes of the newest spool, in order. */
  readonly holes: readonly SeqRange[];
  /** Newest number seen in the newest spool. */
  readonly newest: number | undefined;
  /** Payload bytes of the messages of this lane, duplicates included. */
  readonly bytes: number;
}

export interface LaneLedger {
  /** Books a record; false when it was here before. */
  book(record: WireRecord): boolean;
  addBytes(bytes: number): void;
  count(): LaneCount;
}

interface SpoolBook {
  /** Numbers received or explained by a gap record. */
  readonly settled: SeqRanges;
  /** Numbers received as records of their own. */
  readonly received: SeqRanges;
}

/** Spools remembered per lane: a unit gets a new one when its card is changed. */
const MAX_SPOOLS = 8;
/** Holes listed for people and for the watermark. */
const MAX_HOLES = 64;
/** Most numbers one gap record may explain; a larger one is booked for its first number only. */
const MAX_GAP = 100_000_000;

/**
 * Keeps the books of one lane by the identity (spool, seq): a record counts once, and whatever is missing is known by
 * number. Order of arrival does not matter.
 */
export function createLaneLedger(lane: Lane): LaneLedger {
  const spools = new Map<string, SpoolBook>();
  let received = 0;
  let duplicates = 0;
  let declaredGone = 0;
  let missingOfForgotten = 0;
  let bytes = 0;

  function bookOf(spool: string): SpoolBook {
    let book = spools.get(spool);
    if (book === undefined) {
      if (spools.size >= MAX_SPOOLS) {
        const [oldest, gone] = spools.entries().next().value!;
        missingOfForgotten += gone.settled.missing();
        spools.delete(oldest);
      }
      book = { settled: createSeqRanges(), received: createSeqRanges() };
      spools.set(spool, book);
    }
    return book;
  }

  return {
    book(record) {
      const { settled, received: own } = bookOf(record.spool);
      if (own.add(record.seq) === 0) {
        duplicates++;
        return false;
      }
      received++;
      settled.add(record.seq);
      if (record.kind === "gap" && record.to >= record.from && record.to - record.from < MAX_GAP) {
        declaredGone += settled.add(record.from, record.to);
        // The gap record stands under the first missing number, which is itself one of those that are gone.
        if (record.from <= record.seq && record.seq <= record.to) declaredGone++;
      }
      return true;
    },
    addBytes(n) {
      bytes += n;
    },
    count() {
      let missing = missingOfForgotten;
      for (const book of spools.values()) missing += book.settled.missing();
      const newestSpool = [...spools.values()].at(-1);
      return {
        lane,
        received,
        duplicates,
        missing,
        declaredGone,
        holes: newestSpool?.settled.holes(MAX_HOLES) ?? [],
        newest: newestSpool?.settled.bounds()?.[1],
        bytes,
      };
    },
  };
}
