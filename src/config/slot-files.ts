/** What the slots ask of a file system; the port of the spool fits. */
export interface ReadFiles {
  open(
    path: string,
    mode: "read" | "write" | "new",
  ): Promise<{
    read(into: Uint8Array, at: number): Promise<number>;
    write(from: Uint8Array, at: number): Promise<number>;
    sync(): Promise<void>;
    close(): Promise<void>;
  }>;
  rename(from: string, to: string): Promise<void>;
  mkdir(dir: string): Promise<void>;
  syncDir(dir: string): Promise<void>;
}

/** Puts a whole file in place of another: whoever reads it after a cut finds the old one or the new one. */
export async function replaceFile(files: ReadFiles, dir: string, name: string, content: Uint8Array): Promise<void> {
  const path = `${dir}/${name}.new`;
  const file = await files.open(path, "new");
  try {
    for (let done = 0; done < content.length; ) {
      const n = await file.write(content.subarray(done), done);
      if (n <= 0) throw new Error(`${path}: wrote ${done} of ${content.length} bytes`);
      done += n;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await files.rename(path, `${dir}/${name}`);
  await files.syncDir(dir);
}

/** A whole file of at most `maxBytes`; undefined when it cannot be read or is larger. */
export async function readCapped(files: ReadFiles, path: string, maxBytes: number): Promise<Buffer | undefined> {
  try {
    const file = await files.open(path, "read");
    try {
      const all = Buffer.alloc(maxBytes + 1);
      let done = 0;
      for (let n = -1; n !== 0 && done < all.length; done += n) n = await file.read(all.subarray(done), done);
      return done > maxBytes ? undefined : Buffer.from(all.subarray(0, done));
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
