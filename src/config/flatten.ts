import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { isMap, parseDocument } from "yaml";
import type { Catalogue } from "../device/catalogue.ts";
import { SwathError } from "../model/errors.ts";
import type { Bundle } from "./bundle.ts";
import { loadConfig } from "./load.ts";
import type { LoadedConfig } from "./loaded.ts";
import { type Problem, problemsError } from "./problems.ts";
import { readYaml } from "./read-yaml.ts";
import { keyPath, placeOf, treeAt } from "./tree.ts";

/** The file of a bundle that stands for the unit file. */
export const UNIT_FILE = "unit.yaml";

/**
 * A configuration as files with safe names that lie beside each other and mean the same: every file keeps its comments, and
 * only the names of the others in it are new. Throws a `SwathError` of `config` that lists every path which would mean
 * something else on a unit, with file, line and key.
 */
export function flattenConfig(loaded: LoadedConfig, catalogue: Catalogue): Bundle["files"] {
  const hasSite = loaded.site !== undefined && loaded.siteFile !== undefined;
  const chain = hasSite ? loaded.files.slice(0, -1) : loaded.files;
  const nameOf = (i: number) => (i === 0 ? UNIT_FILE : `profile-${i}.yaml`);
  const problems = chain.flatMap(partialPaths);
  if (problems.length > 0) throw problemsError(problems, chain);
  const files = chain.map((file, i) => {
    const doc = parseDocument(readFileSync(file, "utf8"));
    if (isMap(doc.contents)) {
      if (i + 1 < chain.length) doc.set("extends", nameOf(i + 1));
      if (hasSite && typeof doc.get("site") === "string") doc.set("site", "site.yaml");
    }
    return { name: nameOf(i), text: doc.toString({ lineWidth: 0 }) };
  });
  const site =
    loaded.siteFile === undefined ? [] : [{ name: "site.yaml", text: readFileSync(loaded.siteFile, "utf8") }];
  const all = [...files, ...site];
  const again = loadFlat(all, catalogue);
  if (again.hash !== loaded.hash)
    throw new SwathError("internal/bug", `flattened, ${loaded.file} means ${again.hash} in place of ${loaded.hash}`);
  return all;
}

/** Every key that names a file or folder of the unit; `hooks` are full paths by their schema. */
const PATHS = [
  ["spool", "dir"],
  ["broker", "passwordFile"],
  ["broker", "caFile"],
  ["broker", "certFile"],
  ["broker", "keyFile"],
  ["hq", "keyFiles"],
  ["hq", "exportKeyFile"],
  ["cab", "tokenFile"],
  ["cab", "languagesDir"],
] as const;

/** The paths in one file that start at its folder, which on a unit is another. */
function partialPaths(file: string): readonly Problem[] {
  const tree = readYaml(file, { file, line: 1 }, "extends", []);
  if (tree === undefined) return [];
  return PATHS.flatMap((path) => {
    const value = treeAt(tree, path);
    const values = value?.kind === "list" ? value.items.map((item, i) => ({ item, path: [...path, i] })) : [];
    if (value?.kind === "scalar") values.push({ item: value, path: [...path] });
    return values.flatMap(({ item, path }): Problem[] =>
      item.kind !== "scalar" || typeof item.value !== "string" || isAbsolute(item.value)
        ? []
        : [
            {
              code: "config/conflict",
              place: placeOf(tree, path),
              key: keyPath(path),
              text: `found "${item.value}", expected a full path, because a bundle is unpacked elsewhere`,
            },
          ],
    );
  });
}

/** Loads the files of a bundle. Messages name them without a folder. */
export function loadFlat(files: Bundle["files"], catalogue: Catalogue): LoadedConfig {
  const dir = mkdtempSync(join(tmpdir(), "swath-bundle-"));
  try {
    return loadFlatIn(dir, files, catalogue);
  } catch (e) {
    if (e instanceof SwathError) throw new SwathError(e.code, e.message.replaceAll(`${dir}/`, ""), e.cause);
    throw e;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Writes the files of a bundle into an empty folder and loads them from there. */
export function loadFlatIn(dir: string, files: Bundle["files"], catalogue: Catalogue): LoadedConfig {
  for (const { name, text } of files) writeFileSync(join(dir, name), text, { flag: "wx", mode: 0o600 });
  return loadFlatThere(dir, catalogue);
}

/** Loads the files of a bundle that lie in a folder already. */
export function loadFlatThere(dir: string, catalogue: Catalogue): LoadedConfig {
  return loadConfig(join(dir, UNIT_FILE), { catalogue, flat: true });
}
