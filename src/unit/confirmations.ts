import type { KeyObject } from "node:crypto";
import { openSigned } from "../codec/signed-text.ts";
import { type AckText, ackText, type LaneWatermark } from "../model/downlink.ts";
import { LANES, type Lane } from "../model/record.ts";
import type { Clock } from "../model/time.ts";
import type { Lanes } from "./lanes.ts";

/** What the confirmations ask of the spool. */
export interface ConfirmedSpool {
  spools(): string[];
  first(lane: Lane, spoolId?: string): number;
  /** The newest number given. */
  newest(lane: Lane, spoolId?: string): number;
  free(lane: Lane, upToSeq: number, spoolId?: string): void;
  markSent(lane: Lane, upToSeq: number, spoolId?: string): void;
}

/** Up to which number the broker has acknowledged each lane, by spool id. */
export type SentMarks = Readonly<Record<string, Partial<Record<Lane, number>>>>;

/** How long a record that the broker has may take to HQ's database before it counts as missing there. */
const GRACE_MS = 30_000;
/** HQ is there and a lane has not moved for this long: its oldest unconfirmed record is sent again, to see. */
const PROBE_MS = 60_000;
const PATIENCE_MAX_MS = 3_600_000;

/** One lane of one spool, as far as it is known to be sent and confirmed. */
interface Progress {
  sentTo: number;
  /** Up to here the broker has had the records for longer than the grace; later sends wait in `recent`. */
  settledTo: number;
  readonly recent: { readonly to: number; readonly atMs: number }[];
  confirmedTo: number;
  missing: readonly number[];
  movedMs: number;
  probeWaitMs: number;
  probe: number | undefined;
  /** When a missing record was last sent again and how long it may take now, by number. */
  readonly asked: Map<number, { readonly atMs: number; readonly waitMs: number }>;
}

/**
 * HQ's side of what a unit keeps. A record that the broker has is only marked; HQ's signed watermark frees, as far as nothing
 * below it is missing. What HQ lacks is sent again once it has had time to arrive; when HQ is there and a lane does not move,
 * its oldest unconfirmed record goes again, and if that is what HQ lacked, all that follows it too.
 */
export function createConfirmations(options: {
  readonly unit: string;
  readonly keys: readonly KeyObject[];
  readonly spool: ConfirmedSpool;
  readonly lanes: Pick<Lanes, "skipTo" | "settled" | "sendAgain">;
  readonly clock: Clock;
  /** What an earlier run knew to be sent. */
  readonly marks?: SentMarks | undefined;
  /** A message that is not believed; told once per reason. */
  readonly refused: (reason: string) => void;
}) {
  const { spool, lanes, clock } = options;
  const progress = new Map<string, Progress>();
  const told = new Set<string>();
  let refusedCount = 0;
  let hqOnline = false;

  function progressOf(lane: Lane, id: string): Progress {
    const key = `${id}/${lane}`;
    const known = progress.get(key);
    if (known !== undefined) return known;
    const nowMs = clock.monoMs();
    const sentTo = Math.min(options.marks?.[id]?.[lane] ?? 0, spool.newest(lane, id));
    const p: Progress = {
      ...{ sentTo, settledTo: 0, recent: [], confirmedTo: spool.first(lane, id) - 1, missing: [] },
      ...{ movedMs: nowMs, probeWaitMs: PROBE_MS, probe: undefined, asked: new Map() },
    };
    if (sentTo > 0) p.recent.push({ to: sentTo, atMs: nowMs });
    progress.set(key, p);
    return p;
  }

  /** Something about HQ's words is wrong: counted, and told once. */
  function refuse(reason: string): false {
    refusedCount += 1;
    if (!told.has(reason) && told.size < 50) {
      told.add(reason);
      options.refused(reason);
    }
    return false;
  }

  function settle(p: Progress): void {
    const limitMs = clock.monoMs() - GRACE_MS;
    while (p.recent[0] !== undefined && p.recent[0].atMs <= limitMs) p.settledTo = p.recent.shift()!.to;
  }

  /** Sends what HQ lacks, when it has had time to arrive. */
  function chase(lane: Lane, id: string, p: Progress): void {
    const nowMs = clock.monoMs();
    settle(p);
    const first = spool.first(lane, id);
    const due = p.missing.filter((seq) => {
      const asked = p.asked.get(seq);
      // Below `first` nothing is kept: the lanes answer with the hole.
      const isDue = seq < first || seq <= p.settledTo;
      return isDue && (asked === undefined || nowMs - asked.atMs >= asked.waitMs);
    });
    for (const seq of due) {
      const waitMs = Math.min(PATIENCE_MAX_MS, (p.asked.get(seq)?.waitMs ?? GRACE_MS / 2) * 2);
      p.asked.set(seq, { atMs: nowMs, waitMs });
    }
    lanes.sendAgain(lane, id, due);
  }

  /** Sends the oldest unconfirmed record again when HQ is there and nothing moves. */
  function probe(lane: Lane, id: string, p: Progress): void {
    const nowMs = clock.monoMs();
    if (!hqOnline || p.missing.length > 0 || p.settledTo <= p.confirmedTo) return;
    if (nowMs - p.movedMs < p.probeWaitMs) return;
    p.movedMs = nowMs;
    p.probeWaitMs = Math.min(PATIENCE_MAX_MS, p.probeWaitMs * 2);
    p.probe = p.confirmedTo + 1;
    lanes.sendAgain(lane, id, [p.probe]);
  }

  function take(lane: Lane, id: string, mark: LaneWatermark): void {
    const p = progressOf(lane, id);
    if (mark.upTo < p.confirmedTo) return; // said before; nothing moves back
    const nowMs = clock.monoMs();
    const missing = new Set(mark.missing);
    const wasProbe = p.probe !== undefined && mark.upTo === p.probe;
    if (mark.upTo > p.confirmedTo) {
      p.movedMs = nowMs;
      p.probeWaitMs = PROBE_MS;
      p.probe = undefined;
    }
    p.confirmedTo = mark.upTo;
    p.missing = mark.missing;
    for (const seq of p.asked.keys()) if (!missing.has(seq)) p.asked.delete(seq);
    // With 64 of them more may be missing above the last.
    const knownTo = mark.missing.length < 64 ? mark.upTo : mark.missing.at(-1)!;
    const isSafe = (seq: number, to: number) => to <= knownTo && !mark.missing.some((m) => m >= seq && m <= to);
    lanes.settled(lane, id, isSafe);
    lanes.skipTo(lane, id, mark.upTo + 1);
    sent(lane, mark.upTo, id);
    spool.free(lane, (mark.missing[0] ?? mark.upTo + 1) - 1, id);
    settle(p);
    if (wasProbe && p.settledTo > mark.upTo) {
      // HQ had room and came no further than the probe: what the broker had after it is lost too.
      const rest = Array.from({ length: p.settledTo - mark.upTo }, (_, i) => mark.upTo + 1 + i);
      lanes.sendAgain(lane, id, rest);
      p.movedMs = nowMs;
    }
    chase(lane, id, p);
  }

  function sent(lane: Lane, upToSeq: number, id: string): void {
    spool.markSent(lane, upToSeq, id);
    const p = progressOf(lane, id);
    if (upToSeq <= p.sentTo) return;
    p.sentTo = upToSeq;
    const last = p.recent.at(-1);
    const nowMs = clock.monoMs();
    // One step a second is as fine as the grace needs.
    if (last !== undefined && nowMs - last.atMs < 1000)
      p.recent[p.recent.length - 1] = { to: upToSeq, atMs: last.atMs };
    else p.recent.push({ to: upToSeq, atMs: nowMs });
  }

  /** Why this watermark cannot be meant, if it cannot. */
  function impossible({ spool: id, lanes: marks }: AckText): string | undefined {
    for (const lane of LANES) {
      const mark = marks[lane];
      if (mark === undefined) continue;
      const newest = spool.newest(lane, id);
      if (mark.upTo > newest) return `ack says ${lane} up to ${mark.upTo}, but ${newest} is the newest there is`;
      const wrong = mark.missing.find((seq, i) => seq > mark.upTo || seq <= (mark.missing[i - 1] ?? 0));
      if (wrong !== undefined) return `ack lists ${lane} ${wrong} as missing out of order`;
    }
    return undefined;
  }

  // What an earlier run has sent is not sent again before HQ says so.
  for (const id of spool.spools()) {
    for (const lane of LANES) {
      const { sentTo } = progressOf(lane, id);
      spool.markSent(lane, sentTo, id);
      lanes.skipTo(lane, id, sentTo + 1);
    }
  }

  return {
    /** The broker has acknowledged a lane of a spool up to this number. */
    sent,
    /** A message of the topic `ack`; false when it is not believed or not about a spool that is here. */
    ack(payload: Uint8Array, retained: boolean): boolean {
      const opened = openSigned(payload, options.keys);
      if ("refused" in opened) return refuse(`ack: ${opened.refused}`);
      const parsed = ackText.safeParse(opened.value);
      if (!parsed.success) return refuse("ack: what was signed is not a watermark");
      const text = parsed.data;
      if (text.unit !== options.unit) return refuse(`ack is for the unit ${text.unit}`);
      if (!spool.spools().includes(text.spool)) return false; // of another card; nothing is wrong with that
      const wrong = impossible(text);
      if (wrong !== undefined) return refuse(wrong);
      if (!retained) hqOnline = true;
      for (const lane of LANES) {
        const mark = text.lanes[lane];
        if (mark !== undefined) take(lane, text.spool, mark);
      }
      return true;
    },
    /** HQ has said whether it is there. */
    hqState(online: boolean): void {
      const before = hqOnline;
      hqOnline = online;
      // It has all that waited for it to read first.
      if (hqOnline && !before) for (const p of progress.values()) p.movedMs = clock.monoMs();
    },
    /** Time has passed. */
    look(): void {
      for (const id of spool.spools()) {
        for (const lane of LANES) {
          const p = progressOf(lane, id);
          settle(p);
          if (p.missing.length > 0) chase(lane, id, p);
          probe(lane, id, p);
        }
      }
      for (const key of progress.keys()) if (!spool.spools().includes(key.split("/")[0]!)) progress.delete(key);
    },
    /** What the next run must know. */
    marks(): SentMarks {
      const out: Record<string, Partial<Record<Lane, number>>> = {};
      for (const id of spool.spools()) {
        const of: Partial<Record<Lane, number>> = {};
        for (const lane of LANES) {
          const { sentTo } = progressOf(lane, id);
          if (sentTo > 0) of[lane] = sentTo;
        }
        out[id] = of;
      }
      return out;
    },
    get refusedCount(): number {
      return refusedCount;
    },
    get hqOnline(): boolean {
      return hqOnline;
    },
  };
}

export type Confirmations = ReturnType<typeof createConfirmations>;
