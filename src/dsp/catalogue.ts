import type { FilterDef } from "./filter.ts";
import { calibrate } from "./filters/calibrate.ts";
import { calibrateLinear } from "./filters/calibrate-linear.ts";
import { clamp } from "./filters/clamp.ts";
import { deadband } from "./filters/deadband.ts";
import { decimate } from "./filters/decimate.ts";
import { lowPass } from "./filters/low-pass.ts";
import { median } from "./filters/median.ts";

const all: readonly FilterDef[] = [calibrate, calibrateLinear, clamp, median, lowPass, decimate, deadband];

/** Every filter by the name a configuration uses. */
export const filters: Readonly<Record<string, FilterDef>> = Object.fromEntries(all.map((f) => [f.name, f]));

/** The names of all filters, for messages that say what would have been right. */
export const filterNames: readonly string[] = all.map((f) => f.name);
