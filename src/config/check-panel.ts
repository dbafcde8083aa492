import { at, type Checking, complain, goodAt, namesAt } from "./checking.ts";
import type { LoadedPart } from "./loaded.ts";
import { suggest } from "./nearest.ts";
import { panelSchema } from "./schema.ts";

const PINS = ["lampPin", "buzzerPin", "keyPin"] as const;

/** Checks that the operator's panel hangs on a sub-board of this file, and that each of its pins is its own. */
export function checkPanel(c: Checking, parts: ReadonlyMap<string, LoadedPart>): void {
  const panel = goodAt(c, panelSchema, ["panel"]);
  if (panel === undefined) return;
  const path = ["panel", "board"];
  const names = namesAt(c, ["parts"]);
  if (!names.includes(panel.board)) {
    const hint = suggest(panel.board, names, "parts of this file");
    complain(c, "config/conflict", path, `there is no part "${panel.board}"; ${hint}`);
    return;
  }
  const part = parts.get(panel.board);
  if (part === undefined) return;
  const { device, options } = part;
  if (device.kind !== "board") {
    complain(c, "config/conflict", path, `"${panel.board}" is ${device.part}, expected a sub-board (firmata-board)`);
    return;
  }
  const owner = new Map<number, string>();
  for (const input of device.plan(options).inputs)
    if (input.kind !== "analog")
      owner.set(input.pin, `an input of "${panel.board}" (${at(c, ["parts", panel.board])})`);
  for (const key of PINS) {
    const pin = panel[key];
    if (pin === undefined) continue;
    const other = owner.get(pin);
    if (other === undefined) owner.set(pin, `panel.${key}`);
    else complain(c, "config/conflict", ["panel", key], `pin ${pin} is already ${other}`);
  }
}
