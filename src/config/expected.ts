import { z } from "zod";

const KINDS: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "keys with values",
  record: "keys with values",
  array: "a list",
  tuple: "a list",
  null: "nothing",
};

/**
 * Makes a schema say what it wants in a person's words, in place of a sentence about what went wrong. Messages that a
 * schema brings along are written in the same form and come first. An unknown key is answered with the right ones.
 */
export const expectedBy: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case "unrecognized_keys":
      return shapeKeys(issue.inst).join(" ");
    case "invalid_type": {
      const kind = KINDS[issue.expected] ?? issue.expected;
      const about = issue.input === undefined ? aboutOf(issue.inst) : undefined;
      return about === undefined ? kind : `${kind} (${about})`;
    }
    case "invalid_value":
      return oneOf(issue.values.map(quoted));
    case "too_small":
      return bound(issue.origin, Number(issue.minimum), issue.inclusive === false ? "more than" : "at least");
    case "too_big":
      return bound(issue.origin, Number(issue.maximum), issue.inclusive === false ? "less than" : "at most");
    case "not_multiple_of":
      return `a multiple of ${issue.divisor}`;
    case "invalid_union": {
      if ("options" in issue && Array.isArray(issue.options)) return oneOf(issue.options.map(quoted));
      return oneOf([
        ...new Set(issue.errors.flatMap((branch) => (branch[0] === undefined ? [] : [branch[0].message]))),
      ]);
    }
    default:
      return undefined;
  }
};

/** The right names an unknown key was answered with. */
export function rightKeys(issue: z.core.$ZodIssueUnrecognizedKeys): string[] {
  return issue.message === "" ? [] : issue.message.split(" ");
}

function shapeKeys(schema: unknown): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function aboutOf(schema: unknown): string | undefined {
  return schema instanceof z.ZodType ? schema.description : undefined;
}

const quoted = (value: unknown) => (typeof value === "string" ? JSON.stringify(value) : String(value));

function bound(origin: string, limit: number, words: string): string {
  if (origin === "string") return `${words} ${limit} ${limit === 1 ? "letter" : "letters"}`;
  if (origin === "array" || origin === "set") return `${words} ${limit} ${limit === 1 ? "item" : "items"}`;
  return `${words} ${limit}`;
}

/** `a, b or c`. */
export function oneOf(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? "nothing";
  return `${words.slice(0, -1).join(", ")} or ${words[words.length - 1]}`;
}

const LONGEST_SHOWN = 60;

/** A value as a message shows it: short, quoted, and without the user and password of an address. */
export function describe(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  if (typeof value === "object") return "a map of keys";
  if (typeof value !== "string") return String(value);
  const shown = value.replace(/\/\/.*@/s, "//…@");
  return JSON.stringify(shown.length > LONGEST_SHOWN ? `${shown.slice(0, LONGEST_SHOWN)}…` : shown);
}
