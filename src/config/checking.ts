import type { z } from "zod";
import { wherePlace } from "./issues.ts";
import type { ConfigReason, Problem } from "./problems.ts";
import { keyPath, placeOf, type Tree, toPlain, treeAt } from "./tree.ts";

/** What every check needs: the merged file, and where to write down what is wrong. */
export interface Checking {
  readonly tree: Tree;
  readonly problems: Problem[];
}

export type Path = readonly PropertyKey[];

/** Every value of the map at `path` that its schema accepts, by name; what it refuses is reported with the whole file. */
export function goodEntries<S extends z.ZodType>(c: Checking, schema: S, path: Path): Map<string, z.output<S>> {
  const map = treeAt(c.tree, path);
  const good = new Map<string, z.output<S>>();
  if (map?.kind !== "map") return good;
  for (const [name, entry] of map.entries) {
    const result = schema.safeParse(toPlain(entry.value));
    if (result.success) good.set(name, result.data);
  }
  return good;
}

/** The names written in the map at `path`, whether their values are right or wrong. */
export function namesAt(c: Checking, path: Path): string[] {
  const map = treeAt(c.tree, path);
  return map?.kind === "map" ? [...map.entries.keys()] : [];
}

/** Writes down that the value at `path` is wrong. */
export function complain(c: Checking, code: ConfigReason, path: Path, text: string): void {
  c.problems.push({ code, place: wherePlace(c.tree, path), key: keyPath(path), text });
}

/** `file:line` of a path, to point at the other of two places that contradict each other. */
export function at(c: Checking, path: Path): string {
  const place = placeOf(c.tree, path);
  return `${place.file}:${place.line}`;
}
