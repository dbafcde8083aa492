import type { I2cBus } from "../bus/i2c.ts";
import type { Clock } from "../model/time.ts";
import type { I2cDevice } from "./define.ts";
import type { SourceSink } from "./source.ts";

/** What the one driver needs to run a part: its table, its place, its time and who takes the samples. */
export interface I2cSourceSpec {
  readonly device: I2cDevice;
  /** The name in the configuration; channels are `<name>.<key>`. */
  readonly name: string;
  readonly options: unknown;
  readonly bus: I2cBus;
  readonly address: number;
  readonly clock: Clock;
  readonly sink: SourceSink;
}
