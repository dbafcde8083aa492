import { constants, type Dirent } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, stat, statfs, unlink } from "node:fs/promises";
import { join } from "node:path";
import { SwathError } from "../model/errors.ts";

/** The unit in which file systems write to a card; commits and checkpoints start at a multiple of it. */
export const BLOCK = 4096;

/** `read`: must exist. `write`: made when missing, kept when not. `new`: made, or emptied. */
export type OpenMode = "read" | "write" | "new";

/** One open file. Reads and writes may be short, like the system calls. */
export interface SpoolFile {
  read(into: Uint8Array, at: number): Promise<number>;
  write(from: Uint8Array, at: number): Promise<number>;
  /** Resolves when everything written before is on the medium (`fdatasync`). */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Everything the spool asks of a file system; the only way from this room to a disk. Errors carry Node's `code`. */
export interface SpoolFiles {
  open(path: string, mode: OpenMode): Promise<SpoolFile>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  mkdir(dir: string): Promise<void>;
  list(dir: string): Promise<{ name: string; bytes: number }[]>;
  syncDir(dir: string): Promise<void>;
  freeBytes(dir: string): Promise<number>;
}

const FLAGS: Record<OpenMode, number> = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR | constants.O_CREAT,
  new: constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC,
};

function wrap(handle: FileHandle): SpoolFile {
  return {
    read: async (into, at) => (await handle.read(into, 0, into.length, at)).bytesRead,
    write: async (from, at) => (await handle.write(from, 0, from.length, at)).bytesWritten,
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}

/** The real file system. Calls go through the thread pool (about 37 µs each), so a stalled card never stalls the loop. */
export const diskFiles: SpoolFiles = {
  open: async (path, mode) => wrap(await open(path, FLAGS[mode], 0o600)),
  rename,
  unlink,
  mkdir: async (dir) => {
    await mkdir(dir, { recursive: true, mode: 0o700 });
  },
  list: async (dir) => {
    const entries: Dirent[] = await readdir(dir, { withFileTypes: true });
    const files = entries.filter((e) => e.isFile());
    return Promise.all(files.map(async (e) => ({ name: e.name, bytes: (await stat(join(dir, e.name))).size })));
  },
  syncDir: async (dir) => {
    const handle = await open(dir, constants.O_RDONLY);
    await handle.sync().finally(() => handle.close());
  },
  freeBytes: async (dir) => {
    const s = await statfs(dir);
    return s.bavail * s.bsize;
  },
};

/** Node's error code of a failed file operation, "" when it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** Writes all of `from` at `at`, going on after short writes. */
export async function writeAll(file: SpoolFile, from: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < from.length; ) {
    const n = await file.write(done === 0 ? from : from.subarray(done), at + done);
    if (n <= 0) throw new SwathError("spool/unwritable", `wrote 0 of ${from.length - done} bytes at ${at + done}`);
    done += n;
  }
}

async function readChunk(file: SpoolFile, into: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const n = await file.read(into.subarray(done), at + done);
    if (n <= 0) return;
    done += n;
  }
}

/**
 * The first `bytes` of a file, with zeros where blocks cannot be read or the file has ended: a bad sector costs what was
 * in it. Throws the last error when not one block could be read.
 */
export async function readAround(file: SpoolFile, bytes: number): Promise<Buffer> {
  const all = Buffer.alloc(bytes);
  try {
    await readChunk(file, all, 0);
    return all;
  } catch (error) {
    let failure: unknown = error;
    let good = 0;
    for (let at = 0; at < bytes; at += BLOCK) {
      const block = all.subarray(at, Math.min(bytes, at + BLOCK));
      try {
        await readChunk(file, block, at);
        good++;
      } catch (e) {
        block.fill(0);
        failure = e;
      }
    }
    if (good === 0) throw failure;
    return all;
  }
}
