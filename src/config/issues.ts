import type { z } from "zod";
import { describe, expectedBy, rightKeys } from "./expected.ts";
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
  const { issues } = result.error;
  const meant = new Set(issues.flatMap((i) => misspelt(i)));
  for (const issue of issues) {
    // A key that is missing because it was misspelt is reported once.
    if (issue.code !== "unrecognized_keys" && meant.has(keyPath(issue.path))) continue;
    problems.push(...toProblems(issue, tree, [...path, ...issue.path]));
  }
  return undefined;
}

function misspelt(issue: Issue): string[] {
  if (issue.code !== "unrecognized_keys") return [];
  const right = rightKeys(issue);
  return issue.keys.flatMap((name) => {
    const near = nearestName(name, right);
    return near === undefined ? [] : [keyPath([...issue.path, near])];
  });
}

function toProblems(issue: Issue, tree: Tree, path: Path): Problem[] {
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
  if (found === undefined) return [problem("config/invalid", `is missing, expected ${issue.message}`)];
  if (issue.code === "invalid_union") {
    const branch = bestBranch(issue.errors);
    if (branch !== undefined) return branch.flatMap((inner) => toProblems(inner, tree, [...path, ...inner.path]));
  }
  const value = toPlain(found);
  const near = typeof value === "string" ? nearestName(value, choices(issue)) : undefined;
  const hint = near === undefined ? "" : `, did you mean "${near}"?`;
  return [problem("config/invalid", `found ${describe(value)}, expected ${issue.message}${hint}`)];
}

/** A value is shown where it stands; a map or list where its key stands. */
export function wherePlace(tree: Tree, path: Path): Place {
  const found = treeAt(tree, path);
  return found?.kind === "scalar" ? found.place : placeOf(tree, path);
}

/** The branch of a union that the writer most likely meant: the one whose complaints lie deepest, then the fewest. */
function bestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const depth = (b: readonly Issue[]) => Math.min(...b.map((i) => i.path.length));
  const deep = branches.filter((b) => b.length > 0 && depth(b) > 0);
  deep.sort((a, b) => depth(b) - depth(a) || a.length - b.length);
  return deep[0];
}

function choices(issue: Issue): string[] {
  if (issue.code === "invalid_value") return issue.values.map(String);
  return issue.code === "invalid_union" && "options" in issue && Array.isArray(issue.options)
    ? issue.options.map(String)
    : [];
}
