import type { LoadedConfig } from "../config/loaded.ts";
import { smallLines } from "../device/display-text.ts";
import type { Row } from "../link/frame.ts";
import type { Screen } from "../model/operator.ts";
import { createOperatorFacts, type OperatorSource } from "./operator-facts.ts";
import type { TableSpec } from "./recorder.ts";
import { screenOf } from "./screen.ts";
import type { Timebase } from "./timebase.ts";

/** How often the display is told, whether anything changed or not: what nobody tells any more is a dead unit's. */
const TELL_MS = 1000;

/** Tells the sampler, which holds the bus, what the operator's display shall show; undefined where there is none. */
export function startDisplayTeller(options: {
  readonly config: LoadedConfig;
  readonly tables: readonly TableSpec[];
  readonly timebase: Timebase;
  readonly source: OperatorSource;
  readonly tell: (screen: Screen) => void;
}): { row(row: Row): void; stop(): void } | undefined {
  const { config, tell, ...rest } = options;
  const { display } = config;
  if (display === undefined) return undefined;
  const facts = createOperatorFacts({ ...rest, config, shown: display });
  const room = smallLines(display.device.shapes[display.size]);
  const timer = setInterval(() => tell(screenOf(facts.view(), room)), TELL_MS);
  return { row: facts.row, stop: () => clearInterval(timer) };
}
