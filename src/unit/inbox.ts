import { constants } from "node:fs";
import { lstat, open, readdir, rename, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BUNDLE_MAX_BYTES, BUNDLE_SUFFIX } from "../config/bundle.ts";

/** One file that was put into the inbox. */
export interface Delivered {
  readonly name: string;
  /** Undefined when it is not a plain file of a size that is read. */
  readonly bytes: Buffer | undefined;
  /** Why there are no bytes. */
  readonly refused: string;
}

/** Longest name that is looked at. */
const NAME_MAX = 100;

/** The bundles in the inbox, oldest name first. A link, a folder or a device is never opened, and nothing large is read. */
export async function takeInbox(dir: string): Promise<Delivered[]> {
  let names: string[];
  try {
    names = await readdir(dir);
  } catch {
    return [];
  }
  const bundles = names.filter((name) => name.endsWith(BUNDLE_SUFFIX) && name.length <= NAME_MAX).sort();
  return Promise.all(bundles.map((name) => read(dir, name)));
}

async function read(dir: string, name: string): Promise<Delivered> {
  const refuse = (refused: string): Delivered => ({ name, bytes: undefined, refused });
  const path = join(dir, name);
  try {
    const found = await lstat(path);
    if (!found.isFile()) return refuse("it is not a plain file");
    if (found.size > BUNDLE_MAX_BYTES)
      return refuse(`it has ${found.size} bytes, at most ${BUNDLE_MAX_BYTES} are read`);
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const all = Buffer.alloc(BUNDLE_MAX_BYTES + 1);
      let length = 0;
      for (let n = -1; n !== 0 && length < all.length; length += n)
        n = (await file.read(all, length, all.length - length, length)).bytesRead;
      return { name, bytes: Buffer.from(all.subarray(0, length)), refused: "" };
    } finally {
      await file.close();
    }
  } catch (e) {
    return refuse(`it cannot be read (${e instanceof Error && "code" in e ? String(e.code) : String(e)})`);
  }
}

/** Writes the answer beside a bundle, `<name>.txt`, and takes the bundle away: it is asked about once. */
export async function answerInbox(dir: string, name: string, lines: readonly string[]): Promise<void> {
  await put(join(dir, `${name}.txt`), lines.join("\n"));
  await unlink(join(dir, name)).catch(() => undefined);
}

/** Writes into the inbox how the last trial ended, `verdict.txt`: one line, `serial 7 committed: …` or `… reverted: …`. */
export async function tellVerdict(dir: string, line: string): Promise<void> {
  await put(join(dir, "verdict.txt"), line);
}

/** Whoever waits for a file must find all of it. */
async function put(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, `${text}\n`, { mode: 0o644 })
    .then(() => rename(`${path}.new`, path))
    .catch(() => undefined);
}
