import type { z } from "zod";
import type { ChannelSpec } from "../model/channel.ts";
import type { Lamp } from "../model/operator.ts";

/** One input of a sub-board, in the order of the plan's channels. Values are what the board says; `scale` makes them a sample. */
export type BoardInput =
  | { readonly kind: "analog"; readonly pin: number; readonly scale: number; readonly offset: number }
  | { readonly kind: "digital"; readonly pin: number; readonly pullUp: boolean; readonly invert: boolean }
  | {
      readonly kind: "pulses";
      readonly pin: number;
      readonly edge: "rising" | "falling";
      readonly everyMs: number;
      readonly pulsesPerRevolution: number;
      readonly windowMs: number;
      /** Most pulses a second that the wiring and the firmware keep up with. */
      readonly maxHz: number;
    };

/** A sub-board with the options put in. */
export interface BoardPlan {
  readonly channels: Readonly<Record<string, ChannelSpec>>;
  readonly inputs: readonly BoardInput[];
  /** Time between two reports of the analog inputs. */
  readonly samplingMs: number;
  /** Bits of the analog converter: a board with another one is refused. */
  readonly adcBits: number;
  /** Nothing heard of the board for so long (ms): the source is `degraded`. */
  readonly silentMs: number;
}

/** A microcontroller on a serial port whose firmware is not ours, read by a library in a process of its own. */
export interface BoardDevice {
  readonly kind: "board";
  readonly part: string;
  readonly summary: string;
  readonly speaks: string;
  readonly source: string;
  readonly options: z.ZodType;
  /** Throws a `ZodError` for options that the schema refuses. */
  plan(options: unknown): BoardPlan;
}

/** Makes a sub-board of its table. */
export function defineBoardDevice<S extends z.ZodType>(table: {
  readonly part: string;
  readonly summary: string;
  readonly speaks: string;
  readonly source: string;
  readonly options: S;
  readonly plan: (o: z.output<S>) => BoardPlan;
}): BoardDevice {
  const { plan, ...rest } = table;
  return { kind: "board", ...rest, plan: (given) => plan(table.options.parse(given)) };
}

/** How the operator's key was pressed. */
export const KEY_PRESSES = ["short", "long", "mute"] as const;
export type KeyPress = (typeof KEY_PRESSES)[number];

/** What may go wrong between a reader and its board, each with a counter of its own. */
export const BOARD_TROUBLES = ["malformed", "unanswered", "boardResets", "settingsLost", "crashes", "hangs"] as const;
export type BoardTrouble = (typeof BOARD_TROUBLES)[number];

/** What a reader tells. Instants are those at which the bytes that say so came from the board (mono ms). */
export interface BoardListener {
  /** The board is recognised and set up; `firmware` is what it calls itself. */
  ready(firmware: string): void;
  /** What an input says: counts, 0 or 1. */
  value(input: number, x: number, atMs: number): void;
  /** A pulse counter of the board: its own clock (ms, modulo 2³²) and its pulses so far (modulo 2³²). */
  pulses(input: number, boardMs: number, pulses: number, atMs: number): void;
  /** The board has answered, and still has the settings it was given. */
  beat(atMs: number): void;
  /** Bytes for the board. */
  write(bytes: Uint8Array): void;
  /** The board is there but cannot be used as configured. */
  refused(reason: string): void;
  key(press: KeyPress, atMs: number): void;
  /** Something was counted; the reader mends itself. */
  trouble(kind: BoardTrouble): void;
  /** The reader begins anew, and why; nothing is known of the board until it is ready again. */
  restarted(reason: string): void;
}

/** What reads a board: real, in a process of its own, or made of memory. Never blocks, never throws. */
export interface BoardReader {
  start(listener: BoardListener): void;
  /** The port has opened: a session begins. */
  opened(nowMs: number): void;
  closed(): void;
  bytes(chunk: Uint8Array, atMs: number): void;
  /** What the panel's lamp shall say. */
  lamp(lamp: Lamp): void;
  /** A press of the key has been taken. */
  noted(press: KeyPress): void;
  /** When `step` wants to be called next (mono ms). */
  readonly dueMs: number;
  step(nowMs: number): void;
  close(): void;
}
