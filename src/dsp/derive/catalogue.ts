import { agreement, combination, difference, magnitude, ratio } from "./combine.ts";
import type { DerivationDef } from "./derivation.ts";
import { machineState } from "./machine-state.ts";
import { speedExcess } from "./speed-excess.ts";
import { complementary, pitch, roll, tilt } from "./tilt.ts";

/** Every way to make one channel of several, in the order of the reference. */
export const derivationList: readonly DerivationDef[] = [
  difference,
  ratio,
  magnitude,
  combination,
  agreement,
  pitch,
  roll,
  tilt,
  complementary,
  speedExcess,
  machineState,
];

/** By the name a configuration uses. */
export const derivations: Readonly<Record<string, DerivationDef>> = Object.fromEntries(
  derivationList.map((d) => [d.name, d]),
);
