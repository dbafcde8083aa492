import type { Comparison, EventNote } from "./compare.ts";

/** A figure as a person reads it. */
export const short = (value: number): string => String(Number(value.toPrecision(6)));

/** One event of a replay in one line, its time in s after `fromMs`. */
export function eventLine(event: EventNote, fromMs: number): string {
  const detail = Object.entries(event.detail).map(([key, value]) => `${key} ${value}`);
  const s = ((event.mono - fromMs) / 1000).toFixed(1);
  return `  ${s.padStart(8)} s  ${event.severity.padEnd(7)} ${event.name}: ${detail.join(", ")}`;
}

/** What would be different, a line each; event times are in s after `fromMs`. */
export function explainComparison(c: Comparison, fromMs: number): string[] {
  const changed = c.columns.filter((column) => column.differing > 0);
  const rows = c.rowsOnlyFirst + c.rowsOnlySecond;
  return [
    ...(c.onlyFirst.length === 0 ? [] : [`  columns that go: ${c.onlyFirst.join(", ")}`]),
    ...(c.onlySecond.length === 0 ? [] : [`  columns that come: ${c.onlySecond.join(", ")}`]),
    ...(rows === 0 ? [] : [`  rows only before: ${c.rowsOnlyFirst}, only after: ${c.rowsOnlySecond}`]),
    ...changed.map(
      ({ column, rows: of, differing, greatest, mean, oneSided }) =>
        `  ${column.padEnd(24)} differs in ${differing} of ${of} rows, by ${short(mean)} on average, ${short(greatest)} at most${oneSided === 0 ? "" : `; in ${oneSided} only one has a value`}`,
    ),
    ...(changed.length === 0 ? ["  no shared column differs"] : []),
    ...c.vanished.map((event) => `  gone:${eventLine(event, fromMs)}`),
    ...c.appeared.map((event) => `  new: ${eventLine(event, fromMs)}`),
    ...(c.vanished.length + c.appeared.length === 0 ? ["  the events are the same"] : []),
  ];
}
