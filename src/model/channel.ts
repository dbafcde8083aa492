import type { Unit } from "./units.ts";

/** What a channel is: a named quantity with unit and range. */
export interface ChannelSpec {
  /** Human words, English, sentence case. */
  readonly label: string;
  readonly unit: Unit;
  /** Physical range of the source in `unit`: at or beyond its ends a sample is clipped. */
  readonly range: readonly [number, number];
  /** Smallest step worth sending, in `unit`: usually the value of one count. */
  readonly resolution: number;
  /** Samples per second the source promises, when it is regular. */
  readonly rateHz?: number;
  /** Words for its values, when they are codes from 0 on. */
  readonly codes?: readonly string[];
}
