import { byId, type Cell, fillTable, setText } from "./dom.ts";
import { ABSENT, age, bytes, duration, fixed, words } from "./format.ts";
import type { UnitState } from "./store.ts";
import type { EventView } from "./view.ts";

const SOURCE_SIGNS: Readonly<Record<string, readonly [icon: string, tone: string]>> = {
  running: ["●", "ok"],
  starting: ["◔", "idle"],
  degraded: ["▲", "warn"],
  failed: ["✕", "bad"],
  absent: ["○", "idle"],
};
const SEVERITY_SIGNS: Readonly<Record<string, readonly [icon: string, tone: string]>> = {
  info: ["●", "idle"],
  warning: ["▲", "warn"],
  alarm: ["✕", "bad"],
  outage: ["◌", "warn"],
};

const head = (...names: string[]): Cell[] => names.map((text) => ({ text }));
const num = (text: string): Cell => ({ text, number: true });

export function drawSources(unit: UnitState, nowMs: number): void {
  const sources = unit.health?.sources ?? [];
  fillTable(
    byId("sources"),
    head("Source", "State", "Last sample", "Counters"),
    sources.map((source) => {
      const [icon, tone] = SOURCE_SIGNS[source.state] ?? ["?", "idle"];
      const counters = Object.entries(source.counters).filter(([, count]) => count !== 0);
      // Health comes once a minute: between two of them the age of a sample is that of the last report at most.
      const last = source.lastSampleMono;
      const since = last === null || unit.health?.mono === null ? null : (unit.health?.mono ?? 0) - last;
      const verified = source.verified === "none" ? "not verified" : `verified by ${source.verified}`;
      const said = [source.part, source.verified === null ? null : verified].filter((part) => part !== null);
      return [
        { text: words(source.name), sub: said.join(" · ") },
        { text: words(source.state), icon, tone, short: true },
        {
          text: since === null ? ABSENT : since < 3000 ? "fresh" : `${duration(since / 1000)} old`,
          short: true,
        },
        { text: counters.map(([name, count]) => `${words(name).toLowerCase()} ${fixed(count)}`).join(", ") || "none" },
      ];
    }),
  );
  const running = sources.filter((source) => source.state === "running").length;
  setText(
    byId("sources-note"),
    sources.length === 0 ? "" : `${running} of ${sources.length} running · health ${reportAge(unit, nowMs)}`,
  );
}

function reportAge(unit: UnitState, nowMs: number): string {
  const at = unit.health?.atMs;
  return typeof at === "number" ? `reported ${age(nowMs - at)}` : "not reported yet";
}

/** Byte counts a while ago, to tell bytes a second. */
const earlier = new Map<string, { atMs: number; bytes: readonly number[] }[]>();
const RATE_SPAN_MS = 20_000;

function ratesOf(key: string, nowMs: number, now: readonly number[]): (number | undefined)[] {
  const list = earlier.get(key) ?? [];
  earlier.set(key, list);
  if (list.length === 0 || nowMs - list.at(-1)!.atMs >= 1000) list.push({ atMs: nowMs, bytes: now });
  while (list.length > 2 && nowMs - list[1]!.atMs > RATE_SPAN_MS) list.shift();
  const first = list[0]!;
  const seconds = (nowMs - first.atMs) / 1000;
  return now.map((count, i) => (seconds < 2 ? undefined : (count - first.bytes[i]!) / seconds));
}

const LANE_WORDS: Readonly<Record<string, string>> = {
  event: "what happened",
  log: "telemetry and track",
  bulk: "waveforms",
};

export function drawLanes(unit: UnitState, nowMs: number): void {
  const view = unit.lanes;
  if (view === undefined) return;
  const rates = ratesOf(unit.key, nowMs, [...view.lanes.map((lane) => lane.bytes), view.live.bytes]);
  const rate = (i: number) => (rates[i] === undefined ? ABSENT : `${bytes(rates[i])}/s`);
  fillTable(
    byId("lanes"),
    [{ text: "Lane" }, ...["Received", "Twice", "Missing", "Unsent", "Rate"].map(num)],
    [
      ...view.lanes.map((lane, i): Cell[] => [
        { text: words(lane.lane), sub: LANE_WORDS[lane.lane] ?? "" },
        num(fixed(lane.received)),
        num(fixed(lane.duplicates)),
        {
          ...num(fixed(lane.missing)),
          ...(lane.missing > 0 ? { icon: "▲", tone: "warn" } : {}),
          ...(lane.declaredGone > 0 ? { sub: `${fixed(lane.declaredGone)} declared` } : {}),
          title: lane.holes.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(", "),
        },
        num(fixed(lane.unsent)),
        num(rate(i)),
      ]),
      [
        { text: "Live", sub: "newest row, never stored" },
        num(fixed(view.live.received)),
        num(ABSENT),
        num(ABSENT),
        num(ABSENT),
        num(rate(view.lanes.length)),
      ],
    ],
  );
  const missing = view.lanes.reduce((sum, lane) => sum + lane.missing, 0);
  const received = view.lanes.reduce((sum, lane) => sum + lane.received, 0);
  const note = received === 0 ? "nothing received yet" : missing === 0 ? "✓ complete" : `▲ ${fixed(missing)} missing`;
  setText(byId("lanes-note"), note);
}

/** What an event tells beyond its name; a change of state reads as one. */
function detailWords(detail: EventView["detail"]): string {
  const { state, previous, ...rest } = detail;
  const change = state !== undefined && previous !== undefined;
  const others = Object.entries(change ? rest : detail);
  const said = others.map(([name, value]) => `${words(name).toLowerCase()} ${value ?? ABSENT}`);
  return [...(change ? [`${previous} → ${state}`] : []), ...said].join(", ") || ABSENT;
}

export function drawEvents(unit: UnitState, nowMs: number): void {
  const events = unit.events ?? [];
  fillTable(
    byId("events"),
    events.length === 0 ? head("Nothing has happened yet.") : head("Time", "Event", "Source", "Detail"),
    events.map((event) => {
      const [icon, tone] = SEVERITY_SIGNS[event.severity] ?? ["?", "idle"];
      return [
        { text: event.t?.slice(11, 19) ?? age(nowMs - event.atMs), short: true },
        { text: words(event.name), icon, tone, sub: event.severity, short: true },
        { text: event.source === null ? ABSENT : words(event.source) },
        { text: detailWords(event.detail) },
      ];
    }),
  );
  setText(byId("events-note"), events.length === 0 ? "" : "newest first");
}
