import { createHash } from "node:crypto";
import type { HealthMessage, StateMessage } from "../model/record.ts";

/** What a report tells of a unit that runs. Never holds a position or a secret. */
export interface UnitReport {
  readonly org: string;
  readonly unit: string;
  readonly machine: string;
  readonly state: StateMessage;
  readonly health: HealthMessage;
  /** The last error of the link, as a line. */
  readonly linkError?: string;
}

/**
 * The report that a stick carries away: words for a person, then `state` and `health` as JSON, and a check sum of all of it
 * as the last line. Without a unit it says that there is no configuration that runs.
 */
export function reportText(options: {
  readonly unit: UnitReport | undefined;
  readonly software: string;
  /** What became of the records. */
  readonly records: readonly string[];
  /** Newest lines of the log, as JSON, warnings and worse. */
  readonly log: readonly string[];
}): string {
  const { unit, software, records, log } = options;
  const text = [
    ...(unit === undefined
      ? ["Swath unit: no configuration runs on it", `software ${software}`]
      : [...headOf(unit), ...partsOf(unit), ...storeOf(unit), ...hostOf(unit)]),
    "",
    ...records,
    "",
    log.length === 0 ? "warnings and errors since the start: none" : `warnings and errors, the newest ${log.length}:`,
    ...log.map((line) => `  ${lineOf(line)}`),
    ...(unit === undefined ? [] : ["", JSON.stringify({ state: unit.state }), JSON.stringify({ health: unit.health })]),
  ].join("\n");
  const all = `${text}\n`;
  return `${all}sha256 of all above: ${createHash("sha256").update(all).digest("hex")}\n`;
}

function headOf({ org, unit, machine, state, health }: UnitReport): string[] {
  const { bundle } = state;
  const serial = bundle === undefined ? "" : `, serial ${bundle.serial}${bundle.trial ? " (on trial)" : ""}`;
  return [
    `Swath unit ${unit} on machine ${machine}, organisation ${org}`,
    `written ${state.t ?? "at an unknown time"} (trust: ${state.trust}), ${health.uptimeS} s after its start`,
    `boot ${state.boot} (${state.bootReason ?? "reason unknown"})`,
    `software ${state.software}, configuration ${state.config}${serial}`,
    ...(bundle?.last === undefined ? [] : [`last configuration: ${bundle.last}`]),
  ];
}

function partsOf({ state, health }: UnitReport): string[] {
  const names = Object.entries(health.sources).sort(([a], [b]) => a.localeCompare(b));
  return [
    "",
    `sampler ${state.sampler}, restarted ${health.sampler.restarts} times`,
    `parts (${names.length}):`,
    ...names.map(([name, { part, state: word, counters }]) => {
      const counts = Object.entries(counters).map(([counter, n]) => `${counter} ${n}`);
      return `  ${name} (${part}): ${word}${counts.length === 0 ? "" : `; ${counts.join(", ")}`}`;
    }),
  ];
}

function storeOf({ state, health, linkError }: UnitReport): string[] {
  const lanes = (counts: StateMessage["unsent"]) => `event ${counts.event}, log ${counts.log}, bulk ${counts.bulk}`;
  const { connected, connects } = health.link;
  return [
    "",
    `records: ${health.spool.state}, ${health.spool.bytes} bytes, spool ${state.spool}`,
    `  not sent: ${lanes(state.unsent)}`,
    ...(state.unconfirmed === undefined ? [] : [`  sent, not confirmed by HQ: ${lanes(state.unconfirmed)}`]),
    `link: ${connected ? "connected" : "not connected"}, connected ${connects} times since the start`,
    ...(linkError === undefined ? [] : [`  last error: ${linkError}`]),
  ];
}

function hostOf({ health }: UnitReport): string[] {
  const { cpuTempCel, undervoltage, diskFreeMb } = health;
  const said = [
    ...(cpuTempCel === undefined ? [] : [`processor ${cpuTempCel} Cel`]),
    ...(undervoltage === undefined ? [] : [undervoltage ? "UNDERVOLTAGE" : "supply as it should be"]),
    ...(diskFreeMb === undefined ? [] : [`${diskFreeMb} MB free`]),
  ];
  return said.length === 0 ? [] : [`computer: ${said.join(", ")}`];
}

const LEVELS: Readonly<Record<number, string>> = { 40: "warning", 50: "error", 60: "fatal" };

/** A line of the log as a person reads it: time, level, what, and the rest as it stands. */
function lineOf(json: string): string {
  try {
    const { level, time, msg, name: _, ...rest } = JSON.parse(json) as Record<string, unknown>;
    const at = typeof time === "number" ? new Date(time).toISOString() : "";
    const more = Object.keys(rest).length === 0 ? "" : ` ${JSON.stringify(rest)}`;
    return `${at} ${LEVELS[Number(level)] ?? String(level)} ${String(msg ?? "")}${more}`;
  } catch {
    return json;
  }
}
