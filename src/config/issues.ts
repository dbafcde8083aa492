import type { z } from "zod";
import { describe, expectedBy, oneOf, rightKeys } from "./expected.ts";
import { nearestName, suggest } from "./nearest.ts";
import type { ConfigReason, Problem } from "./problems.ts";
import { keyPath, type Place, placeOf, type Tree, toPlain, treeAt } from "./tree.ts";

const IN_A_FILE = "secrets are never written here: put it in a file only the unit can read and name that in";

/** Keys people expect to hold a secret, with what to write instead. */
const SECRET_KEYS: Readonly<Record<string, string>> = {
  password: `${IN_A_FILE} passwordFile`,
  pass: `${IN_A_FILE} passwordFile`,
  cert: "name the certificate's file in certFile",
  key: `${IN_A_FILE} keyFile`,
  ca: "name the certificate authority's file in caFile",
};

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

/**
 * The value at `path` as the schema makes it, or undefined after adding what is wrong with it to `problems`: with file,
 * line, key, what was found, what was expected.
 */
export function parseTree<S extends z.ZodType>(schema: S, tree: Tree, path: Path, problems: Problem[]) {
  const found = treeAt(tree, path);
  const result = schema.safeParse(found === undefined ? {} : toPlain(found), { error: expectedBy });
  if (result.success) return result.data;
  problems.push(...toProblems(result.error.issues, tree, path));
  return undefined;
}

function toProblems(issues: readonly Issue[], tree: Tree, base: Path): Problem[] {
  // A key that is missing because it was misspelt is reported once.
  const meant = misspelt(issues);
  return issues
    .filter((i) => i.code === "unrecognized_keys" || !meant.has(keyPath(i.path)))
    .flatMap((i) => oneIssue(i, tree, [...base, ...i.path]));
}

/** Key paths that an unknown key beside them most likely stands for. */
function misspelt(issues: readonly Issue[]): ReadonlySet<string> {
  const meant = new Set<string>();
  for (const issue of issues) {
    if (issue.code !== "unrecognized_keys") continue;
    for (const name of issue.keys) {
      const near = nearestName(name, rightKeys(issue));
      if (near !== undefined) meant.add(keyPath([...issue.path, near]));
    }
  }
  return meant;
}

function oneIssue(issue: Issue, tree: Tree, path: Path): Problem[] {
  const problem = (code: ConfigReason, text: string, where = path): Problem => {
    return { code, place: wherePlace(tree, where), key: keyPath(where), text };
  };
  if (issue.code === "unrecognized_keys") {
    const right = rightKeys(issue);
    return issue.keys.map((name) => {
      const hint = SECRET_KEYS[name] ?? suggest(name, right, "right names");
      return problem("config/unknown-key", `not known here; ${hint}`, [...path, name]);
    });
  }
  if (issue.code === "invalid_key")
    return [problem("config/invalid", `not a good name, expected ${issue.issues[0]?.message ?? "another name"}`)];
  const found = treeAt(tree, path);
  if (found === undefined && issue.code !== "custom") {
    // A union that is told apart by this key stops here: what else is wrong beside it shows once the key is right.
    const near = issue.code === "invalid_union" ? misspeltBeside(tree, path) : undefined;
    if (near !== undefined) {
      const text = `not known here; did you mean "${String(path.at(-1))}"?`;
      return [problem("config/unknown-key", text, [...path.slice(0, -1), near])];
    }
    return [problem("config/invalid", `is missing, expected ${issue.message}`)];
  }
  const value = found === undefined ? undefined : toPlain(found);
  if (issue.code === "invalid_union") {
    const branch = likeliestBranch(issue.errors);
    if (Array.isArray(branch)) return toProblems(branch, tree, path);
    if (branch !== undefined) return [problem("config/invalid", `found ${describe(value)}, expected ${branch}`)];
  }
  // A rule over several keys says in its own words what it wants.
  if (issue.code === "custom" && !issue.message.startsWith("expected "))
    return [problem("config/invalid", `found ${describe(value)}: ${issue.message}`)];
  const near = typeof value === "string" ? nearestName(value, choices(issue)) : undefined;
  const hint = near === undefined ? "" : `, did you mean "${near}"?`;
  const wanted = issue.message.replace(/^expected /, "");
  return [problem("config/invalid", `found ${describe(value)}, expected ${wanted}${hint}`)];
}

/** The key beside a missing one that was most likely meant to be it. */
function misspeltBeside(tree: Tree, path: Path): string | undefined {
  const map = treeAt(tree, path.slice(0, -1));
  return map?.kind === "map" ? nearestName(String(path.at(-1)), [...map.entries.keys()]) : undefined;
}

/** A value is shown where it stands; a map or list where its key stands. */
export function wherePlace(tree: Tree, path: Path): Place {
  const found = treeAt(tree, path);
  return found?.kind === "scalar" ? found.place : placeOf(tree, path);
}

/** More than any number of complaints about keys: the value is of another kind altogether. */
const OTHER_KIND = 1000;

/**
 * The branch of a union that the writer most likely meant: the one with the fewest complaints. Where several come out
 * equal because each lacks its own key, the words for that; where no branch is nearer than another, undefined.
 */
function likeliestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | string | undefined {
  const costs = branches.map((branch) => {
    const meant = misspelt(branch);
    const cost = (i: Issue) => {
      if (i.code === "unrecognized_keys") return i.keys.length;
      if (i.path.length === 0 && i.code !== "custom") return OTHER_KIND;
      return meant.has(keyPath(i.path)) ? 0 : 1;
    };
    return branch.reduce((sum, i) => sum + cost(i), 0);
  });
  const least = Math.min(...costs);
  if (least >= OTHER_KIND) return undefined;
  const best = branches.filter((_, i) => costs[i] === least);
  if (best.length === 1) return best[0];
  const lacking = best.map((branch) => branch.filter((i) => i.code === "invalid_type" && i.path.length === 1));
  if (!lacking.every((issues) => issues.length > 0)) return best[0];
  return `one of the keys ${oneOf(lacking.map((issues) => String(issues[0]?.path[0])))}`;
}

function choices(issue: Issue): string[] {
  if (issue.code === "invalid_value") return issue.values.map(String);
  return issue.code === "invalid_union" && "options" in issue && Array.isArray(issue.options)
    ? issue.options.map(String)
    : [];
}
