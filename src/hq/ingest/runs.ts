import { createSeqRanges, type SeqRange, type SeqRanges } from "../seq-ranges.ts";

/** Numbers as runs, from PostgreSQL's text of an `int8multirange`: `{[1,100),[105,106)}`. Nothing is ever forgotten. */
export function parseRuns(text: string): SeqRanges {
  const runs = createSeqRanges(Number.POSITIVE_INFINITY);
  for (const [, from, to] of text.matchAll(/\[(\d+),(\d+)\)/g)) runs.add(Number(from), Number(to) - 1);
  return runs;
}

/** The same numbers as PostgreSQL reads them. */
export function formatRuns(runs: readonly SeqRange[]): string {
  return `{${runs.map(([from, to]) => `[${from},${to + 1})`).join(",")}}`;
}
