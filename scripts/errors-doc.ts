import { ERRORS, type ErrorCode, type Retry } from "../src/model/errors.ts";
import { keepFile } from "./keep-file.ts";

/** What the errors of each domain do to the unit. */
const DOMAINS: Readonly<Record<string, string>> = {
  config: "The unit does not start (exit code 78); `swath check FILE` lists every problem with its file and line.",
  bus: "One source is degraded; the others go on.",
  device: "One source is degraded; the others go on.",
  link: "Records wait in the spool until the link is back.",
  spool: "Records are dropped by policy, and the gap is recorded.",
  internal: "The program logs, flushes and exits; it is started again.",
};

const RETRY: Readonly<Record<Retry, string>> = { now: "at once", later: "later", never: "no" };

/** `docs/errors.md`: every error code with what it means and what to do, from the one table. */
export function errorsPage(): string {
  const codes = Object.keys(ERRORS) as ErrorCode[];
  const domains = [...new Set(codes.map(domainOf))];
  return [
    "# Errors",
    "",
    "<!-- Generated from src/model/errors.ts by scripts/errors-doc.ts. Change the table, not this page. -->",
    "",
    "Every error has a code `domain/reason`. The message says what happened, where, what was found and what was expected;",
    "this page says what a code means and what to do. *Retry* is what the unit does by itself.",
    "",
    ...domains.flatMap((domain) => [
      `## ${domain}`,
      "",
      ...(DOMAINS[domain] === undefined ? [] : [DOMAINS[domain], ""]),
      "| code | what it means | what to do | retry |",
      "|---|---|---|---|",
      ...codes.filter((code) => domainOf(code) === domain).map(row),
      "",
    ]),
  ].join("\n");
}

function domainOf(code: string): string {
  return code.slice(0, code.indexOf("/"));
}

function row(code: ErrorCode): string {
  const { means, todo, retry } = ERRORS[code];
  return `| \`${code}\` | ${means} | ${todo} | ${RETRY[retry]} |`;
}

keepFile(import.meta.url, "docs/errors.md", errorsPage);
