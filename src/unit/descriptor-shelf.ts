import { type ReadFiles, readCapped, replaceFile } from "../config/slot-files.ts";
import { hashOf } from "../model/canonical.ts";
import { type Descriptor, descriptorBody } from "../model/record.ts";

/** A descriptor of some hundred channels is well below it. */
const MAX_BYTES = 1 << 20;
/** Descriptors that may still have records in the spool: one for every change of the configuration. */
const MAX_KEPT = 64;

/** The descriptors of this unit by hash: without them it could not read its own stored records again. */
export interface DescriptorShelf {
  get(hash: string): Descriptor | undefined;
  readonly all: ReadonlyMap<string, Descriptor>;
}

/**
 * Reads the descriptors of earlier configurations from a folder and puts the one in force beside them, durably. A folder
 * that takes nothing costs nothing now: records of a descriptor that is lost are sent in the form they are stored in.
 */
export async function openShelf(options: {
  readonly dir: string;
  readonly files: ReadFiles & {
    list(dir: string): Promise<{ name: string }[]>;
    unlink(path: string): Promise<void>;
  };
  readonly current: { readonly hash: string; readonly body: Descriptor };
  readonly failed: (error: unknown) => void;
}): Promise<DescriptorShelf> {
  const { dir, files, current } = options;
  const known = new Map<string, Descriptor>([[current.hash, current.body]]);
  const found = await files.list(dir).catch(() => []);
  const hashes = found.flatMap(({ name }) => /^([0-9a-f]{16})\.json$/.exec(name)?.[1] ?? []);
  for (const hash of hashes.slice(0, MAX_KEPT)) {
    const body = readDescriptor(await readCapped(files, `${dir}/${hash}.json`, MAX_BYTES));
    if (body !== undefined && hashOf(body) === hash && hash !== current.hash) known.set(hash, body);
  }
  try {
    if (!hashes.includes(current.hash)) {
      await files.mkdir(dir);
      for (const hash of hashes.slice(0, Math.max(0, hashes.length - MAX_KEPT + 1)))
        await files.unlink(`${dir}/${hash}.json`);
      await replaceFile(files, dir, `${current.hash}.json`, Buffer.from(JSON.stringify(current.body)));
    }
  } catch (error) {
    options.failed(error);
  }
  return { get: (hash) => known.get(hash), all: known };
}

function readDescriptor(bytes: Buffer | undefined): Descriptor | undefined {
  if (bytes === undefined) return undefined;
  try {
    const parsed = descriptorBody.safeParse(JSON.parse(bytes.toString("utf8")));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
