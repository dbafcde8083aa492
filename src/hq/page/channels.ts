import { byId, type Cell, fillTable, setText } from "./dom.ts";
import { ABSENT, byResolution, qualityWords, unitLabel } from "./format.ts";
import type { UnitState } from "./store.ts";
import type { ChannelView } from "./view.ts";

/** Every channel of the descriptor with its newest value, whether the page knows what it is or not. */
export function drawChannels(unit: UnitState, stale: boolean): void {
  const channels = unit.descriptor?.channels ?? [];
  const partly = unit.head?.simulated === "some";
  fillTable(
    byId("channels"),
    [{ text: "Channel" }, { text: "Now", number: true }, { text: "Window", number: true }, { text: "Quality" }],
    channels.map((channel) => {
      const mark = partly && channel.simulated ? " · simulated" : "";
      return [
        { text: channel.label, sub: `${channel.name} · ${channel.source}${mark}` },
        nowCell(unit, channel),
        { text: windowText(unit, channel), number: true },
        qualityCell(unit, channel, stale),
      ];
    }),
  );
  setText(byId("channels-note"), channels.length === 0 ? "" : `${channels.length} channels`);
}

function newest(unit: UnitState, column: string | undefined): number | null | undefined {
  const c = unit.live?.c;
  return column !== undefined && c !== undefined && Object.hasOwn(c, column) ? c[column] : undefined;
}

/** The statistic a column holds: `mean`, `rms`; empty for a column that bears the channel's own name. */
function statOf(channel: ChannelView, column: string): string {
  return column === channel.name ? "" : (column.split(".").at(-1) ?? "");
}

function nowCell(unit: UnitState, channel: ChannelView): Cell {
  const column = channel.columns[0];
  const value = newest(unit, column);
  if (column === undefined || value === null || value === undefined) return { text: ABSENT, number: true };
  if (channel.codes !== undefined) return { text: channel.codes[value] ?? String(value) };
  const text = `${byResolution(value, channel.resolution)} ${unitLabel(channel.unit)}`.trimEnd();
  const stat = statOf(channel, column);
  return { text, number: true, ...(stat === "" || stat === "mean" ? {} : { sub: stat }) };
}

/** The other statistics of the newest window: its extremes as a span, anything else by its name. */
function windowText(unit: UnitState, channel: ChannelView): string {
  const rest = channel.columns.slice(1);
  const text = (column: string) => byResolution(newest(unit, column), channel.resolution);
  const min = rest.find((column) => statOf(channel, column) === "min");
  const max = rest.find((column) => statOf(channel, column) === "max");
  if (min !== undefined && max !== undefined) return `${text(min)} … ${text(max)}`;
  return rest.map((column) => `${statOf(channel, column)} ${text(column)}`).join(", ") || ABSENT;
}

function qualityCell(unit: UnitState, channel: ChannelView, stale: boolean): Cell {
  const column = channel.columns[0] ?? "";
  const q = unit.live?.q ?? {};
  const bits = Object.hasOwn(q, column) ? q[column] : undefined;
  // That all of it is simulated is said once, at the top of the page.
  const flags = qualityWords(bits, unit.descriptor?.quality ?? {}).filter((word) => word !== "simulated");
  const value = newest(unit, column);
  if (value === null || value === undefined) return { text: "absent", icon: "○", tone: "idle", short: true };
  if (flags.length > 0) return { text: flags.join(", "), icon: "▲", tone: "warn" };
  if (stale) return { text: "stale", icon: "○", tone: "idle", short: true };
  return { text: "good", icon: "●", tone: "ok", short: true };
}
