import { randomBytes } from "node:crypto";
import { SwathError } from "../model/errors.ts";
import { crc32c } from "./crc32c.ts";
import { bytesOf, type Entry, readEntries, seedOf, writeEntries } from "./entry.ts";
import { BLOCK, codeOf, readAround, type SpoolFile, type SpoolFiles, writeAll } from "./files.ts";

/** What every commit states beside its entries, per lane in the order of `LANES`. */
export interface CommitFacts {
  /** 16 hex digits. */
  readonly spool: string;
  /** The next number to give. */
  readonly next: readonly number[];
  /** Up to this number records are safe elsewhere. */
  readonly freed: readonly number[];
}

/** A commit as found on the medium. */
export interface Commit extends CommitFacts {
  readonly n: number;
  /** The oldest commit whose entries still matter. */
  readonly tail: number;
  readonly start: number;
  readonly blocks: number;
  readonly payload: number;
  readonly nonce: number;
}

/** Magic 4, CRC-32C 4, n 6, tail 6, payload 4, nonce 4, spool 8, next 18, freed 18. */
const HEADER = 72;
const MAGIC = 0x6c4a5753;

function writeHeader(out: Buffer, at: number, c: Commit): void {
  out.writeUInt32LE(MAGIC, at);
  out.writeUIntLE(c.n, at + 8, 6);
  out.writeUIntLE(c.tail, at + 14, 6);
  out.writeUInt32LE(c.payload, at + 20);
  out.writeUInt32LE(c.nonce, at + 24);
  out.write(c.spool, at + 28, "hex");
  for (let lane = 0; lane < 3; lane++) {
    out.writeUIntLE(c.next[lane]!, at + 36 + 6 * lane, 6);
    out.writeUIntLE(c.freed[lane]!, at + 54 + 6 * lane, 6);
  }
  out.writeUInt32LE(crc32c(out, at + 8, at + HEADER), at + 4);
}

function readHeader(ring: Buffer, at: number): Omit<Commit, "start"> | undefined {
  if (ring.readUInt32LE(at) !== MAGIC || ring.readUInt32LE(at + 4) !== crc32c(ring, at + 8, at + HEADER)) return;
  const payload = ring.readUInt32LE(at + 20);
  const lanes = [0, 1, 2];
  return {
    n: ring.readUIntLE(at + 8, 6),
    tail: ring.readUIntLE(at + 14, 6),
    blocks: Math.ceil((payload + 2 * HEADER) / BLOCK),
    payload,
    nonce: ring.readUInt32LE(at + 24),
    spool: ring.toString("hex", at + 28, at + 36),
    next: lanes.map((lane) => ring.readUIntLE(at + 36 + 6 * lane, 6)),
    freed: lanes.map((lane) => ring.readUIntLE(at + 54 + 6 * lane, 6)),
  };
}

/** All commits in the ring. The header stands at both ends of a commit, so one lost sector does not hide it. */
function findCommits(ring: Buffer): Commit[] {
  const found = new Map<number, Commit>();
  const keep = (c: Omit<Commit, "start">, start: number): void => {
    const n = found.get(start)?.n ?? -1;
    if (start >= 0 && c.n > n && (start + c.blocks) * BLOCK <= ring.length) found.set(start, { ...c, start });
  };
  for (let block = 0; (block + 1) * BLOCK <= ring.length; block++) {
    const first = readHeader(ring, block * BLOCK);
    const last = readHeader(ring, (block + 1) * BLOCK - HEADER);
    if (first) keep(first, block);
    if (last) keep(last, block + 1 - last.blocks);
  }
  return [...found.values()].sort((a, b) => a.n - b.n);
}

/**
 * A preallocated file, overwritten in place as a ring of commits. A commit starts at a block of its own and ends in one
 * `sync`; it never touches a block that holds acknowledged entries.
 */
export class Journal {
  readonly #files: SpoolFiles;
  readonly #path: string;
  readonly #bytes: number;
  /** Tells the commits of this run from those of the same number that an earlier run began. */
  readonly #nonce = randomBytes(4).readUInt32LE();
  #file: SpoolFile | undefined;
  #fileBytes = 0;
  /** Ring size, next free block and first block in use. */
  #size = 0;
  #head = 0;
  #tailBlock = 0;
  #n = 0;
  #tail = 1;

  constructor(files: SpoolFiles, path: string, bytes: number) {
    this.#files = files;
    this.#path = path;
    this.#bytes = bytes;
  }

  /** Bytes of the ring. */
  get bytes(): number {
    return this.#size * BLOCK;
  }

  get #used(): number {
    return (this.#head - this.#tailBlock + this.#size) % this.#size;
  }

  /** True when 3/8 of the ring are in use: a checkpoint should free it while there is ample room for its own commits. */
  get crowded(): boolean {
    return this.#used * 8 > this.#size * 3;
  }

  /** True when 5/8 are in use, so that checkpoints have failed for a while. */
  get pressed(): boolean {
    return this.#used * 8 > this.#size * 5;
  }

  /** Reads the ring, of `fileBytes` (0 when missing): the newest commit's facts and every live entry, oldest first. */
  async recover(fileBytes: number): Promise<{ newest: Commit | undefined; entries: Entry[] }> {
    this.#fileBytes = fileBytes;
    const blocks = Math.floor(fileBytes / BLOCK);
    this.#size = Math.max(blocks, Math.ceil(this.#bytes / BLOCK));
    if (blocks === 0) return { newest: undefined, entries: [] };
    this.#file = await this.#files.open(this.#path, "read");
    const ring = await readAround(this.#file, blocks * BLOCK);
    const commits = findCommits(ring);
    const newest = commits.at(-1);
    if (newest === undefined) return { newest, entries: [] };
    const own = commits.filter((c) => c.spool === newest.spool);
    const entriesOf = (c: Commit): Entry[] => {
      const at = c.start * BLOCK + HEADER;
      return readEntries(ring, at, at + c.payload, seedOf(c.spool, c.n) ^ c.nonce);
    };
    // A rebase that was cut has freed nothing.
    const whole = own.findLast((c) => c.tail !== c.n || bytesOf(entriesOf(c)) === c.payload);
    const live = own.filter((c) => c.n >= (whole ?? newest).tail);
    this.#n = newest.n;
    this.#tail = (whole ?? newest).tail;
    this.#head = newest.start + newest.blocks;
    this.#tailBlock = live[0]!.start;
    return { newest, entries: live.flatMap(entriesOf) };
  }

  /** Opens the ring for writing; makes it, block by block, so that commits never allocate. */
  async start(): Promise<void> {
    await this.close();
    this.#file = await this.#files.open(this.#path, "write");
    const from = Math.floor(this.#fileBytes / BLOCK) * BLOCK;
    const zeros = Buffer.alloc(Math.max(0, Math.min(64 * BLOCK, this.bytes - from)));
    for (let at = from; at < this.bytes; at += zeros.length) {
      await writeAll(this.#file, zeros.subarray(0, Math.min(zeros.length, this.bytes - at)), at);
    }
    await this.#file.sync();
    this.#fileBytes = this.bytes;
  }

  /** Rejects when the medium does not answer: to tell a damaged file from a disk that is gone. */
  async probe(): Promise<void> {
    if (this.#file === undefined) throw new SwathError("spool/unwritable", "the journal is not open");
    await this.#file.read(Buffer.alloc(BLOCK), 0);
  }

  /** Makes `entries` durable in one write and one sync. With `rebase`, everything committed before is free afterwards. */
  async commit(entries: readonly Entry[], facts: CommitFacts, rebase = false): Promise<void> {
    const payload = bytesOf(entries);
    const blocks = Math.ceil((payload + 2 * HEADER) / BLOCK);
    // A rebase of a ring that is full to the last block may begin anywhere: its records are in segments by now.
    const start = this.#place(blocks) ?? (rebase ? 0 : undefined);
    if (start === undefined || this.#file === undefined)
      throw new SwathError("spool/full", `the journal has no ${blocks} blocks in a row`);
    const n = ++this.#n;
    const out = Buffer.alloc(blocks * BLOCK);
    const header = { ...facts, n, tail: rebase ? n : this.#tail, start, blocks, payload, nonce: this.#nonce };
    writeHeader(out, 0, header);
    writeEntries(out, HEADER, entries, seedOf(facts.spool, n) ^ this.#nonce);
    writeHeader(out, out.length - HEADER, header);
    // Also after a failure the blocks are not used again before the next rebase: what they hold is unknown.
    this.#head = start + blocks;
    await writeAll(this.#file, out, start * BLOCK);
    await this.#file.sync();
    if (!rebase) return;
    this.#tail = n;
    this.#tailBlock = start;
  }

  /** Where `blocks` in a row are free; head and tail never meet, so that full and empty differ. */
  #place(blocks: number): number | undefined {
    const head = this.#head;
    if (head < this.#tailBlock) return head + blocks < this.#tailBlock ? head : undefined;
    if (head + blocks <= this.#size && !(this.#tailBlock === 0 && head + blocks === this.#size)) return head;
    return blocks < this.#tailBlock ? 0 : undefined;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch((error) => codeOf(error));
  }
}
