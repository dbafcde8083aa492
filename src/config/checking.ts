import type { z } from "zod";
import { wherePlace } from "./issues.ts";
import type { ConfigReason, Problem } from "./problems.ts";
import { keyPath, placeOf, type Tree, toPlain, treeAt } from "./tree.ts";

/** What every check needs: the merged file, and where to write down what is wrong. */
export interface Checking {
  readonly tree: Tree;
  readonly problems: Problem[];
  /** Channels (or `leverArm`) whose calibration is left out, because it is about to be made anew. */
  readonly without?: readonly string[];
}

export type Path = readonly PropertyKey[];

/** The value at `path` when the schema accepts it. What it refuses has been reported with the whole file. */
export function goodAt<S extends z.ZodType>(c: Checking, schema: S, path: Path): z.output<S> | undefined {
  const found = treeAt(c.tree, path);
  return found === undefined ? undefined : schema.safeParse(toPlain(found)).data;
}

/** Every value of the map at `path` that the schema accepts, by name. */
export function goodEntries<S extends z.ZodType>(c: Checking, schema: S, path: Path): Map<string, z.output<S>> {
  const good = new Map<string, z.output<S>>();
  for (const name of namesAt(c, path)) {
    const value = goodAt(c, schema, [...path, name]);
    if (value !== undefined) good.set(name, value);
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
