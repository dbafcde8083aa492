import { isClear, type MachineHistory, type MachineStretch } from "./machine.ts";
import { span } from "./span.ts";

/** The history of a machine as a person reads it. */
export function machineText(history: MachineHistory): string {
  const { machine, org, stretches, overlaps, online } = history;
  const units = new Set(stretches.map(({ unit }) => unit));
  const lines = [
    `Machine ${machine} of ${org}: ${units.size} ${units.size === 1 ? "unit" : "units"}${isClear(history) ? "" : ", NOT clear which measured when"}`,
    "",
  ];
  let before: MachineStretch | undefined;
  for (const stretch of stretches) {
    if (before !== undefined) lines.push(`  ${between(before, stretch)}`);
    const when = stretch.fromUtc === null ? "time not known" : `${stretch.fromUtc} to ${stretch.toUtc ?? "?"}`;
    lines.push(`  unit ${stretch.unit}, boot ${stretch.boot}: ${when}, ${span(stretch.toMono - stretch.fromMono)}`);
    if (stretch.contradicted > 0)
      lines.push("        WRONG MACHINE: the memory on the harness says that this was another machine");
    before = stretch;
  }
  if (stretches.length === 0) lines.push("  no rows");
  for (const { units: pair, fromUtc, toUtc } of overlaps)
    lines.push(
      "",
      `TWO UNITS at one time: ${pair[0]} and ${pair[1]} both say they measured from ${fromUtc} to ${toUtc}.`,
    );
  if (online.length > 1) lines.push("", `TWO UNITS now: ${online.join(" and ")} are online and say they are on it.`);
  return `${lines.join("\n")}\n`;
}

/** Why nothing was measured between two stretches. */
function between(a: MachineStretch, b: MachineStretch): string {
  const pause =
    a.toUtc === null || b.fromUtc === null
      ? ""
      : ` for ${span(Math.max(0, Date.parse(b.fromUtc) - Date.parse(a.toUtc)))}`;
  if (a.unit !== b.unit) return `swapped: unit ${a.unit} for unit ${b.unit}; nothing measured${pause}`;
  return a.boot === b.boot ? `away${pause}: in this boot the unit was on another machine` : `off${pause}`;
}
