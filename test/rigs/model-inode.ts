/** The unit in which a write can tear. */
const SECTOR = 512;
/** The unit in which contents are shared between copies. */
const BLOCK = 4096;
const SECTORS = BLOCK / SECTOR;
const WHOLE = (1 << SECTORS) - 1;
const SLAB = 64 * BLOCK;

/** A seeded source of numbers in [0, 1). */
export type Random = () => number;

/** Mulberry32. */
export function random(seed: number): Random {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** 4,096 bytes that are never changed once a file holds them, so that any number of file systems may share them. */
class Block {
  readonly bytes: Uint8Array;
  #hash: readonly [number, number] | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Two 32-bit hashes of the content, made when first asked for. */
  get hash(): readonly [number, number] {
    if (this.#hash !== undefined) return this.#hash;
    const words = new Int32Array(this.bytes.buffer, this.bytes.byteOffset, BLOCK / 4);
    let a = 0x9747b28c;
    let b = 0x1b873593;
    for (let i = 0; i < words.length; i++) {
      const w = words[i]!;
      a = Math.imul(a ^ w, 0x85ebca6b);
      a ^= a >>> 15;
      b = Math.imul((b << 13) | (b >>> 19), 5) + Math.imul(w ^ i, 0xc2b2ae35);
    }
    this.#hash = [a, b];
    return this.#hash;
  }
}

const ZERO = new Block(new Uint8Array(BLOCK));

let slab = new ArrayBuffer(SLAB);
let slabUsed = 0;

/** A block's worth of memory; what it holds is undefined. */
function fresh(): Uint8Array {
  if (slabUsed === SLAB) {
    slab = new ArrayBuffer(SLAB);
    slabUsed = 0;
  }
  const bytes = new Uint8Array(slab, slabUsed, BLOCK);
  slabUsed += BLOCK;
  return bytes;
}

const blocksIn = (bytes: number): number => Math.ceil(bytes / BLOCK);

/** Content of one file: as programs see it, and as the medium holds it. Copies share every block that is equal. */
export class Inode {
  #now: Block[];
  #nowBytes: number;
  #medium: Block[];
  #mediumBytes: number;
  /** Per block the sectors written and not synced, as bits. */
  #dirty = new Map<number, number>();

  constructor(now: Block[] = [], nowBytes = 0, medium: Block[] = now, mediumBytes = nowBytes) {
    this.#now = now;
    this.#nowBytes = nowBytes;
    this.#medium = medium;
    this.#mediumBytes = mediumBytes;
  }

  /** A durable file over `content`, which its owner may damage in place: its memory must be whole blocks, aligned. */
  static over(content: Buffer): Inode {
    const blocks: Block[] = [];
    for (let at = 0; at < content.length; at += BLOCK)
      blocks.push(new Block(new Uint8Array(content.buffer, content.byteOffset + at, BLOCK)));
    return new Inode(blocks, content.length);
  }

  /** A copy of what programs see, in memory that `over` takes. */
  content(): Buffer {
    const copy = Buffer.from(new ArrayBuffer(blocksIn(this.#nowBytes) * BLOCK)).subarray(0, this.#nowBytes);
    this.read(copy, 0);
    return copy;
  }

  get bytes(): number {
    return this.#nowBytes;
  }

  /** True while power could take something away. */
  get unsynced(): boolean {
    return this.#dirty.size > 0 || this.#nowBytes !== this.#mediumBytes;
  }

  read(into: Uint8Array, at: number): number {
    const bytes = Math.max(0, Math.min(into.length, this.#nowBytes - at));
    for (let done = 0; done < bytes; ) {
      const from = (at + done) % BLOCK;
      const count = Math.min(BLOCK - from, bytes - done);
      const block = this.#now[Math.floor((at + done) / BLOCK)]!.bytes;
      into.set(count === BLOCK ? block : block.subarray(from, from + count), done);
      done += count;
    }
    return bytes;
  }

  write(from: Uint8Array, at: number): void {
    if (this.#now === this.#medium) this.#now = this.#medium.slice();
    const end = at + from.length;
    if (end > this.#nowBytes) {
      for (let s = Math.floor(this.#nowBytes / SECTOR); s * SECTOR < at; s++) this.#mark(s);
      while (this.#now.length < blocksIn(end)) this.#now.push(ZERO);
      this.#nowBytes = end;
    }
    for (let p = at; p < end; ) {
      const index = Math.floor(p / BLOCK);
      const offset = p - index * BLOCK;
      const count = Math.min(BLOCK - offset, end - p);
      const bytes = fresh();
      if (count < BLOCK) bytes.set(this.#now[index]!.bytes);
      bytes.set(from.subarray(p - at, p - at + count), offset);
      this.#now[index] = new Block(bytes);
      p += count;
    }
    for (let s = Math.floor(at / SECTOR); s * SECTOR < end; s++) this.#mark(s);
  }

  #mark(sector: number): void {
    const block = Math.floor(sector / SECTORS);
    this.#dirty.set(block, (this.#dirty.get(block) ?? 0) | (1 << (sector % SECTORS)));
  }

  sync(): void {
    if (!this.unsynced) return;
    const medium = this.#medium.slice(0, this.#now.length);
    while (medium.length < this.#now.length) medium.push(ZERO);
    for (const [index, mask] of this.#dirty) {
      const now = this.#now[index];
      if (now === undefined) continue;
      medium[index] = mask === WHOLE ? now : mixed(medium[index]!, now, mask);
    }
    this.#medium = medium;
    this.#mediumBytes = this.#nowBytes;
    this.#dirty.clear();
  }

  /** As Linux after a failed sync: the pages count as clean, and what they held may never reach the medium. */
  forget(): void {
    this.#dirty.clear();
  }

  /** The same file, as the next process finds it when only this one was killed. */
  kill(): Inode {
    const copy = new Inode(this.#now.slice(), this.#nowBytes, this.#medium, this.#mediumBytes);
    copy.#dirty = new Map(this.#dirty);
    return copy;
  }

  /**
   * What a reader finds after power was cut; the size is old or new. Mostly each unsynced sector is old, new, zero or noise on
   * its own; at times all are new up to one, or all but one, as when a disk stops in the middle or writes in another order.
   */
  cut(rng: Random): Inode {
    if (!this.unsynced) return new Inode(this.#medium, this.#mediumBytes);
    const size = rng() < 0.5 ? this.#mediumBytes : this.#nowBytes;
    const after = this.#medium.slice(0, blocksIn(size));
    while (after.length < blocksIn(size)) after.push(ZERO);
    const manner = rng();
    const sectors = manner < 0.3 ? bits(this.#dirty) : 0;
    const odd = manner < 0.3 ? Math.floor(rng() * (sectors + 1)) : 0;
    let nth = 0;
    for (const [index, mask] of this.#dirty) {
      let take = 0;
      let zero = 0;
      let noise = 0;
      for (let s = 0; s < SECTORS; s++) {
        if ((mask & (1 << s)) === 0) continue;
        if (manner < 0.15) take |= nth++ < odd ? 1 << s : 0;
        else if (manner < 0.3) take |= nth++ !== odd ? 1 << s : 0;
        else {
          const fate = rng();
          if (fate < 0.5) take |= 1 << s;
          else if (fate < 0.6) zero |= 1 << s;
          else if (fate < 0.7) noise |= 1 << s;
        }
      }
      if (index >= after.length) continue;
      after[index] = torn(after[index]!, this.#now[index]!, take, zero, noise, rng);
    }
    // A size in the middle of a block: beyond the end nothing is kept.
    const rest = size % BLOCK;
    if (rest > 0) after[after.length - 1] = ended(after.at(-1)!, rest);
    return new Inode(after, size);
  }

  /** Two 32-bit hashes of what programs see. */
  hash(): [number, number] {
    let a = this.#nowBytes | 0;
    let b = ~this.#nowBytes;
    for (let i = 0; i < this.#now.length; i++) {
      const [x, y] = this.#now[i]!.hash;
      a = Math.imul(a ^ x, 0x85ebca6b);
      a ^= a >>> 13;
      b = Math.imul(b ^ y, 0xc2b2ae35);
      b ^= b >>> 16;
    }
    return [a, b];
  }
}

function bits(dirty: ReadonlyMap<number, number>): number {
  let count = 0;
  for (const mask of dirty.values()) for (let m = mask; m !== 0; m &= m - 1) count++;
  return count;
}

/** `old` with the sectors of `mask` from `now`. */
function mixed(old: Block, now: Block, mask: number): Block {
  const bytes = fresh();
  bytes.set(old.bytes);
  for (let s = 0; s < SECTORS; s++)
    if (mask & (1 << s)) bytes.set(now.bytes.subarray(s * SECTOR, (s + 1) * SECTOR), s * SECTOR);
  return new Block(bytes);
}

/** `old` after some sectors were taken from `now`, some zeroed, and some filled with noise. */
function torn(old: Block, now: Block, take: number, zero: number, noise: number, rng: Random): Block {
  if (take === WHOLE) return now;
  if ((take | zero | noise) === 0) return old;
  const block = mixed(old, now, take);
  for (let s = 0; s < SECTORS; s++) {
    const sector = block.bytes.subarray(s * SECTOR, (s + 1) * SECTOR);
    if (zero & (1 << s)) sector.fill(0);
    if ((noise & (1 << s)) === 0) continue;
    const words = new Int32Array(sector.buffer, sector.byteOffset, SECTOR / 4);
    for (let i = 0; i < words.length; i++) words[i] = (rng() * 4294967296) | 0;
  }
  return block;
}

function ended(block: Block, bytes: number): Block {
  const short = fresh();
  short.set(block.bytes.subarray(0, bytes));
  short.fill(0, bytes);
  return new Block(short);
}
