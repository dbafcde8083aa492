import { dirname } from "node:path";
import { type ErrorCode, SwathError } from "../model/errors.ts";
import { LANES, type Lane } from "../model/lane.ts";
import type { Clock } from "../model/time.ts";
import type { Generation } from "./base.ts";
import { CommitQueue } from "./commit-queue.ts";
import { type Entry, entryBytes, KIND, MAX_BODY } from "./entry.ts";
import type { SpoolFiles } from "./files.ts";
import type { LaneLog, StoredRecord } from "./lane-log.ts";
import { MemoryStore } from "./memory.ts";
import { Staging } from "./staging.ts";
import { journalBytes, Store } from "./store.ts";

/** Events wait this long for company, everything else that long. */
const EVENT_WINDOW_MS = 20;
const WINDOW_MS = 500;
/** A disk that takes nothing is tried again after this time. */
const RETRY_MS = 30_000;
/** How often one commit is tried before the disk counts as failed. */
const TRIES = 3;

/** Names rows that are staged: a record that carries it makes them, and all earlier ones of the stream, obsolete. */
export interface StageMark {
  readonly stream: number;
  readonly upTo: number;
}

/** Rows that an earlier run staged and never put into a record. */
export interface StagedRows {
  readonly mark: StageMark;
  readonly rows: Uint8Array;
}

export interface AppendOptions {
  /** Rows that this record replaces, in the same instant in which it becomes durable. */
  readonly supersedes?: StageMark;
  /** Never thinned: descriptors, anchors, outages, and what else others depend on. */
  readonly keep?: boolean;
  /** Peak of a capture, in any unit: smaller ones go first when the disk is full. */
  readonly weight?: number;
}

export interface SpoolOptions {
  readonly dir: string;
  readonly files: SpoolFiles;
  readonly clock: Clock;
  /** For everything in the folder; at least 1 MiB. */
  readonly maxBytes: number;
  /** Told what degrades the spool and what it drops. Never holds a body. */
  readonly log?: (code: ErrorCode, message: string) => void;
}

/**
 * Opens the spool of a folder. Always gives one that works: damage costs the records it touched, a disk that does not take
 * anything costs durability, and the state says so.
 */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const spool = new Spool(options);
  await spool.open();
  return spool;
}

/** Durable lanes of one unit. One writer queue; readers at any time. */
export class Spool {
  readonly #o: SpoolOptions;
  readonly #staging = new Staging();
  readonly #maxBody: number;
  /** Readable also while it takes nothing. */
  #disk: Store | undefined;
  /** The lanes that take records instead, while the disk takes none. */
  #memory: MemoryStore | undefined;
  /** Memory lanes of earlier failures, until a reader has freed what it has seen of them. */
  #past: MemoryStore[] = [];
  #lastTryMs = 0;
  readonly #queue: CommitQueue;

  /** Use `openSpool`. */
  constructor(options: SpoolOptions) {
    this.#o = options;
    this.#maxBody = Math.min(MAX_BODY, journalBytes(options.maxBytes) / 8 - 256);
    this.#queue = new CommitQueue(options.clock, this.#maxBody, (entries) => this.#commit(entries));
  }

  async open(): Promise<void> {
    for (let i = 0; i < TRIES; i++) if (await this.#tryDisk()) return;
    this.#memory = new MemoryStore();
  }

  /** The id that records appended now get; it changes when the disk fails and when it comes back. */
  get spoolId(): string {
    return this.#active.spool;
  }

  /** `degraded`: durable, but something is wrong or dropped. `failed`: records are only in memory. */
  get state(): "ok" | "degraded" | "failed" {
    if (this.#memory !== undefined) return "failed";
    return this.#disk?.trouble === undefined ? "ok" : "degraded";
  }

  /** Bytes held, on disk or in memory. */
  get bytes(): number {
    return [...this.#past, this.#memory].reduce((sum, m) => sum + (m?.bytes ?? 0), this.#disk?.bytes ?? 0);
  }

  /** Ids that hold records not yet freed, oldest first; the last is `spoolId`. A reader drains them in this order. */
  spools(): string[] {
    return this.#generations()
      .filter((g) => g === this.#active || g.lanes.some((log) => log.unsent > 0))
      .map((g) => g.spool);
  }

  /** Numbers given and neither freed nor marked as sent, over all spool ids. */
  unsent(lane: Lane): number {
    return this.#sum(lane, (log) => log.durable - 1 - Math.max(log.freed, Math.min(log.sent, log.durable - 1)));
  }

  /** Numbers marked as sent and not freed, over all spool ids: the broker has them, and nobody has said that they are safe. */
  unconfirmed(lane: Lane): number {
    return this.#sum(lane, (log) => Math.max(0, Math.min(log.sent, log.durable - 1) - log.freed));
  }

  /** The newest number given for good; 0 for a spool id that is not here. */
  newest(lane: Lane, spoolId = this.spoolId): number {
    return (this.#lane(lane, spoolId)?.durable ?? 1) - 1;
  }

  /** The first number that is not freed. */
  first(lane: Lane, spoolId = this.spoolId): number {
    return (this.#lane(lane, spoolId)?.freed ?? 0) + 1;
  }

  /**
   * Records of a lane from `fromSeq` on, in order, with holes in their place; at most `maxRecords` and `maxBytes`, but one if
   * there is one. Rejects with `spool/unwritable` (later) while the disk does not answer.
   */
  async read(
    lane: Lane,
    fromSeq: number,
    maxRecords: number,
    maxBytes: number,
    spoolId = this.spoolId,
  ): Promise<StoredRecord[]> {
    try {
      return (await this.#lane(lane, spoolId)?.read(fromSeq, maxRecords, maxBytes)) ?? [];
    } catch (error) {
      throw new SwathError("spool/unwritable", `cannot read ${lane} from ${fromSeq}`, error);
    }
  }

  /** Records up to `upToSeq` are safe elsewhere and may go. Durable with the next commit. Unknown ids are ignored. */
  free(lane: Lane, upToSeq: number, spoolId = this.spoolId): void {
    this.#lane(lane, spoolId)?.free(upToSeq);
    this.#past = this.#past.filter((m) => m.lanes.some((log) => log.unsent > 0));
  }

  /** The broker has records up to `upToSeq`, so on a full disk they go before those that nobody has. Not durable. */
  markSent(lane: Lane, upToSeq: number, spoolId = this.spoolId): void {
    const log = this.#lane(lane, spoolId);
    if (log) log.sent = Math.max(log.sent, upToSeq);
  }

  /** Resolves with the record's number when it is durable (in memory while the state is `failed`). */
  append(lane: Lane, body: Uint8Array, options: AppendOptions = {}): Promise<number> {
    const { supersedes, keep = false, weight = 0 } = options;
    return this.#push(
      {
        kind: KIND.record,
        lane: LANES.indexOf(lane),
        keep,
        stream: supersedes?.stream ?? 0,
        seq: 0,
        mark: supersedes?.upTo ?? 0,
        weight,
        body: Uint8Array.from(body),
      },
      lane === "event" ? EVENT_WINDOW_MS : WINDOW_MS,
    );
  }

  /** Makes rows of a record that is still being filled durable; resolves with what that record must supersede. */
  async stage(rows: Uint8Array, stream = 0): Promise<StageMark> {
    if (this.#staging.bytes + rows.length > this.#maxBody / 2)
      throw new SwathError("spool/full", `more than ${this.#maxBody / 2} bytes of rows wait for their record`);
    const body = Uint8Array.from(rows);
    const seq = this.#staging.next++;
    const upTo = await this.#push(
      { kind: KIND.stage, lane: 0, keep: true, stream, seq, mark: 0, weight: 0, body },
      WINDOW_MS,
    );
    return { stream, upTo };
  }

  /** Staged rows that no record has superseded, oldest first. */
  staged(): StagedRows[] {
    return this.#staging.live.map((e) => ({ mark: { stream: e.stream, upTo: e.seq }, rows: e.body }));
  }

  /** Makes all that was appended before durable now. */
  flush(): Promise<void> {
    return this.#queue.flush();
  }

  /** Flushes and closes the files. The spool takes nothing afterwards. */
  async close(): Promise<void> {
    await this.flush();
    await this.#disk?.close();
  }

  #push(entry: Entry, windowMs: number): Promise<number> {
    const bytes = entry.body.length;
    if (bytes <= this.#maxBody) return this.#queue.push(entry, windowMs);
    return Promise.reject(new SwathError("internal/bug", `a record of ${bytes} bytes, at most ${this.#maxBody} fit`));
  }

  get #active(): Generation {
    return this.#memory ?? this.#disk!;
  }

  #generations(): Generation[] {
    const disk = this.#disk === undefined ? [] : [...this.#disk.older, this.#disk];
    const memory = this.#memory === undefined ? [] : [this.#memory];
    return memory.length > 0
      ? [...disk, ...this.#past, ...memory]
      : [...disk.slice(0, -1), ...this.#past, ...disk.slice(-1)];
  }

  #sum(lane: Lane, count: (log: LaneLog) => number): number {
    return this.#generations().reduce((sum, g) => sum + count(g.lanes[LANES.indexOf(lane)]!), 0);
  }

  #lane(lane: Lane, spoolId: string): LaneLog | undefined {
    return this.#generations().find((g) => g.spool === spoolId)?.lanes[LANES.indexOf(lane)];
  }

  async #commit(entries: Entry[]): Promise<void> {
    const retryDue = this.#memory !== undefined && this.#o.clock.monoMs() - this.#lastTryMs >= RETRY_MS;
    if (retryDue && (await this.#tryDisk())) await this.#moveToDisk();
    for (let i = 0; i < TRIES && this.#memory === undefined; i++) {
      try {
        return await this.#disk!.commit(entries);
      } catch (error) {
        this.#o.log?.("spool/unwritable", `cannot commit: ${error}`);
      }
    }
    if (this.#memory === undefined) {
      this.#memory = new MemoryStore();
      this.#lastTryMs = this.#o.clock.monoMs();
      this.#o.log?.("spool/unwritable", `the disk has failed; spool ${this.#memory.spool} lives in memory`);
    }
    this.#memory.commit(entries);
    for (const e of entries) this.#staging.settle(e);
  }

  /** Opens the folder anew; when that works the disk takes records again, first those that nobody has seen. */
  async #tryDisk(): Promise<boolean> {
    const { dir, files, maxBytes, clock } = this.#o;
    const log = this.#o.log ?? ((): void => {});
    this.#lastTryMs = clock.monoMs();
    let store: Store | undefined;
    try {
      const note = (error: unknown): void => log("spool/unwritable", `${error}`);
      await files.mkdir(dir).catch(note);
      await files.syncDir(dirname(dir)).catch(note);
      store = await Store.recover({ dir, files, maxBytes, staging: this.#staging, log });
      if (this.#disk !== undefined) store.follow(this.#disk);
      await store.start();
    } catch (error) {
      log("spool/unwritable", `cannot open: ${error}`);
      // What can be read goes on being sent, also from a disk that takes nothing.
      if (this.#disk === undefined) this.#disk = store;
      else await store?.close();
      return false;
    }
    await this.#disk?.close();
    this.#disk = store;
    return true;
  }

  /** Gives records that no reader has seen in memory a place on disk; the others stay where they were seen, until freed. */
  async #moveToDisk(): Promise<void> {
    const memory = this.#memory!;
    const unseen = memory.takeUnseen().map((e) => ({ ...e, seq: 0 }));
    if (memory.lanes.some((lane) => lane.unsent > 0)) this.#past.push(memory);
    this.#memory = undefined;
    for (const batch of batches(unseen, this.#maxBody)) await this.#commit(batch);
  }
}

/** Splits entries into runs of at most `bytes`, but at least one. */
function batches(entries: readonly Entry[], bytes: number): Entry[][] {
  const out: Entry[][] = [];
  let room = 0;
  for (const e of entries) {
    room -= entryBytes(e);
    if (room < 0 || out.length === 0) {
      out.push([]);
      room = bytes - entryBytes(e);
    }
    out.at(-1)!.push(e);
  }
  return out;
}
