import { type ErrorCode, SwathError } from "../model/errors.ts";
import type { Place } from "./tree.ts";

/** The reasons of the `config/*` domain. */
export type ConfigReason = Extract<ErrorCode, `config/${string}`>;

/** One thing that is wrong with a configuration. */
export interface Problem {
  readonly code: ConfigReason;
  readonly place: Place;
  /** The key path, such as `parts.shock.address`; empty for the whole file. */
  readonly key: string;
  /** What was found, what was expected, and the nearest right name. */
  readonly text: string;
}

/** Most problems listed in one message: the rest is counted. */
const MOST_LISTED = 50;

/** `file:line: key: text`, the form every problem is shown in. */
export function formatProblem(p: Problem): string {
  return `${p.place.file}:${p.place.line}: ${p.key === "" ? "" : `${p.key}: `}${p.text}`;
}

/**
 * One error that lists every problem, in the order the files were named and the lines stand in them. Its code is that of
 * the first one listed.
 */
export function problemsError(problems: readonly Problem[], files: readonly string[]): SwathError {
  const order = (p: Problem) => files.indexOf(p.place.file);
  const sorted = [...problems].sort((a, b) => order(a) - order(b) || a.place.line - b.place.line);
  const lines = [...new Set(sorted.map(formatProblem))];
  const shown = lines.slice(0, MOST_LISTED);
  if (lines.length > shown.length) shown.push(`… and ${lines.length - shown.length} more`);
  return new SwathError(sorted[0]?.code ?? "config/invalid", shown.join("\n"));
}
