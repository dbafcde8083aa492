import type { Block } from "../model/block.ts";
import type { ChannelSpec } from "../model/channel.ts";
import type { SourceState, Verified } from "../model/record.ts";

/** What a source does with what it reads. Called synchronously from inside `step` or a serial listener. */
export interface SourceSink {
  /** New samples of one channel, oldest first. The block is valid only during the call. */
  block(channel: number, block: Block): void;
  /** All channels of one instant have been delivered (an epoch of a receiver, a scan of a part). */
  scan(tMs: number): void;
  /** The source moved from one state to another. */
  state(state: SourceState, previous: SourceState, reason: string): void;
}

/** One channel of a running source. */
export interface SourceChannel extends ChannelSpec {
  /** The name in the part's table, such as `shockX`; config names it as `<source>.<key>`. */
  readonly key: string;
}

/** One configured part, running. Never throws once made: failures are counted and move `state`. */
export interface Source {
  readonly name: string;
  readonly part: string;
  readonly channels: readonly SourceChannel[];
  readonly state: SourceState;
  /** How it was recognised since it was last lost. */
  readonly verified: Verified;
  /** One counter per kind of failure, plus `samples`. Monotone. */
  readonly counters: Readonly<Record<string, number>>;
  /** When `step` wants to be called next (mono ms). */
  readonly dueMs: number;
  /** Does what is due: reads, drains, re-checks, recovers. */
  step(nowMs: number): void;
}

/** UTC as a receiver tells it, for the time anchor: believed only with a valid fix and a plausible date. */
export interface TimeSink {
  utc(utcMs: number, monoMs: number, uncMs: number): void;
}
