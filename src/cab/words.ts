import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { jsonOf } from "./json.ts";

/** Every sentence of the page by its key; `language` is the language's own name. */
const words = z.record(z.string().regex(/^[a-z][a-z0-9_.]*$/), z.string().min(1).max(400));

export type Words = Readonly<Record<string, string>>;

const FALLBACK = "en";

/**
 * The languages of the page: one file `<code>.json` each, in `folder`, then in `more`, whose files win. A sentence that a
 * language does not have is English. Throws when a file is not of this form; says which.
 */
export function loadWords(folder: string, more?: string): ReadonlyMap<string, Words> {
  const found = new Map<string, Words>();
  for (const dir of more === undefined ? [folder] : [folder, more]) {
    for (const name of readdirSync(dir).sort()) {
      const code = /^([a-z]{2,8})\.json$/.exec(name)?.[1];
      if (code === undefined) continue;
      const file = join(dir, name);
      const parsed = words.safeParse(jsonOf(readFileSync(file, "utf8")));
      if (!parsed.success)
        throw new Error(`${file}: expected JSON, an object of sentences by key: ${z.prettifyError(parsed.error)}`);
      found.set(code, { ...found.get(code), ...parsed.data });
    }
  }
  const english = found.get(FALLBACK) ?? {};
  for (const [code, own] of found) found.set(code, { ...english, ...own });
  return found;
}
