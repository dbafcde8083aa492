import type { Lamp } from "../model/operator.ts";
import type { SourceState, StateMessage } from "../model/record.ts";
import type { Delivery } from "./delivery-sign.ts";

/** What the lamp depends on. */
export interface LampFacts {
  readonly sampler: StateMessage["sampler"];
  readonly sources: Readonly<Record<string, SourceState>>;
  readonly spool: "ok" | "degraded" | "failed";
  /** Whether a configuration is on trial. */
  readonly trial: boolean;
  /** The ignition is off and the unit is about to switch its computer off. */
  readonly switchingOff: boolean;
  /** What is to be said of a bundle or a stick that has come; undefined: nothing. */
  readonly delivery: Delivery | undefined;
  /** Whether a receiver is configured, and whether it has a fix. */
  readonly gnss: "none" | "no_fix" | "fix";
}

/**
 * The one thing the lamp and the page in the cab say. A part that is still starting is no news; a link that is down is none
 * either: records wait for it, and the page says how many.
 */
export function lampOf(facts: LampFacts): Lamp {
  const states = Object.values(facts.sources);
  // What falls silent now is no fault.
  if (facts.switchingOff) return "switching_off";
  // For seconds, and also on a machine with a fault: who brought the stick to mend it looks at the lamp.
  if (facts.delivery !== undefined) return facts.delivery;
  if (facts.sampler === "restarting" || facts.spool === "failed") return "fault";
  if (states.some((state) => state === "failed" || state === "absent")) return "fault";
  if (facts.trial) return "trial";
  if (facts.gnss === "no_fix") return "no_fix";
  if (facts.spool === "degraded" || states.some((state) => state === "degraded")) return "degraded";
  return "ok";
}
