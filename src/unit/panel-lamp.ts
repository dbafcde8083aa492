import type { LoadedConfig } from "../config/loaded.ts";
import type { Row } from "../link/frame.ts";
import type { Lamp } from "../model/operator.ts";
import { type LampFacts, lampOf } from "./lamp.ts";

/** A position older than this, in ms, is none. */
const OLD_MS = 3000;
/** How often the lamp is told, whether it changed or not: what nobody tells any more is a dead unit's. */
const TELL_MS = 1000;

/** The lamp of the operator's panel, told to the sampler that holds the board; does nothing where there is no panel. */
export function createPanelLamp(options: {
  readonly config: LoadedConfig;
  readonly nowMs: () => number;
  readonly facts: () => Omit<LampFacts, "gnss">;
  readonly tell: (lamp: Lamp) => void;
}) {
  const { config, nowMs } = options;
  const lat = config.track?.columns.findIndex((c) => c.column === "lat") ?? -1;
  let fixMs = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;

  function gnss(): LampFacts["gnss"] {
    if (config.track === undefined) return "none";
    return nowMs() - fixMs <= OLD_MS ? "fix" : "no_fix";
  }

  return {
    start(): void {
      if (config.panel === undefined) return;
      const tell = () => options.tell(lampOf({ ...options.facts(), gnss: gnss() }));
      tell();
      timer = setInterval(tell, TELL_MS);
    },
    /** A row has come: a fix among them is a position. */
    row(row: Row): void {
      if (row.table === 1 && Number.isFinite(row.values[lat])) fixMs = row.monoMs;
    },
    stop: () => clearInterval(timer),
  };
}
