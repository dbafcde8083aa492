import { join } from "node:path";
import { LANES } from "../model/lane.ts";
import { bytesOf, type Entry, entryBytes, gapEntry, KIND, readEntries, seedOf, writeEntries } from "./entry.ts";
import { BLOCK, codeOf, readAround, type SpoolFile, type SpoolFiles, writeAll } from "./files.ts";
import type { LaneLog, Segment } from "./lane-log.ts";

const NAME = /^(event|log|bulk)-(\d{15})(?:-(\d{15})-(\d))?\.([0-9a-f]{16})\.seg$/;
/** A thinned segment that is not complete yet. */
export const THINNING = "thinning.tmp";
/** A segment begins with a line of text for whoever finds the file without its name. */
const TITLE = 128;

function nameOf(lane: number, first: number, spool: string, thinned?: { last: number; level: number }): string {
  const digits = (n: number): string => String(n).padStart(15, "0");
  const range = thinned ? `-${digits(thinned.last)}-${thinned.level}` : "";
  return `${LANES[lane]}-${digits(first)}${range}.${spool}.seg`;
}

/** Files grow by whole blocks, so that no write ever touches a block that holds records. */
function wholeBlocks(bytes: number): number {
  return Math.ceil(bytes / BLOCK) * BLOCK;
}

/** What the name of a segment says; undefined for any other file. `last` is 0 where the name does not tell it. */
export function parseName(name: string, bytes: number): { spool: string; segment: Segment } | undefined {
  const m = NAME.exec(name);
  if (!m) return;
  const lane = (LANES as readonly string[]).indexOf(m[1]!);
  return {
    spool: m[5]!,
    segment: { name, lane, first: Number(m[2]), last: Number(m[3] ?? 0), level: Number(m[4] ?? 0), bytes },
  };
}

/** The segments of one spool id: files of complete records, dense, each written once from front to back. */
export class Segments {
  readonly #files: SpoolFiles;
  readonly #dir: string;
  readonly #spool: string;
  readonly #segmentBytes: number;
  /** Open for appending, per lane. */
  readonly #active = new Map<number, { segment: Segment; file: SpoolFile }>();
  readonly #cache = new Map<number, { key: string; entries: Entry[] }>();

  constructor(files: SpoolFiles, dir: string, spool: string, segmentBytes: number) {
    this.#files = files;
    this.#dir = dir;
    this.#spool = spool;
    this.#segmentBytes = segmentBytes;
  }

  /** The records and holes of a segment, sorted by number; the one read last in each lane is kept. */
  async load(segment: Segment): Promise<Entry[]> {
    const key = `${segment.name} ${segment.bytes}`;
    const kept = this.#cache.get(segment.lane);
    if (kept?.key === key) return kept.entries;
    const file = await this.#files.open(join(this.#dir, segment.name), "read");
    const bytes = await readAround(file, segment.bytes).finally(() => file.close().catch(codeOf));
    const found = readEntries(bytes, 0, bytes.length, seedOf(this.#spool, LANES[segment.lane]!));
    const entries = found
      .filter((e) => e.lane === segment.lane && (e.kind === KIND.record || e.kind === KIND.gap))
      .sort((a, b) => a.seq - b.seq)
      .filter((e, i, all) => e.seq !== all[i - 1]?.seq);
    this.#cache.set(segment.lane, { key, entries });
    return entries;
  }

  /** Goes on appending to a segment of an earlier run; what that run left in the page cache is made durable first. */
  async resume(segment: Segment): Promise<void> {
    const file = await this.#files.open(join(this.#dir, segment.name), "write");
    await file.sync().catch(async (error) => {
      await file.close().catch(codeOf);
      throw error;
    });
    if (segment.bytes >= this.#segmentBytes || segment.level > 0) await file.close();
    else this.#active.set(segment.lane, { segment, file });
  }

  /** Makes the records of a lane's `tail` durable in segments and takes them off the tail. */
  async append(log: LaneLog): Promise<void> {
    while (log.tail.length > 0) {
      const active = this.#active.get(log.lane);
      const start = active ? wholeBlocks(active.segment.bytes) : TITLE;
      let size = start;
      let count = 0;
      for (const e of log.tail) {
        if (count > 0 && size + entryBytes(e) > this.#segmentBytes) break;
        size += entryBytes(e);
        count++;
      }
      if (active && size > this.#segmentBytes) {
        await this.#release(log.lane);
        continue;
      }
      const entries = log.tail.slice(0, count);
      if (active) await this.#extend(active, entries, start, size);
      else log.segments.push(await this.#create(log.lane, entries, size));
      log.tail = log.tail.slice(count);
    }
  }

  async #extend(active: { segment: Segment; file: SpoolFile }, entries: Entry[], start: number, size: number) {
    const { segment, file } = active;
    const out = Buffer.alloc(wholeBlocks(size - start));
    writeEntries(out, 0, entries, seedOf(this.#spool, LANES[segment.lane]!));
    try {
      await writeAll(file, out, start);
      await file.sync();
    } catch (error) {
      await this.#release(segment.lane);
      throw error;
    }
    segment.bytes = start + out.length;
    this.#cache.delete(segment.lane);
    segment.last = entries.at(-1)!.seq;
  }

  async #create(lane: number, entries: Entry[], size: number): Promise<Segment> {
    const first = entries[0]!.seq;
    const name = nameOf(lane, first, this.#spool);
    const file = await this.#write(name, lane, first, entries, size);
    try {
      await this.#files.syncDir(this.#dir);
    } catch (error) {
      await file.close().catch(codeOf);
      throw error;
    }
    const segment = { name, lane, first, last: entries.at(-1)!.seq, level: 0, bytes: wholeBlocks(size) };
    this.#active.set(lane, { segment, file });
    return segment;
  }

  async #write(name: string, lane: number, first: number, entries: Entry[], size: number): Promise<SpoolFile> {
    const out = Buffer.alloc(wholeBlocks(size));
    out.write(`swath spool ${this.#spool} lane ${LANES[lane]} from ${first}\n`);
    writeEntries(out, TITLE, entries, seedOf(this.#spool, LANES[lane]!));
    this.#cache.delete(lane);
    const file = await this.#files.open(join(this.#dir, name), "new");
    try {
      await writeAll(file, out, 0);
      await file.sync();
      return file;
    } catch (error) {
      await file.close().catch(codeOf);
      throw error;
    }
  }

  async #release(lane: number): Promise<void> {
    const active = this.#active.get(lane);
    this.#active.delete(lane);
    await active?.file.close().catch(codeOf);
  }

  /** True when records are still appended to this segment. */
  isActive(segment: Segment): boolean {
    return this.#active.get(segment.lane)?.segment === segment;
  }

  /** Takes a segment out of its lane and off the disk. */
  async remove(log: LaneLog, segment: Segment): Promise<void> {
    if (this.isActive(segment)) await this.#release(segment.lane);
    log.segments = log.segments.filter((s) => s !== segment);
    await this.unlink(segment.name);
  }

  /** Removes a file of this folder; one that is gone already is as good. */
  async unlink(name: string): Promise<void> {
    await this.#files.unlink(join(this.#dir, name)).catch((error) => {
      if (codeOf(error) !== "ENOENT") throw error;
    });
  }

  /**
   * Replaces neighbouring segments by one with every second record, and holes in the place of the others. The new file's
   * name states its range, so that after a cut the old ones are known to be replaced.
   */
  async thin(log: LaneLog, segments: readonly Segment[]): Promise<void> {
    const lane = log.lane;
    const first = segments[0]!.first;
    const last = segments.at(-1)!.last;
    const level = segments[0]!.level + 1;
    const kept: Entry[] = [];
    let turn = 0;
    const drop = (from: number, to: number): void => {
      const before = kept.at(-1);
      if (before?.kind === KIND.gap && before.mark + 1 === from)
        kept[kept.length - 1] = gapEntry(lane, before.seq, to, "thinned");
      else kept.push(gapEntry(lane, from, to, "thinned"));
    };
    for (const segment of segments) {
      for (const e of await this.load(segment)) {
        // What an earlier run appended beyond this was written again elsewhere.
        if (e.seq > segment.last) break;
        if (e.kind === KIND.gap) drop(e.seq, e.mark);
        else if (e.keep || turn++ % 2 === 0) kept.push(e);
        else drop(e.seq, e.seq);
      }
    }
    const size = TITLE + bytesOf(kept);
    const file = await this.#write(THINNING, lane, first, kept, size);
    await file.close();
    const name = nameOf(lane, first, this.#spool, { last, level });
    await this.#files.rename(join(this.#dir, THINNING), join(this.#dir, name));
    await this.#files.syncDir(this.#dir);
    const thinned = { name, lane, first, last, level, bytes: wholeBlocks(size) };
    log.segments = log.segments.flatMap((s) => (s === segments[0] ? [thinned] : segments.includes(s) ? [] : [s]));
    for (const s of segments) await this.unlink(s.name);
  }

  async close(): Promise<void> {
    for (const lane of [...this.#active.keys()]) await this.#release(lane);
  }
}
