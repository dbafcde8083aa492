import { join } from "node:path";
import type { ErrorCode } from "../model/errors.ts";
import { LANES } from "../model/lane.ts";
import { type Base, baseEntry, type Generation, newestBase, newSpoolId } from "./base.ts";
import { bytesOf, type Entry, type GapReason, KIND } from "./entry.ts";
import { BLOCK, codeOf, type SpoolFiles } from "./files.ts";
import { type Commit, Journal } from "./journal.ts";
import { LaneLog, type Segment } from "./lane-log.ts";
import { placeLane } from "./place.ts";
import { type Kept, nextSacrifice } from "./reclaim.ts";
import { parseName, Segments, THINNING } from "./segments.ts";
import type { Staging } from "./staging.ts";

export interface StoreOptions {
  readonly dir: string;
  readonly files: SpoolFiles;
  /** For journal and segments together. */
  readonly maxBytes: number;
  readonly staging: Staging;
  readonly log: (code: ErrorCode, message: string) => void;
}

const JOURNAL = "journal";
const blocks = (bytes: number, min: number, max: number): number =>
  Math.ceil(Math.min(max, Math.max(min, bytes)) / BLOCK) * BLOCK;

/** Left free on the disk for others. */
const RESERVE = 16 * 1024 * 1024;

/** Size of the ring for a spool of `maxBytes`. */
export function journalBytes(maxBytes: number): number {
  return blocks(maxBytes / 16, 64 * 1024, 4 * 1024 * 1024);
}

/** The spool of one folder on disk: journal, then segments. Used by one writer at a time; readers may come in between. */
export class Store implements Generation {
  readonly spool: string;
  readonly lanes: readonly LaneLog[];
  /** Spools in the same folder that take no more records. */
  older: Generation[] = [];
  /** Why the disk is not as it should be; undefined when it is. */
  trouble: string | undefined;
  readonly #o: StoreOptions;
  readonly #journal: Journal;
  readonly #segments: Segments;
  readonly #olderSegments = new Map<string, Segments>();
  readonly #segmentBytes: number;
  #full = false;

  private constructor(o: StoreOptions, journal: Journal, spool: string) {
    this.#o = o;
    this.#journal = journal;
    this.spool = spool;
    this.#segmentBytes = blocks(o.maxBytes / 64, 16 * 1024, 1024 * 1024);
    this.#segments = new Segments(o.files, o.dir, spool, this.#segmentBytes);
    this.lanes = this.#lanesOf(this.#segments);
  }

  /** Reads what is there and writes nothing: also a read-only disk can be recovered. Rejects when the disk does not answer. */
  static async recover(o: StoreOptions): Promise<Store> {
    const found = await o.files.list(o.dir);
    const journal = new Journal(o.files, join(o.dir, JOURNAL), journalBytes(o.maxBytes));
    try {
      const { newest, entries } = await journal.recover(found.find((f) => f.name === JOURNAL)?.bytes ?? 0);
      const named = found.flatMap((f) => parseName(f.name, f.bytes) ?? []);
      const ids = [...new Set(named.map((n) => n.spool))];
      const base = newestBase(entries);
      const store = new Store(o, journal, newest?.spool ?? newSpoolId());
      if (!newest && ids.length > 0)
        o.log("spool/corrupt", `the journal is lost; ${ids} goes on being sent, ${store.spool} begins`);
      if (found.some((f) => f.name === THINNING)) store.#stale.push(THINNING);
      for (const id of ids) {
        const segments = named.filter((n) => n.spool === id).map((n) => n.segment);
        if (id === store.spool) await store.#place(store, store.#segments, segments, base, entries, newest);
        else if (!newest || id in base) await store.#adopt(id, segments, base);
        else o.log("spool/corrupt", `${segments.length} segments of the foreign spool ${id} are left alone`);
      }
      if (newest && !ids.includes(store.spool)) await store.#place(store, store.#segments, [], base, entries, newest);
      for (const e of entries) o.staging.settle(e);
      return store;
    } catch (error) {
      await journal.close();
      throw error;
    }
  }

  #lanesOf(segments: Segments): LaneLog[] {
    const load = async (segment: Segment): Promise<Entry[]> => {
      try {
        return await segments.load(segment);
      } catch (error) {
        // A file that cannot be read is a hole, but only while the disk answers: one that is gone may come back.
        if (codeOf(error) !== "ENOENT") await this.#journal.probe();
        this.#o.log("spool/corrupt", `${segment.name} cannot be read: ${error}`);
        return [];
      }
    };
    return LANES.map((_, lane) => new LaneLog(lane, load));
  }

  async #place(
    g: Generation,
    files: Segments,
    named: readonly Segment[],
    base: Base,
    entries: readonly Entry[],
    newest?: Commit,
  ): Promise<void> {
    const known = base[g.spool];
    const load = async (segment: Segment): Promise<Entry[] | undefined> => {
      // Twice, because only a file that cannot be read for good is to be closed.
      const once = (): Promise<Entry[]> => files.load(segment);
      return once()
        .catch(once)
        .catch(() => {
          this.#sealed.add(segment);
          return undefined;
        });
    };
    for (const log of g.lanes) {
      const found = {
        segments: named.filter((s) => s.lane === log.lane),
        holes: known?.holes[log.lane] ?? [],
        records: entries.filter((e) => e.kind === KIND.record && e.lane === log.lane),
        next: newest?.next[log.lane] ?? 0,
        freed: newest?.freed[log.lane] ?? known?.freed[log.lane],
        stored: newest && known?.stored[log.lane],
      };
      this.#stale.push(...(await placeLane(log, found, load)));
    }
  }

  /** Files that were replaced, to be removed once the disk can be written. */
  readonly #stale: string[] = [];
  /** Segments that could not be read, to which nothing is appended. */
  readonly #sealed = new Set<Segment>();

  async #adopt(id: string, found: readonly Segment[], base: Base): Promise<void> {
    const segments = new Segments(this.#o.files, this.#o.dir, id, this.#segmentBytes);
    const generation = { spool: id, lanes: this.#lanesOf(segments) };
    await this.#place(generation, segments, found, base, []);
    this.older.push(generation);
    this.#olderSegments.set(id, segments);
  }

  /** Makes the disk ready for commits, and durable what recovery saw. */
  async start(): Promise<void> {
    await this.#journal.start();
    for (const log of this.lanes) {
      const newest = log.segments.at(-1);
      if (newest && !this.#sealed.has(newest)) await this.#segments.resume(newest);
    }
    await this.#o.files.syncDir(this.#o.dir);
    try {
      // What recovery read may only have been in memory, left by a sync that failed: all of it is written anew.
      await this.#checkpoint();
    } catch (error) {
      this.trouble = `cannot checkpoint: ${error}`;
      await this.#commit([baseEntry([...this.older, this])]);
    }
  }

  /**
   * Goes on where `before`, the same spool before its disk failed, had stopped: numbers it has given stay given, and records
   * that were not acknowledged here have gone another way since.
   */
  follow(before: Store): void {
    if (before.spool !== this.spool) return;
    for (const log of this.lanes) {
      const old = before.lanes[log.lane]!;
      log.tail = log.tail.filter((e) => e.seq < old.durable);
      log.next = log.durable = Math.max(log.next, old.next);
      log.free(old.freed);
      log.sent = old.sent;
    }
  }

  /** Bytes of journal and segments. */
  get bytes(): number {
    return this.#journal.bytes + this.#segmentsBytes;
  }

  get #segmentsBytes(): number {
    const lanes = [this, ...this.older].flatMap((g) => g.lanes);
    return lanes.reduce((sum, log) => log.segments.reduce((bytes, s) => bytes + s.bytes, sum), 0);
  }

  /** Gives records their numbers and makes everything durable in one sync. Entries keep their numbers over retries. */
  async commit(entries: readonly Entry[]): Promise<void> {
    for (const e of entries) if (e.kind === KIND.record && e.seq === 0) e.seq = this.lanes[e.lane]!.next++;
    if (this.#journal.crowded) {
      await this.#checkpoint().catch((error) => {
        this.#full = codeOf(error) === "ENOSPC";
        this.trouble = `cannot checkpoint: ${error}`;
        this.#o.log("spool/unwritable", this.trouble);
      });
    }
    await this.#commit(entries);
    for (const e of entries) {
      this.#o.staging.settle(e);
      if (e.kind !== KIND.record) continue;
      const log = this.lanes[e.lane]!;
      log.tail.push(e);
      log.durable = e.seq + 1;
    }
  }

  async #commit(entries: readonly Entry[], rebase = false): Promise<void> {
    const freed = this.lanes.map((log) => log.freed);
    const next = this.lanes.map((log) => log.next);
    await this.#journal.commit(entries, { spool: this.spool, next, freed }, rebase);
    for (const log of this.lanes) log.freedDurable = freed[log.lane]!;
    for (const g of entries.some((e) => e.kind === KIND.base) ? this.older : [])
      for (const log of g.lanes) log.freedDurable = log.freed;
  }

  /** Moves what the journal holds into segments and frees the journal. */
  async #checkpoint(): Promise<void> {
    await this.#sweep();
    const need = this.lanes.reduce((sum, log) => sum + bytesOf(log.tail), 0);
    const dropped = await this.#makeRoom(need);
    for (const log of this.lanes) await this.#segments.append(log);
    await this.#discardStale();
    await this.#commit([baseEntry([...this.older, this]), ...this.#o.staging.live], true);
    await this.#sweep();
    this.trouble = dropped ? "records are dropped for want of room" : undefined;
  }

  /** Removes what recovery replaced, for good before a rebase vouches for every segment that is there. */
  async #discardStale(): Promise<void> {
    if (this.#stale.length === 0) return;
    const used = new Set(this.lanes.flatMap((log) => log.segments.map((s) => s.name)));
    for (const name of this.#stale) if (!used.has(name)) await this.#segments.unlink(name);
    await this.#o.files.syncDir(this.#o.dir);
    this.#stale.length = 0;
  }

  /** Removes segments whose records are all safe elsewhere, as far as the disk knows it. */
  async #sweep(): Promise<void> {
    for (const { lanes, segments } of this.#kept) {
      for (const log of lanes) {
        log.holes = log.holes.filter((h) => h.to > log.freedDurable);
        for (const s of log.segments.filter((s) => s.last <= log.freedDurable)) await segments.remove(log, s);
      }
    }
    this.older = this.older.filter((g) => g.lanes.some((log) => log.segments.length > 0));
  }

  /** All generations with their files, oldest first. */
  get #kept(): Kept[] {
    const older = this.older.map(({ spool, lanes }) => ({ lanes, segments: this.#olderSegments.get(spool)! }));
    return [...older, { lanes: this.lanes, segments: this.#segments }];
  }

  /** Gives up records by lane until `need` more bytes fit; true when some were. */
  async #makeRoom(need: number): Promise<boolean> {
    const { files, dir, maxBytes } = this.#o;
    const limit = maxBytes - this.#journal.bytes;
    let dropped = false;
    const short = async (): Promise<boolean> =>
      (this.#full && this.#journal.pressed) ||
      this.#segmentsBytes + need > limit ||
      (await files.freeBytes(dir).catch(() => RESERVE + need)) < need + RESERVE;
    // Each drop takes a commit of the journal: it must not use up what the rebase needs, so the rest waits for the next time.
    while (need > 0 && !(dropped && this.#journal.pressed) && (await short())) {
      const s = await nextSacrifice(this.#kept, limit);
      if (s === undefined) break;
      this.#full = false;
      dropped = true;
      if (s.reason !== "thinned") await this.#drop(s.log, s.of, s.segments[0]!, s.reason);
      else
        await s.of.thin(s.log, s.segments).catch((error) => {
          this.#o.log("spool/full", `cannot thin ${s.segments[0]!.name}: ${error}`);
          return this.#drop(s.log, s.of, s.segments[0]!, "disk-full");
        });
    }
    return dropped;
  }

  async #drop(log: LaneLog, of: Segments, segment: Segment, reason: GapReason): Promise<void> {
    const { first: from, last: to } = segment;
    const before = log.holes;
    log.addHole({ from, to, reason });
    await this.#commit([baseEntry([...this.older, this])]).catch((error) => {
      log.holes = before;
      throw error;
    });
    this.#o.log("spool/full", `${LANES[log.lane]} records ${from} to ${to} are dropped (${reason})`);
    await of.remove(log, segment);
  }

  async close(): Promise<void> {
    await this.#segments.close();
    await this.#journal.close();
  }
}
