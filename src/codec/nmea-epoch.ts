import { addToFix, emptyFixParts, type Fix, type FixParts, judgeFix } from "./nmea-fix.ts";
import type { NmeaSentence, SentenceType } from "./nmea-sentence.ts";

/** What the assembler saw, by kind. Monotone. */
export interface EpochCounters {
  epochs: number;
  /** Sentences for an epoch already out: lost to it, and a reason to learn its end again. */
  late: number;
  /** A second sentence of a type that an epoch holds once. */
  repeated: number;
  implausibleDate: number;
  /** Epochs whose position was typed in or simulated, and withheld. */
  notLive: number;
}

export interface EpochOptions {
  /** No true day is before this (ms since 1970). */
  readonly dateFloorMs: number;
  /** Takes each fix, in order. The object is the caller's to keep. */
  onFix(fix: Fix): void;
}

export interface EpochAssembler {
  readonly counters: Readonly<EpochCounters>;
  /** Takes the next sentence; `startedMs` is the arrival of its first byte (mono). */
  sentence(s: NmeaSentence, startedMs: number): void;
  /**
   * The line was quiet for a good part of a cycle, so what comes belongs to the next one. Only a hint: it helps where
   * the order alone does not tell (a receiver that begins with a heading, which has no UTC) and never cuts a cycle whose
   * end is known.
   */
  pause(): void;
  /** Closes what is open, after a long silence or the end of the stream. */
  flush(): void;
}

/** Sentences that make up a fix, and so can be the last that is worth waiting for. */
const ESSENTIAL: readonly SentenceType[] = ["GGA", "RMC", "VTG", "GSA", "GST", "ZDA", "HDT", "THS"];
/** One of a kind in an epoch and without UTC of its own: a second one says nothing about where an epoch ends. */
const SINGLE: readonly SentenceType[] = ["VTG", "HDT", "THS"];

/** Equal endings in a row before an epoch is closed at its learned end. */
const LEARNED = 2;
/** Fractions of the second remembered: enough for 50 Hz. */
const MAX_PHASES = 64;
/** Epochs after which satellites in view that were not told again are forgotten. */
const VIEW_EPOCHS = 64;
const MAX_TALKERS = 16;

/** The learned end of the epochs at one fraction of the second. */
interface Ending {
  key: number;
  hits: number;
  misses: number;
}

interface Epoch {
  readonly parts: FixParts;
  /** How many of each essential type came, by their place in `ESSENTIAL`. */
  readonly seen: Uint8Array;
  /** Last essential sentence, as `keyOf`; -1 before the first. */
  last: number;
  /** The fix has been handed out. */
  out: boolean;
}

function keyOf(type: number, ordinal: number): number {
  return type * 256 + ordinal;
}

function utcOf(s: NmeaSentence): number {
  return "utc" in s.fields ? s.fields.utc : Number.NaN;
}

/**
 * Sentences to fixes, from the order of the sentences alone: the way the bytes were cut never changes the result.
 * Sentences belong together by their UTC; one without UTC belongs to the UTC before it. An epoch is out (a) at the
 * sentence that ended the last ones, learned per fraction of the second because receivers send slow sentences on whole
 * seconds; (b) when another UTC, or in lack of UTC a repetition, begins the next; (c) at `flush`.
 */
export function createEpochAssembler(options: EpochOptions): EpochAssembler {
  const counters: EpochCounters = { epochs: 0, late: 0, repeated: 0, implausibleDate: 0, notLive: 0 };
  const endings = new Map<number, Ending>();
  const views = new Map<string, { total: number; epoch: number }>();
  let epoch: Epoch | undefined;
  let previousTodMs = Number.NaN;
  let epochCount = 0;

  function satsInView(): number {
    let total = Number.NaN;
    for (const [talker, view] of views) {
      if (epochCount - view.epoch > VIEW_EPOCHS) views.delete(talker);
      else total = Number.isNaN(total) ? view.total : total + view.total;
    }
    return total;
  }

  /** Each talker counts once, though it may send one set per signal. */
  function see(talker: string, index: number, inView: number): void {
    if (index !== 1 || Number.isNaN(inView)) return;
    const view = views.get(talker);
    if (view === undefined) {
      if (views.size < MAX_TALKERS) views.set(talker, { total: inView, epoch: epochCount });
      return;
    }
    view.total = view.epoch === epochCount ? Math.max(view.total, inView) : inView;
    view.epoch = epochCount;
  }

  function publish(e: Epoch): void {
    if (e.out || e.last < 0) return;
    e.out = true;
    const { fix, implausibleDate, notLive } = judgeFix(e.parts, options.dateFloorMs, satsInView());
    counters.epochs++;
    if (implausibleDate) counters.implausibleDate++;
    if (notLive) counters.notLive++;
    options.onFix(fix);
  }

  function phaseOf(e: Epoch): number {
    return Number.isNaN(e.parts.todMs) ? -1 : e.parts.todMs % 1000;
  }

  /** One epoch that lost its end to noise does not unlearn it; two in a row, or anything after it, do. */
  function learn(e: Epoch): void {
    if (e.last < 0) return;
    const phase = phaseOf(e);
    const ending = endings.get(phase);
    if (ending === undefined) {
      if (endings.size >= MAX_PHASES) endings.clear();
      endings.set(phase, { key: e.last, hits: 1, misses: 0 });
      return;
    }
    if (ending.key === e.last) {
      ending.hits++;
      ending.misses = 0;
    } else if (ending.hits < LEARNED || e.out || ++ending.misses >= 2) {
      ending.key = e.last;
      ending.hits = 1;
      ending.misses = 0;
    }
  }

  function isLearned(ending: Ending | undefined): ending is Ending {
    return ending !== undefined && ending.hits >= LEARNED;
  }

  function end(e: Epoch): void {
    learn(e); // before it is published, so that there "out" means it was closed too early
    publish(e);
    previousTodMs = e.parts.todMs;
    epoch = undefined;
  }

  function begin(todMs: number, startedMs: number): Epoch {
    if (epoch !== undefined) end(epoch);
    epochCount++;
    epoch = { parts: emptyFixParts(startedMs, todMs), seen: new Uint8Array(ESSENTIAL.length), last: -1, out: false };
    return epoch;
  }

  /** The epoch that a sentence belongs to, begun if need be; undefined when its own is past. */
  function place(type: number, utcMs: number, startedMs: number): Epoch | undefined {
    if (utcMs === previousTodMs && utcMs !== epoch?.parts.todMs) return undefined;
    if (epoch === undefined) return begin(utcMs, startedMs);
    const again = type >= 0 && epoch.seen[type] !== 0;
    if (Number.isNaN(utcMs)) {
      // No UTC to go by: a repetition begins the next epoch, except of what comes several times in one.
      const alone = Number.isNaN(epoch.parts.todMs);
      const several = type < 0 || ESSENTIAL[type] === "GSA" || (SINGLE.includes(ESSENTIAL[type]!) && !alone);
      return again && !several ? begin(utcMs, startedMs) : epoch;
    }
    if (utcMs === epoch.parts.todMs) return epoch;
    if (Number.isNaN(epoch.parts.todMs) && !epoch.out && !again) {
      epoch.parts.todMs = utcMs;
      return epoch;
    }
    return begin(utcMs, startedMs);
  }

  function sentence(s: NmeaSentence, startedMs: number): void {
    if (s.type === "GSV") see(s.talker, s.fields.index, s.fields.inView);
    if (s.type === "GSV" || s.type === "ROT") return;
    const type = ESSENTIAL.indexOf(s.type);
    const e = place(type, utcOf(s), startedMs);
    if (type < 0) return;
    if (e === undefined) {
      counters.late++;
      return;
    }
    const single = SINGLE.includes(s.type);
    if (single && e.seen[type] !== 0) {
      counters.repeated++;
      return;
    }
    const ordinal = Math.min(e.seen[type]! + 1, 255);
    e.seen[type] = ordinal;
    e.last = keyOf(type, ordinal);
    if (e.out) {
      counters.late++;
      return;
    }
    addToFix(e.parts, s);
    const ending = endings.get(phaseOf(e));
    if (isLearned(ending) && ending.key === e.last) publish(e);
  }

  return {
    counters,
    sentence,
    pause() {
      if (epoch === undefined || epoch.last < 0) return;
      if (epoch.out || !isLearned(endings.get(phaseOf(epoch)))) end(epoch);
    },
    flush() {
      if (epoch === undefined) return;
      publish(epoch); // cut short, so nothing is learned from it
      previousTodMs = epoch.parts.todMs;
      epoch = undefined;
      views.clear();
    },
  };
}
