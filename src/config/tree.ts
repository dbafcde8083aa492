/** Where something stands: a file as it was named, and a line counted from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** A value of a configuration file that still knows where it was written. */
export type Tree = ScalarTree | ListTree | MapTree;

export interface ScalarTree {
  readonly kind: "scalar";
  readonly place: Place;
  readonly value: string | number | boolean | null;
}

export interface ListTree {
  readonly kind: "list";
  readonly place: Place;
  readonly items: readonly Tree[];
}

export interface MapTree {
  readonly kind: "map";
  readonly place: Place;
  readonly entries: ReadonlyMap<string, { readonly key: Place; readonly value: Tree }>;
}

/** `over` laid on `base`: maps merge key by key; lists and scalars replace. Every value keeps its own place. */
export function mergeTrees(base: Tree, over: Tree): Tree {
  if (base.kind !== "map" || over.kind !== "map") return over;
  const entries = new Map(base.entries);
  for (const [name, entry] of over.entries) {
    const below = entries.get(name);
    entries.set(name, below === undefined ? entry : { key: entry.key, value: mergeTrees(below.value, entry.value) });
  }
  return { kind: "map", place: over.place, entries };
}

/** The bare value, for a schema. */
export function toPlain(tree: Tree): unknown {
  if (tree.kind === "scalar") return tree.value;
  if (tree.kind === "list") return tree.items.map(toPlain);
  return Object.fromEntries([...tree.entries].map(([name, entry]) => [name, toPlain(entry.value)]));
}

/** The value at a path, when there is one. */
export function treeAt(tree: Tree, path: readonly PropertyKey[]): Tree | undefined {
  let at: Tree | undefined = tree;
  for (const step of path) {
    if (at === undefined) return undefined;
    if (at.kind === "map") at = at.entries.get(String(step))?.value;
    else if (at.kind === "list") at = at.items[Number(step)];
    else return undefined;
  }
  return at;
}

/**
 * Where the key or item at a path was written; for one that is not there, where the nearest thing around it was, so
 * that a missing key is reported at the map that lacks it.
 */
export function placeOf(tree: Tree, path: readonly PropertyKey[]): Place {
  let at: Tree = tree;
  let place = tree.place;
  for (const step of path) {
    if (at.kind === "map") {
      const entry = at.entries.get(String(step));
      if (entry === undefined) return place;
      place = entry.key;
      at = entry.value;
    } else if (at.kind === "list") {
      const item: Tree | undefined = at.items[Number(step)];
      if (item === undefined) return place;
      place = item.place;
      at = item;
    } else return place;
  }
  return place;
}

/** A key path as a person writes it: `channels.rotor_speed.filters[0].median`. */
export function keyPath(path: readonly PropertyKey[]): string {
  let out = "";
  for (const step of path)
    out += typeof step === "number" ? `[${step}]` : out === "" ? String(step) : `.${String(step)}`;
  return out;
}
