import type { ComparedChannel, Comparison, EventNote } from "./compare.ts";
import type { ChannelFigures } from "./figures.ts";

/** A figure as a person reads it. */
export const short = (value: number): string => String(Number(value.toPrecision(6)));

/** One event of a replay in one line, its time in s after `fromMs`. */
export function eventLine(event: EventNote, fromMs: number): string {
  const detail = Object.entries(event.detail).map(([key, value]) => `${key} ${value}`);
  const s = ((event.mono - fromMs) / 1000).toFixed(1);
  return `  ${s.padStart(8)} s  ${event.severity.padEnd(7)} ${event.name}: ${detail.join(", ")}`;
}

const figure = (value: number): string => (Number.isNaN(value) ? "none" : short(value));

/** `mean 0.2 ⇒ 0.3`, or `mean 0.2` where both are the same. */
function turned(what: string, before: number, after: number): string {
  const [a, b] = [figure(before), figure(after)];
  return a === b ? `${what} ${a}` : `${what} ${a} ⇒ ${b}`;
}

/** Whether the figures of a channel are not the same. */
const differs = (a: ChannelFigures, b: ChannelFigures) =>
  (["left", "usable", "mean", "least", "greatest"] as const).some((key) => !Object.is(a[key], b[key]));

/** One line for a channel that both have and that is different. */
function channelLine(name: string, a: ChannelFigures, b: ChannelFigures): string {
  const parts = [
    turned("mean", a.mean, b.mean),
    turned("least", a.least, b.least),
    turned("greatest", a.greatest, b.greatest),
    turned("samples", a.left, b.left),
    turned("usable", a.usable, b.usable),
  ];
  return `  ${name}: ${parts.join(", ")}`;
}

/** Channels that go, that come (and what they make), and how those that stay differ. */
function explainChannels(channels: readonly ComparedChannel[]): string[] {
  const gone = channels.filter((c) => c.after === undefined).map((c) => c.name);
  const come = channels.flatMap(({ before, after }) => (before === undefined && after !== undefined ? [after] : []));
  const shared = channels.flatMap(({ name, before, after }) =>
    before !== undefined && after !== undefined ? [{ name, before, after }] : [],
  );
  const changed = shared.filter(({ before, after }) => differs(before, after));
  const same = shared.length - changed.length;
  return [
    ...(gone.length === 0 ? [] : [`  channels that go: ${gone.join(", ")}`]),
    ...come.map(({ name, came, usable, mean, least, greatest }) =>
      came === 0
        ? `  ${name} is new: nothing recorded goes into it`
        : `  ${name} is new: mean ${figure(mean)}, least ${figure(least)}, greatest ${figure(greatest)}, ${usable} usable`,
    ),
    ...changed.map(({ name, before, after }) => channelLine(name, before, after)),
    ...(same === 0 ? [] : [`  ${same} ${same === 1 ? "channel is" : "channels are"} the same`]),
  ];
}

/** What would be different, a line each; event times are in s after `fromMs`. */
export function explainComparison(c: Comparison, fromMs: number): string[] {
  const changed = c.columns.filter((column) => column.differing > 0);
  const rows = c.rowsOnlyFirst + c.rowsOnlySecond;
  return [
    ...explainChannels(c.channels),
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
