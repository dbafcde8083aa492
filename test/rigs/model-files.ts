import { basename } from "node:path";
import type { SpoolFile, SpoolFiles } from "../../src/spool/files.ts";
import { Inode, type Random } from "./model-inode.ts";

export { type Random, random } from "./model-inode.ts";

/** What goes wrong: an error code, a write of half the bytes, or a sync that fails and drops what it should have kept. */
export type Fault = "EIO" | "ENOSPC" | "EROFS" | "short" | "fsync";
export const FAULTS: readonly Fault[] = ["EIO", "ENOSPC", "EROFS", "short", "fsync"];

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
  /** Counts what changed a file, its durable part, or the folder. */
  mutations = 0;
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
    this.mutations++;
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

  /** Everything that a cut can take away or leave: more than one state may follow from it. */
  get unsynced(): boolean {
    if (this.#changes.length > 0) return true;
    for (const inode of this.#names.values()) if (inode.unsynced) return true;
    return false;
  }

  /** Tells states apart by what programs find: names, sizes and contents (64 bits of hash). */
  key(): string {
    let a = 0;
    let b = 0;
    for (const [name, inode] of this.#names) {
      let [x, y] = inode.hash();
      for (let i = 0; i < name.length; i++) {
        x = Math.imul(x ^ name.charCodeAt(i), 0x01000193);
        y = Math.imul((y << 5) | (y >>> 27), 0x85ebca6b) ^ name.charCodeAt(i);
      }
      // Names are in no order.
      a = (a + x) | 0;
      b = (b + y) | 0;
    }
    return `${a} ${b}`;
  }

  names(): string[] {
    return [...this.#names.keys()].sort();
  }

  /** Content of a file, to be damaged in place. */
  content(name: string): Buffer {
    const content = this.#names.get(name)!.content();
    this.#place(name, Inode.over(content));
    return content;
  }

  put(name: string, content: Buffer): void {
    const inode = new Inode();
    inode.write(content, 0);
    inode.sync();
    this.#place(name, inode);
  }

  #place(name: string, inode: Inode): void {
    this.#names.set(name, inode);
    this.#durable.set(name, inode);
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
    } else if (mode === "new" && inode.bytes > 0) {
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
        return inode.read(into, at);
      },
      write: async (from, at) => {
        const half = this.#turn("write", at + from.length > inode.bytes);
        const part = half ? from.subarray(0, Math.floor(from.length / 2)) : from;
        this.written += part.length;
        this.mutations++;
        inode.write(part, at);
        return part.length;
      },
      sync: async () => {
        try {
          this.#turn("sync");
        } catch (error) {
          inode.forget();
          throw error;
        }
        this.syncs++;
        if (this.syncIgnored) return;
        this.mutations++;
        inode.sync();
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
    return [...this.#names].map(([name, inode]) => ({ name, bytes: inode.bytes }));
  }

  async syncDir(): Promise<void> {
    this.#turn("syncDir");
    if (this.syncIgnored) return;
    this.mutations++;
    this.#changes = [];
    this.#durable = new Map(this.#names);
  }

  async freeBytes(): Promise<number> {
    this.#turn("freeBytes");
    return this.free;
  }
}
