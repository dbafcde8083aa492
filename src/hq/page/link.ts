import { byId, fillPairs } from "./dom.ts";
import { ABSENT, bytes, duration, fixed, words } from "./format.ts";
import type { UnitState } from "./store.ts";

/** Text for a figure that may be absent. */
function shown(value: number | null | undefined, text: (value: number) => string): string {
  return value === null || value === undefined ? ABSENT : text(value);
}

/** How messages come from the unit to HQ, and how the unit is. */
export function drawLink(unit: UnitState, broker: boolean, bad: Readonly<Record<string, number>>, nowMs: number): void {
  const { head, health, lanes } = unit;
  const reasons = Object.entries(bad).map(([reason, count]) => `${words(reason).toLowerCase()} ${fixed(count)}`);
  const sinceS = typeof health?.atMs === "number" ? (nowMs - health.atMs) / 1000 : 0;
  const refused = health?.refused ?? 0;
  fillPairs(byId("link"), [
    ["HQ to broker", broker ? "connected" : "not connected"],
    ["Unit to broker", head?.state === "online" ? "connected" : "not connected"],
    ["Protocol", health?.protocol ? `MQTT ${health.protocol}` : ABSENT],
    ["Connects", shown(health?.connects, fixed) + (refused > 0 ? `, ${fixed(refused)} refused` : "")],
    ["Messages", `${fixed(lanes?.messages)}, ${bytes(lanes?.bytes)}`],
    ["Put aside", reasons.join(", ") || "none"],
    ["Spool", health?.spoolState ? `${health.spoolState}, ${bytes(health.spoolBytes)}` : ABSENT],
    ["Sampler", head?.sampler ?? ABSENT],
    ["Restarts", shown(health?.restarts, fixed)],
    ["Loop lateness", shown(health?.latenessMaxMs, (ms) => `${ms.toFixed(1)} ms at most`)],
    ["Running for", shown(health?.uptimeS, (s) => duration(s + sinceS))],
    ["Memory", shown(health?.rssMb, (mb) => `${fixed(mb)} MB`)],
    ["Processor", shown(health?.cpuTempCel, (c) => `${c.toFixed(1)} °C`)],
    ["Disk free", shown(health?.diskFreeMb, (mb) => bytes(mb * 1e6))],
    ["Software", head?.software ?? ABSENT],
    ["Boot", head?.boot?.slice(0, 8) ?? ABSENT],
  ]);
}
