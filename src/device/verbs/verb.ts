import type { Clock } from "../../model/time.ts";
import type { I2cPlan } from "../define.ts";
import type { FailureLog } from "../failures.ts";
import type { RegisterPort } from "../register-port.ts";
import type { Scans } from "../scans.ts";
import type { SourceSink } from "../source.ts";

/** One way of reading a part that has been set up. */
export interface Verb {
  /** When `step` has something to do (mono ms). */
  readonly dueMs: number;
  /** Begins anew; false when a transfer failed in spite of its retries. */
  start(nowMs: number): boolean;
  /** Reads what is due; false when a transfer failed in spite of its retries. */
  step(nowMs: number): boolean;
}

/** What every verb works with. */
export interface VerbContext {
  readonly plan: I2cPlan;
  readonly port: RegisterPort;
  readonly scans: Scans;
  readonly log: FailureLog;
  readonly clock: Clock;
  readonly sink: SourceSink;
}
