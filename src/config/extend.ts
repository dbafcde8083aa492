import { realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, normalize } from "node:path";
import { describe } from "./expected.ts";
import type { Problem } from "./problems.ts";
import { type NamingKey, readYaml } from "./read-yaml.ts";
import { type MapTree, mergeTrees, type Place, type Tree } from "./tree.ts";

/** A unit file, then the profile it extends, then what that extends. */
const MOST_FILES = 3;

/** What reading a unit file and everything it extends gave. */
export interface Merged {
  readonly tree: MapTree;
  /** Every file read, the unit file first, as they are named in messages. */
  readonly files: readonly string[];
  /** The last of them, when it is a site file. */
  readonly site: string | undefined;
}

/**
 * Reads `file` and the profiles it extends and lays them over each other, the unit file on top. Undefined when one of
 * them cannot be read or is not a map of keys; what is wrong is added to `problems`. Files that lie `flat` may name only what
 * lies beside them.
 */
export function readExtended(file: string, problems: Problem[], flat = false): Merged | undefined {
  const layers: MapTree[] = [];
  const files: string[] = [];
  const seen = new Set<string>();
  let next: Named | undefined = { file, from: { file, line: 1 } };
  while (next !== undefined) {
    const named: Named = next;
    const layer = readLayer(named, files.length, seen, problems);
    files.push(named.file);
    if (layer === undefined) return undefined;
    const entries = new Map(layer.entries);
    const below = entries.get("extends");
    entries.delete("extends");
    layers.push({ ...layer, entries });
    if (below === undefined) break;
    next = fileNamed("extends", named.file, below.key, below.value, problems, flat);
    if (next === undefined) return undefined;
  }
  const tree = layers.reduceRight<Tree>(mergeTrees, { kind: "map", place: { file, line: 1 }, entries: new Map() });
  return tree.kind === "map" ? withSite({ tree, files, site: undefined }, problems, flat) : undefined;
}

/** Where `site` is the name of a file, what stands in that file takes its place. */
function withSite(merged: Merged, problems: Problem[], flat: boolean): Merged | undefined {
  const named = merged.tree.entries.get("site");
  if (named?.value.kind !== "scalar") return merged;
  const next = fileNamed("site", named.value.place.file, named.key, named.value, problems, flat);
  const tree = next === undefined ? undefined : readYaml(next.file, next.from, "site", problems);
  if (next === undefined || tree === undefined) return undefined;
  const entries = new Map(merged.tree.entries).set("site", { key: named.key, value: tree });
  return { tree: { ...merged.tree, entries }, files: [...merged.files, next.file], site: next.file };
}

/** A file to read, and the place that named it. */
interface Named {
  readonly file: string;
  readonly from: Place;
}

function readLayer({ file, from }: Named, above: number, seen: Set<string>, problems: Problem[]): MapTree | undefined {
  const blame = (text: string): undefined => {
    problems.push({ code: "config/conflict", place: from, key: "extends", text: `${file} ${text}` });
    return undefined;
  };
  const real = realName(file);
  if (seen.has(real)) return blame("is already part of this chain of files");
  if (above >= MOST_FILES) return blame(`is one file too many: at most ${MOST_FILES} extend each other`);
  seen.add(real);
  const tree = readYaml(file, from, "extends", problems);
  if (tree === undefined || tree.kind === "map") return tree;
  const found = tree.kind === "scalar" ? describe(tree.value) : "a list";
  problems.push({
    code: "config/invalid",
    place: tree.place,
    key: "",
    text: `found ${found}, expected keys with values`,
  });
  return undefined;
}

/** The file that `value`, the value of `name` in `file`, names. */
function fileNamed(
  name: NamingKey,
  file: string,
  key: Place,
  value: Tree,
  problems: Problem[],
  flat: boolean,
): Named | undefined {
  const what = name === "site" ? "site file" : "profile";
  const wrong = (found: string): undefined => {
    const wanted = flat ? `the name of a ${what} in the same bundle` : `the path of a ${what}, relative to this file`;
    const text = `found ${found}, expected ${wanted}`;
    problems.push({ code: "config/invalid", place: key, key: name, text });
    return undefined;
  };
  if (value.kind !== "scalar") return wrong(value.kind === "map" ? "a map of keys" : "a list");
  if (typeof value.value !== "string" || value.value === "") return wrong(describe(value.value));
  if (isAbsolute(value.value) || value.value.includes("\0") || (flat && basename(value.value) !== value.value))
    return wrong(describe(value.value));
  return { file: normalize(join(dirname(file), value.value)), from: value.place };
}

function realName(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
