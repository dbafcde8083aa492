import { byId, type Cell, fillPairs, fillTable, setText } from "./dom.ts";
import { ABSENT, age, byResolution, bytes, duration, fixed, qualityWords, unitLabel, words } from "./format.ts";
import type { UnitState } from "./store.ts";

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
      const said = [source.part, source.verified && `verified by ${source.verified}`].filter((part) => part !== null);
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
  setText(byId("lanes-note"), missing === 0 ? "✓ complete" : `▲ ${fixed(missing)} records missing`);
}

export function drawLink(unit: UnitState, broker: boolean, bad: Readonly<Record<string, number>>, nowMs: number): void {
  const health = unit.health;
  const badCount = Object.values(bad).reduce((sum, count) => sum + count, 0);
  const reasons = Object.entries(bad).map(([reason, count]) => `${words(reason).toLowerCase()} ${count}`);
  const opt = (value: number | null | undefined, text: (value: number) => string) =>
    value === null || value === undefined ? ABSENT : text(value);
  fillPairs(byId("link"), [
    ["HQ to broker", broker ? "connected" : "not connected"],
    [
      "Unit to broker",
      unit.head?.state === "online"
        ? `connected${health?.protocol ? `, MQTT ${health.protocol}` : ""}`
        : "not connected",
    ],
    [
      "Connects",
      opt(health?.connects, (n) => fixed(n)) +
        opt(health?.refused, (n) => (n > 0 ? `, ${fixed(n)} refused` : "")).replace(ABSENT, ""),
    ],
    ["Messages", `${fixed(unit.lanes?.messages)}, ${bytes(unit.lanes?.bytes)}`],
    ["Put aside by HQ", badCount === 0 ? "none" : `${fixed(badCount)} (${reasons.join(", ")})`],
    ["Spool", health?.spoolState ? `${health.spoolState}, ${bytes(health.spoolBytes)}` : ABSENT],
    [
      "Sampler",
      [unit.head?.sampler, opt(health?.restarts, (n) => `${fixed(n)} restarts`)]
        .filter((t) => t && t !== ABSENT)
        .join(", ") || ABSENT,
    ],
    ["Loop lateness", opt(health?.latenessMaxMs, (ms) => `${ms.toFixed(1)} ms at most`)],
    [
      "Unit running for",
      opt(health?.uptimeS, (s) => duration(s + (typeof health?.atMs === "number" ? (nowMs - health.atMs) / 1000 : 0))),
    ],
    ["Software", unit.head?.software ?? ABSENT],
    ["Memory", opt(health?.rssMb, (mb) => `${fixed(mb)} MB`)],
  ]);
}

export function drawEvents(unit: UnitState, nowMs: number): void {
  const events = unit.events ?? [];
  fillTable(
    byId("events"),
    events.length === 0 ? head("Nothing has happened yet.") : head("Time", "Event", "Source", "Detail"),
    events.map((event) => {
      const [icon, tone] = SEVERITY_SIGNS[event.severity] ?? ["?", "idle"];
      const detail = Object.entries(event.detail).map(
        ([name, value]) => `${words(name).toLowerCase()} ${value ?? ABSENT}`,
      );
      return [
        { text: event.t?.slice(11, 19) ?? age(nowMs - event.atMs), short: true },
        { text: words(event.name), icon, tone, sub: event.severity, short: true },
        { text: event.source === null ? ABSENT : words(event.source) },
        { text: detail.join(", ") || ABSENT },
      ];
    }),
  );
  setText(byId("events-note"), events.length === 0 ? "" : "newest first");
}

export function drawChannels(unit: UnitState, stale: boolean): void {
  const descriptor = unit.descriptor;
  const live = unit.live;
  const channels = descriptor?.channels ?? [];
  const value = (column: string | undefined) =>
    column !== undefined && live !== undefined && Object.hasOwn(live.c, column) ? live.c[column] : undefined;
  const partly = unit.head?.simulated === "some";
  fillTable(
    byId("channels"),
    [{ text: "Channel" }, num("Now"), num("Window"), ...head("Quality", "Source")],
    channels.map((channel) => {
      const [centre, ...others] = channel.columns;
      const q =
        centre !== undefined && live !== undefined && Object.hasOwn(live.q, centre) ? live.q[centre] : undefined;
      const flags = qualityWords(q, descriptor?.quality ?? {}).filter((word) => word !== "simulated");
      const now = value(centre);
      const [low, high] = ["min", "max"].map((stat) => value(others.find((column) => column.endsWith(`.${stat}`))));
      const window = [low, high]
        .filter((part) => part !== undefined)
        .map((part) => byResolution(part, channel.resolution));
      const absent = now === undefined || now === null;
      return [
        { text: channel.label, sub: channel.name },
        {
          text: `${byResolution(now, channel.resolution)}${absent ? "" : ` ${unitLabel(channel.unit)}`}`,
          number: true,
        },
        { text: window.join(" … ") || ABSENT, number: true },
        absent
          ? { text: "absent", icon: "○", tone: "idle", short: true }
          : flags.length > 0
            ? { text: flags.join(", "), icon: "▲", tone: "warn" }
            : { text: stale ? "stale" : "good", icon: stale ? "○" : "●", tone: stale ? "idle" : "ok", short: true },
        { text: channel.source, ...(partly && channel.simulated ? { sub: "simulated" } : {}) },
      ];
    }),
  );
  setText(byId("channels-note"), channels.length === 0 ? "" : `${channels.length} channels`);
}
