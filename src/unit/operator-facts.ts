import type { LoadedConfig } from "../config/loaded.ts";
import { type CabFacts, type CabSource, createCabFacts } from "./cab-facts.ts";
import type { Delivery } from "./delivery-sign.ts";
import { lampOf } from "./lamp.ts";
import type { TableSpec } from "./recorder.ts";
import type { Timebase } from "./timebase.ts";

/** What the unit knows that the operator is shown, whether on the page in the cab or on the display. */
export interface OperatorSource extends Omit<CabSource, "lamp"> {
  spool(): "ok" | "degraded" | "failed";
  /** Whether the unit is about to switch its computer off. */
  switchingOff(): boolean;
  /** What is to be said of a bundle or a stick that has come. */
  delivery(): Delivery | undefined;
}

/** The facts for one page or display, with the lamp made of them. */
export function createOperatorFacts(options: {
  readonly config: LoadedConfig;
  /** The channels it shows. */
  readonly shown: { readonly depth: string; readonly rotor: string };
  readonly tables: readonly TableSpec[];
  readonly timebase: Timebase;
  readonly source: OperatorSource;
}): CabFacts {
  const { config, shown, tables, timebase, source } = options;
  const lamp = () =>
    lampOf({
      sampler: source.sampler(),
      sources: Object.fromEntries(Object.entries(source.sources()).map(([name, s]) => [name, s.state])),
      spool: source.spool(),
      trial: source.bundle()?.trial ?? false,
      switchingOff: source.switchingOff(),
      delivery: source.delivery(),
      gnss: facts.gnssFix(),
    });
  const facts = createCabFacts({ config, cab: shown, tables, timebase, source: { ...source, lamp } });
  return facts;
}
