import { readFileSync, statSync } from "node:fs";
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import type { ConfigReason, Problem } from "./problems.ts";
import type { Place, Tree } from "./tree.ts";
import { findMonster } from "./yaml-monster.ts";

/** Largest configuration file in bytes; a real one has under 20 kB. */
export const FILE_MAX_BYTES = 1024 * 1024;
/** Most values in one file, aliases counted each time they are used. */
const MOST_VALUES = 20_000;
const DEEPEST = 24;

/** Names that mean something to the language itself. */
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** The keys by which a file names another. */
export type NamingKey = "extends" | "site";

/**
 * One YAML file as values that know their lines, or undefined when it cannot be read at all; everything wrong with it is
 * added to `problems`, where `from` is the place to blame for a file that cannot be opened, and `by` the key
 * that named it there.
 */
export function readYaml(file: string, from: Place, by: NamingKey, problems: Problem[]): Tree | undefined {
  const text = readText(file, from, by, problems);
  if (text === undefined) return undefined;
  const monster = findMonster(text);
  if (monster !== undefined) {
    problems.push({ code: "config/syntax", place: { file, line: monster.line }, key: "", text: monster.why });
    return undefined;
  }
  try {
    return parse(file, text, problems);
  } catch (e) {
    // The parser recurses: thousands of open brackets end in a RangeError.
    const why = e instanceof RangeError ? "nested too deeply" : String(e);
    problems.push({ code: "config/syntax", place: { file, line: 1 }, key: "", text: `not YAML: ${why}` });
    return undefined;
  }
}

function readText(file: string, from: Place, by: NamingKey, problems: Problem[]): string | undefined {
  const isNamed = from.file !== file;
  const fail = (text: string): undefined => {
    problems.push({
      code: "config/unreadable",
      place: from,
      key: isNamed ? by : "",
      text: `${file}: ${text}`,
    });
    return undefined;
  };
  const missing = isNamed ? "; the path starts at the folder of the file that names it" : "";
  let bytes: Uint8Array;
  try {
    const stat = statSync(file);
    if (!stat.isFile()) return fail("is not a file");
    if (stat.size > FILE_MAX_BYTES) return fail(`has ${stat.size} bytes, at most ${FILE_MAX_BYTES} are read`);
    bytes = readFileSync(file);
  } catch (e) {
    const errno = e instanceof Error && "code" in e ? String(e.code) : "";
    if (errno === "ENOENT" || errno === "ENOTDIR") return fail(`there is no such file${missing}`);
    if (errno === "EACCES" || errno === "EPERM") return fail("no permission to read it");
    return fail(`cannot be read (${errno || String(e)})`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return fail("is not UTF-8 text");
  }
}

function parse(file: string, text: string, problems: Problem[]): Tree {
  const counter = new LineCounter();
  const lineAt = (offset: number | undefined) => Math.max(1, counter.linePos(offset ?? 0).line);
  // Duplicate keys are found below: the parser's own check is quadratic.
  const doc = parseDocument(text, {
    version: "1.2",
    schema: "core",
    merge: false,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "error",
    lineCounter: counter,
  });
  const complain = (code: ConfigReason, offset: number | undefined, key: string, why: string) =>
    problems.push({ code, place: { file, line: lineAt(offset) }, key, text: why });
  for (const e of [...doc.errors, ...doc.warnings]) {
    const why = (e.message.split("\n")[0] ?? "").replace(/[.:\s]+$/, "");
    const text = e.code === "MULTIPLE_DOCS" ? "found a second document, expected one to a file" : `not YAML: ${why}`;
    complain("config/syntax", e.pos[0], "", text);
  }

  // Anchors seen so far, the latest of a name: looking them up in the document would take a walk through it each time.
  const anchors = new Map<string, Node>();
  let values = 0;
  let tooMany = false;
  const walk = (node: unknown, fallback: Place, path: string, depth: number): Tree => {
    const empty: Tree = { kind: "scalar", place: fallback, value: null };
    if (tooMany) return empty;
    if (++values > MOST_VALUES || depth > DEEPEST) {
      tooMany = true;
      const limit = depth > DEEPEST ? `more than ${DEEPEST} levels deep` : `more than ${MOST_VALUES} values`;
      problems.push({ code: "config/syntax", place: fallback, key: path, text: `${limit}, aliases counted` });
      return empty;
    }
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target !== undefined) return walk(target, { file, line: lineAt(node.range?.[0]) }, path, depth + 1);
      complain("config/syntax", node.range?.[0], path, `there is no anchor &${node.source}`);
      return empty;
    }
    if ((isScalar(node) || isSeq(node) || isMap(node)) && node.anchor !== undefined) anchors.set(node.anchor, node);
    if (isScalar(node)) {
      const v = node.value;
      const place = node.range ? { file, line: lineAt(node.range[0]) } : fallback;
      if (v === null || typeof v === "string" || typeof v === "number" || typeof v === "boolean")
        return { kind: "scalar", place, value: v };
      complain("config/syntax", node.range?.[0], path, "expected text, a number, true or false");
      return empty;
    }
    if (isSeq(node)) {
      const place = { file, line: lineAt(node.range?.[0]) };
      const items = node.items.map((item, i) => walk(item, place, `${path}[${i}]`, depth + 1));
      return { kind: "list", place, items };
    }
    if (!isMap(node)) return empty;
    const entries = new Map<string, { key: Place; value: Tree }>();
    for (const pair of node.items) {
      const offset = isScalar(pair.key) || isAlias(pair.key) || isMap(pair.key) ? pair.key.range?.[0] : node.range?.[0];
      const name = isScalar(pair.key) ? keyName(pair.key.value) : undefined;
      const key = { file, line: lineAt(offset) };
      if (name === undefined) {
        complain("config/syntax", offset, path, "a key must be plain text");
        continue;
      }
      const full = path === "" ? name : `${path}.${name}`;
      const first = entries.get(name);
      if (FORBIDDEN_KEYS.has(name)) complain("config/unknown-key", offset, full, "this name is not allowed as a key");
      else if (name === "<<")
        complain("config/unknown-key", offset, full, "merge keys are not read; a file extends another with `extends`");
      else if (first !== undefined)
        complain("config/syntax", offset, full, `written twice; the first one is in line ${first.key.line}`);
      else entries.set(name, { key, value: walk(pair.value, key, full, depth + 1) });
    }
    return { kind: "map", place: { file, line: lineAt(node.range?.[0]) }, entries };
  };
  return walk(doc.contents, { file, line: 1 }, "", 0);
}

function keyName(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  // `5: x` and `true: x` are keys a person may write; a schema then says what it thinks of them.
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}
