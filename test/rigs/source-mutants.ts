import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseAst } from "vitest/node";

const root = resolve(import.meta.dirname, "../..");

/** Properties of a serial part's table that say nothing about a value, and what its twin sends. */
export const UNTOLD: readonly string[] = [
  "frameHz",
  "payload",
  "pair",
  "range",
  "resolution",
  "rateHz",
  "silentMs",
  "scanHz",
  "charsPerSecond",
  "options",
];

type Node = { type: string; start: number; end: number; [key: string]: any };
/** What a module imports, by how it names it without its ending. */
export type Imports = Readonly<Record<string, unknown>>;

/** One mistake in the text of a module: where it stands, and the module that has it. */
export interface SourceMutant<M> {
  readonly title: string;
  load(): M;
}

/** Turns of all loops of one mutant, after which it is taken to loop for ever: many times what any vector needs. */
const MAX_TURNS = 500_000;

/** One slip of the pen in an operator. */
const OTHER: Readonly<Record<string, string>> = {
  "+": "-",
  "-": "+",
  "*": "/",
  "/": "*",
  "<<": ">>",
  ">>": "<<",
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "===": "!==",
  "!==": "===",
  "&": "|",
  "|": "&",
  "^": "|",
  "&&": "||",
  "||": "&&",
  "??": "&&",
};
/** Types of numbers, each with those it may be mistaken for. */
const TYPES: Readonly<Record<string, readonly string[]>> = {
  u8: ["u16"],
  u16: ["u8", "u32", "i16"],
  u32: ["u16", "i32"],
  i32: ["u32", "u16"],
};

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

function loaded<M>(code: string, imports: Imports): M {
  const names = [...code.matchAll(/^export (?:const|function) (\w+)/gm)].map((m) => m[1]);
  const body = code
    .replaceAll(/^export /gm, "")
    .replaceAll(/^import (\{[^}]*\}) from "([^"]*?)(?:\.js)?";$/gm, (_, what, from) => {
      if (!(from in imports)) throw new Error(`nothing was given for the import ${from}`);
      return `const ${what} = $imports["${from}"];`;
    });
  let left = MAX_TURNS;
  const turn = () => {
    if (left-- === 0) throw new Error("it loops for ever");
  };
  return new Function("$imports", "$turn", `"use strict";${body};return {${names.join(",")}};`)(imports, turn) as M;
}

/** Text put at a place of the module; with `end`, in the place of what stands there. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The module with these edits, which do not overlap. */
function edited(code: string, edits: readonly Edit[]): string {
  let text = code;
  for (const e of edits.toSorted((a, b) => b.start - a.start || b.end - a.end))
    text = text.slice(0, e.start) + e.text + text.slice(e.end);
  return text;
}

/**
 * Every single mistake in the numbers, signs, operators, truth values and names of types that stand in the compiled module: bits,
 * offsets, scales, byte order, registers and limits alike. `skip` names what is left alone: top-level names and properties that
 * tell nothing about a value (labels, budgets), or that are the inverse.
 */
export function sourceMutants<M>(
  path: string,
  imports: Imports,
  skip: readonly string[],
  names: readonly string[] = [],
): { readonly original: M; readonly mutants: readonly SourceMutant<M>[] } {
  const file = resolve(root, `dist/${path}.js`);
  if (!existsSync(file)) throw new Error(`${file} is missing: npm run build`);
  const code = readFileSync(file, "utf8").replace(/^\/\/# sourceMappingURL.*$/m, "");
  const edits: Edit[] = [];
  /** What counts the turns of each loop, so that a mutant without an end is found by it. */
  const turns: Edit[] = [];
  const edit = (start: number, end: number, ...texts: string[]) =>
    edits.push(...texts.map((text) => ({ start, end, text })));

  function walk(node: Node): void {
    const name = node["id"]?.name ?? node["key"]?.name;
    if (node.type === "ImportDeclaration" || skip.includes(name)) return;
    const { body } = node;
    if (/^(?:For(?:In|Of)?|While|DoWhile)Statement$/.test(node.type)) {
      turns.push({ start: body.start, end: body.start, text: "{ $turn(); " });
      turns.push({ start: body.end, end: body.end, text: " }" });
    }
    if (node.type === "Literal" && typeof node["value"] === "number") {
      const n: number = node["value"];
      edit(node.start, node.end, ...(Number.isInteger(n) ? [n + 1, n - 1] : [n * 1.02, n * 10]).map((x) => `(${x})`));
    } else if (node.type === "Literal" && typeof node["value"] === "boolean")
      edit(node.start, node.end, String(!node["value"]));
    else if (node.type === "Literal" && names.includes(node["value"] as string))
      edit(node.start, node.end, JSON.stringify(names[(names.indexOf(node["value"] as string) + 1) % names.length]));
    else if (node.type === "Literal" && typeof node["value"] === "string")
      edit(node.start, node.end, ...(TYPES[node["value"]] ?? []).map((t) => JSON.stringify(t)));
    else if (node.type === "UnaryExpression" && (node["operator"] === "-" || node["operator"] === "!"))
      edit(node.start, node.start + 1, " ");
    else if (node.type === "BinaryExpression" || node.type === "LogicalExpression") {
      const at = code.indexOf(node["operator"] as string, node["left"].end);
      const other = OTHER[node["operator"] as string];
      if (other !== undefined) edit(at, at + node["operator"].length, other);
    }
    for (const [key, child] of Object.entries(node)) {
      if (key === "key" && node["computed"] !== true) continue;
      for (const one of Array.isArray(child) ? child : [child]) if (isNode(one)) walk(one);
    }
  }
  walk(parseAst(code) as unknown as Node);
  const mutants = edits.map(({ start, end, text }): SourceMutant<M> => {
    const line = code.slice(code.lastIndexOf("\n", start) + 1, code.indexOf("\n", end)).trim();
    return {
      title: `${code.slice(start, end)} → ${text} in ${line.slice(0, 100)}`,
      load: () => loaded<M>(edited(code, [...turns, { start, end, text }]), imports),
    };
  });
  return { original: loaded<M>(edited(code, turns), imports), mutants };
}
