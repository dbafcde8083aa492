import { basename } from "node:path";
import type { SpoolFile, SpoolFiles } from "../../src/spool/files.ts";

const SECTOR = 512;

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

/** What goes wrong: an error code, a write of half the bytes, or a sync that fails and drops what it should have kept. */
export type Fault = "EIO" | "ENOSPC" | "EROFS" | "short" | "fsync";
export const FAULTS: readonly Fault[] = ["EIO", "ENOSPC", "EROFS", "short", "fsync"];

/** Content of one file: as programs see it, and as the medium holds it. */
class Inode {
  now: Buffer;
  medium: Buffer;
  dirty = new Set<number>();
  /** Another file system holds the buffer too: copy before writing in place. */
  #nowShared = false;
  #mediumShared = false;

  constructor(now: Buffer = Buffer.alloc(0), medium: Buffer = now) {
    this.now = now;
    this.medium = medium;
  }

  write(from: Uint8Array, at: number): void {
    if (at + from.length > this.now.length) {
      for (let s = Math.floor(this.now.length / SECTOR); s * SECTOR < at; s++) this.dirty.add(s);
      this.now = Buffer.concat([this.now, Buffer.alloc(at + from.length - this.now.length)]);
    } else if (this.now === this.medium || this.#nowShared) this.now = Buffer.from(this.now);
    this.#nowShared = false;
    this.now.set(from, at);
    for (let s = Math.floor(at / SECTOR); s * SECTOR < at + from.length; s++) this.dirty.add(s);
  }

  sync(): void {
    if (this.dirty.size === 0 && this.now.length === this.medium.length) return;
    if (this.now.length !== this.medium.length || this.now === this.medium || this.#mediumShared) {
      const medium = Buffer.alloc(this.now.length);
      this.medium.copy(medium);
      this.medium = medium;
    }
    for (const s of this.dirty) this.now.copy(this.medium, s * SECTOR, s * SECTOR, (s + 1) * SECTOR);
    this.#mediumShared = false;
    this.dirty.clear();
  }

  #share(copy: Inode): Inode {
    for (const inode of [this, copy]) inode.#nowShared = inode.#mediumShared = true;
    return copy;
  }

  /** The same file, as the next process finds it when only this one was killed. */
  kill(): Inode {
    const copy = this.#share(new Inode(this.now, this.medium));
    copy.dirty = new Set(this.dirty);
    return copy;
  }

  /** What a reader finds after power was cut: each unsynced sector is old, new, zero or noise; the size is old or new. */
  cut(rng: Random): Inode {
    if (this.dirty.size === 0 && this.now.length === this.medium.length) return this.#share(new Inode(this.medium));
    const size = rng() < 0.5 ? this.medium.length : this.now.length;
    const after = Buffer.alloc(size);
    this.medium.copy(after, 0, 0, Math.min(size, this.medium.length));
    for (const s of this.dirty) {
      const sector = after.subarray(s * SECTOR, (s + 1) * SECTOR);
      const fate = rng();
      if (fate < 0.5) this.now.copy(sector, 0, s * SECTOR, s * SECTOR + sector.length);
      else if (fate < 0.6) sector.fill(0);
      else if (fate < 0.7) for (let i = 0; i < sector.length; i++) sector[i] = Math.floor(rng() * 256);
    }
    return new Inode(after);
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}

/**
 * A file system in memory that can fail its n-th operation and can be cut at any operation. Directory changes become durable
 * with `syncDir`, in order; contents with `sync`. Paths are told apart by their last part.
 */
export class ModelFiles implements SpoolFiles {
  /** Operations so far, without those that change nothing (`close`). */
  ops = 0;
  /** Bytes handed to `write`. */
  written = 0;
  syncs = 0;
  /** Called before each operation with its name. */
  onOp: ((name: string) => void) | undefined;
  /** Fails operation `at`, counted like `ops`; for ever, or once. */
  fault: { at: number; kind: Fault; forEver: boolean } | undefined;
  /** The negative control: `sync` reports success and does nothing. */
  syncIgnored = false;
  free = 1e12;
  readonly #names = new Map<string, Inode>();
  /** As on the medium, and what happened since. */
  #durable = new Map<string, Inode>();
  #changes: [name: string, inode: Inode | undefined][][] = [];

  #change(...change: [name: string, inode: Inode | undefined][]): void {
    ModelFiles.#apply(this.#names, change);
    this.#changes.push(change);
  }

  static #apply(names: Map<string, Inode>, change: readonly [string, Inode | undefined][]): void {
    for (const [name, inode] of change) {
      if (inode) names.set(name, inode);
      else names.delete(name);
    }
  }

  /** A copy as the next boot would find it, if power were cut now. */
  cut(rng: Random): ModelFiles {
    const after = new ModelFiles();
    const names = new Map(this.#durable);
    const kept = Math.floor(rng() * (this.#changes.length + 1));
    for (const change of this.#changes.slice(0, kept)) ModelFiles.#apply(names, change);
    const copies = new Map<Inode, Inode>();
    for (const [name, inode] of names) {
      const copy = copies.get(inode) ?? inode.cut(rng);
      copies.set(inode, copy);
      after.#names.set(name, copy);
    }
    after.#durable = new Map(after.#names);
    after.syncIgnored = this.syncIgnored;
    after.free = this.free;
    return after;
  }

  /** A copy as the next process would find it, if only this one were killed: nothing is lost, nothing is synced either. */
  kill(): ModelFiles {
    const after = new ModelFiles();
    const copies = new Map<Inode, Inode>();
    const copyOf = (inode: Inode): Inode => {
      const copy = copies.get(inode) ?? inode.kill();
      copies.set(inode, copy);
      return copy;
    };
    for (const [name, inode] of this.#durable) after.#durable.set(name, copyOf(inode));
    for (const [name, inode] of this.#names) after.#names.set(name, copyOf(inode));
    after.#changes = this.#changes.map((change) => change.map(([name, inode]) => [name, inode && copyOf(inode)]));
    after.syncIgnored = this.syncIgnored;
    after.free = this.free;
    return after;
  }

  names(): string[] {
    return [...this.#names.keys()].sort();
  }

  /** Content of a file, to be damaged in place. */
  content(name: string): Buffer {
    const content = Buffer.from(this.#names.get(name)!.now);
    this.put(name, content);
    return content;
  }

  put(name: string, content: Buffer): void {
    this.#names.set(name, new Inode(content));
    this.#durable.set(name, this.#names.get(name)!);
  }

  delete(name: string): void {
    this.#names.delete(name);
    this.#durable.delete(name);
  }

  /** Counts an operation; throws when it is its turn to fail. True: do half of it. */
  #turn(name: string, allocates = true): boolean {
    this.onOp?.(name);
    const n = ++this.ops;
    const f = this.fault;
    if (f === undefined || (f.forEver ? n < f.at : n !== f.at)) return false;
    if (f.kind === "short") return name === "write";
    if (f.kind === "fsync") {
      if (name === "sync" || name === "syncDir") throw failure("EIO");
      return false;
    }
    if (f.kind === "EIO") throw failure("EIO");
    // A full or read-only file system still reads.
    if (name === "read" || name === "list" || name === "freeBytes" || name === "open-read" || name === "sync")
      return false;
    if (f.kind === "ENOSPC" && !(allocates && (name === "write" || name === "open-new"))) return false;
    throw failure(f.kind);
  }

  async open(path: string, mode: "read" | "write" | "new"): Promise<SpoolFile> {
    this.#turn(`open-${mode}`);
    const name = basename(path);
    let inode = this.#names.get(name);
    if (inode === undefined) {
      if (mode === "read") throw failure("ENOENT");
      const made = new Inode();
      inode = made;
      this.#change([name, made]);
    } else if (mode === "new" && inode.now.length > 0) {
      // Truncation, as a new inode under the old name: the old content may survive a cut.
      const made = new Inode();
      inode = made;
      this.#change([name, made]);
    }
    return this.#file(inode);
  }

  #file(inode: Inode): SpoolFile {
    return {
      read: async (into, at) => {
        this.#turn("read");
        return inode.now.copy(into, 0, at, at + into.length);
      },
      write: async (from, at) => {
        const half = this.#turn("write", at + from.length > inode.now.length);
        const part = half ? from.subarray(0, Math.floor(from.length / 2)) : from;
        this.written += part.length;
        inode.write(part, at);
        return part.length;
      },
      sync: async () => {
        try {
          this.#turn("sync");
        } catch (error) {
          // As Linux does: the pages count as clean, and what they held may never reach the medium.
          inode.dirty.clear();
          throw error;
        }
        this.syncs++;
        if (!this.syncIgnored) inode.sync();
      },
      close: async () => {},
    };
  }

  async rename(from: string, to: string): Promise<void> {
    this.#turn("rename");
    const inode = this.#names.get(basename(from));
    if (inode === undefined) throw failure("ENOENT");
    this.#change([basename(from), undefined], [basename(to), inode]);
  }

  async unlink(path: string): Promise<void> {
    this.#turn("unlink");
    if (!this.#names.has(basename(path))) throw failure("ENOENT");
    this.#change([basename(path), undefined]);
  }

  async mkdir(): Promise<void> {
    this.#turn("mkdir");
  }

  async list(): Promise<{ name: string; bytes: number }[]> {
    this.#turn("list");
    return [...this.#names].map(([name, inode]) => ({ name, bytes: inode.now.length }));
  }

  async syncDir(): Promise<void> {
    this.#turn("syncDir");
    if (this.syncIgnored) return;
    this.#changes = [];
    this.#durable = new Map(this.#names);
  }

  async freeBytes(): Promise<number> {
    this.#turn("freeBytes");
    return this.free;
  }
}
