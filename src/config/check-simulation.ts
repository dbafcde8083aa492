import { type Checking, complain, goodAt, namesAt } from "./checking.ts";
import type { LoadedPart } from "./loaded.ts";
import { suggest } from "./nearest.ts";
import { simulationSchema } from "./schema.ts";

/** Checks that every part the simulation leaves unplugged is one of this file, and no sub-board: of that the simulation has no absent form. */
export function checkSimulation(c: Checking, parts: ReadonlyMap<string, LoadedPart>): void {
  const names = namesAt(c, ["parts"]);
  goodAt(c, simulationSchema, ["simulation"])?.unplugged?.forEach((name, i) => {
    const path = ["simulation", "unplugged", i];
    if (parts.get(name)?.device.kind === "board")
      complain(c, "config/conflict", path, `"${name}" is a sub-board, expected a part that the simulation can unplug`);
    if (names.includes(name)) return;
    const hint = suggest(name, names, "parts of this file");
    complain(c, "config/conflict", path, `there is no part "${name}"; ${hint}`);
  });
}
