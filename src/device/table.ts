import type { z } from "zod";
import type { Unit } from "../model/units.ts";
import type { Encoding } from "./encoding.ts";

/** A register: its number, or its number with width and order where those differ from the part's usual ones. */
export type RegisterEntry = number | { readonly at: number; readonly bytes: number; readonly order?: "be" | "le" };

/** Bits that must be so: written, read back, and re-checked while running. */
export interface Wanted<R extends string = string> {
  readonly reg: R;
  readonly mask: number;
  readonly value: number;
}

/** One register whose value tells the part from others: equal under the mask, or `least` and more. */
export type Identity<R extends string = string> =
  | { readonly reg: R; readonly mask?: number; readonly equals: number }
  | { readonly reg: R; readonly mask?: number; readonly least: number };

/** A write that is not kept by the part: a reset, a start. Without `value` only the register pointer is sent. */
export interface Command<R extends string = string> {
  readonly reg: R;
  readonly value?: number;
  readonly waitMs?: number;
}

/** How the checksum of a frame is tested, and made for the twin. `frame` holds exactly the frame's bytes. */
export interface FrameCheck {
  ok(frame: Uint8Array, address: number, register: number): boolean;
  seal(frame: Uint8Array, address: number, register: number): void;
}

/** The bytes of one scan, read in one transfer. */
export interface Frame<R extends string = string> {
  /** The name channels and flags refer to; the register's name when not given. */
  readonly key?: string;
  /** Where it is read; without it the bytes are received with no register pointer. */
  readonly reg?: R;
  readonly bytes: number;
  /** Bits of which at least one is set when the frame holds a measurement not read before. */
  readonly ready?: { readonly byte: number; readonly mask: number };
  readonly check?: FrameCheck;
  /** For parts with compensation: the values of the frame's channels, in table order; NaN where there is none. */
  readonly decode?: (frame: Uint8Array, calibration: Uint8Array, values: Float64Array) => void;
  /** The inverse of `decode`, for the twin. */
  readonly encode?: (values: Float64Array, calibration: Uint8Array, frame: Uint8Array) => void;
}

/** Registers read at a period; frames due together are one scan. */
export interface PollRead<R extends string = string> {
  readonly verb: "poll";
  readonly frames: readonly (Frame<R> & { readonly everyMs: number })[];
}

/** One conversion: started by a command, read after `waitMs`. */
export interface Shot<R extends string = string> extends Frame<R> {
  readonly start: Command<R>;
  readonly waitMs: number;
  readonly everyMs: number;
}

/** Conversions started one at a time, in turn. */
export interface OneShotRead<R extends string = string> {
  readonly verb: "oneShot";
  readonly shots: readonly Shot<R>[];
  /**
   * A result equal to the start command under `mask` is the command read back, not a conversion. `spare` are bits without
   * meaning, turned over after such a result, so that a true one passes the next time.
   */
  readonly echo?: { readonly mask: number; readonly spare: number };
  /** First results of each shot after power-up that are not to be believed. */
  readonly discard?: number;
}

/** Where a FIFO tells how many entries wait: in a byte of the data frame, or in a register of its own. */
export type FifoLevel<R extends string = string> =
  | { readonly byte: number; readonly mask: number }
  | { readonly reg: R; readonly bytes: number; readonly mask: number };

/** A FIFO that runs all the time and is drained before it is full. */
export interface StreamFifoRead<R extends string = string> {
  readonly verb: "streamFifo";
  /** One entry of the FIFO. */
  readonly data: R;
  readonly bytes: number;
  readonly entries: FifoLevel<R>;
  readonly depth: number;
  readonly odrHz: number;
  readonly drainMs: number;
  /** Entries that may be read in one transfer (1 when not given). */
  readonly perRead?: number;
  /** Where each entry says which sensor it is from: channels with the same `tag` belong to it. */
  readonly tag?: { readonly byte: number; readonly mask: number; readonly shift: number };
  /** False for an entry that holds no measurement (a start-up marker, a broken parity): it is left out. */
  readonly valid?: (bytes: Uint8Array, at: number) => boolean;
  /** Makes an entry valid, for the twin. */
  readonly seal?: (bytes: Uint8Array, at: number) => void;
  /** Writes that empty the FIFO and let it stream anew. */
  readonly flush?: readonly Command<R>[];
  /** Set when entries were lost. */
  readonly overrun: { readonly reg: R; readonly mask: number };
  /** The bits under which the FIFO streams, stated apart from `setup`; the twin goes by them. */
  readonly mode: Wanted<R>;
}

/** A FIFO that waits for a shock and then holds what came before and after it. */
export interface ArmedFifoRead<R extends string = string> {
  readonly verb: "armedFifo";
  readonly data: R;
  readonly bytes: number;
  readonly depth: number;
  readonly odrHz: number;
  readonly pollMs: number;
  /** `trigger` is set once the shock has come, `entries` is how many wait. */
  readonly status: { readonly reg: R; readonly trigger: number; readonly entries: number };
  /** Reading it makes the trigger ready again; also read every `ackMs` on its own. */
  readonly ack: R;
  readonly ackMs: number;
  /** Written in order after a capture and at the start. */
  readonly rearm: readonly Command<R>[];
  /** Entries kept from before the shock, and the change in counts on any axis that sets it off; the twin goes by them. */
  readonly before: number;
  readonly thresholdCounts: number;
}

export type Read<R extends string = string> = PollRead<R> | OneShotRead<R> | StreamFifoRead<R> | ArmedFifoRead<R>;

/** Counts `from` to `to` (both included) mean `q`; with `missing` among it there is no value. */
export interface CountBand {
  readonly from: number;
  readonly to: number;
  readonly q: number;
}

interface ChannelWords {
  readonly label: string;
  readonly unit: Unit;
  /** What the part can measure, in `unit`. */
  readonly range: readonly [number, number];
  /** The frame it is read from; the first one when not given. */
  readonly frame?: string;
}

/** A channel that is a count in a frame: value = count × scale + offset. */
export interface CountChannel extends ChannelWords {
  readonly byte: number;
  readonly encoding: Encoding;
  /** `unit` per count, with its derivation from the data sheet beside it. */
  readonly scale: number;
  readonly offset?: number;
  /** At or beyond these counts the sample is clipped; one number stands for ±. */
  readonly clip?: number | readonly [number, number];
  /** Counts outside this cannot be: the sample is suspect. */
  readonly plausible?: readonly [number, number];
  readonly bands?: readonly CountBand[];
  /** For a ratiometric sender: the count is multiplied by `count` ÷ the latest count of that channel (NaN there: no value). */
  readonly ratio?: { readonly channel: string; readonly count: number };
  readonly tag?: number;
}

/** A channel that the frame's `decode` works out. */
export interface ComputedChannel extends ChannelWords {
  readonly resolution: number;
}

export type ChannelTable = CountChannel | ComputedChannel;

/** While `(byte & mask) === equals` in a frame, the named channels (all when not named) carry `q`. */
export interface Flag {
  readonly frame: string;
  readonly byte: number;
  readonly mask: number;
  readonly equals: number;
  readonly q: number;
  readonly channels?: readonly string[];
}

/** A part that answers with the identity of another is found by its size at rest: the median magnitude of its axes. */
export interface AtRest {
  readonly samples: number;
  readonly everyMs: number;
  /** Where each axis lies in the table's `frame`, by channel key. */
  readonly axes: Readonly<Record<string, number>>;
  /** Medians in counts that only another part can show. */
  readonly strangers: readonly (readonly [number, number])[];
}

/** A part as one table: everything the driver, the twin, the configuration and the reference pages know about it. */
export interface DeviceTable<R extends string, S extends z.ZodType> {
  readonly part: string;
  readonly summary: string;
  /** Where the figures come from, as a reader would ask for it. */
  readonly source: string;
  readonly addresses: readonly number[];
  readonly maxClockHz: number;
  /** Names as printed. */
  readonly registers: Readonly<Record<R, RegisterEntry>>;
  /** For parts whose pointer selects a whole word: its usual width and order. Without it a register is a byte, the next follows. */
  readonly width?: { readonly bytes: number; readonly order: "be" | "le" };
  /** Values after power-on that are not 0. */
  readonly powerOn?: Partial<Record<NoInfer<R>, number>>;
  /** Every one must match. Absent where the part has none. */
  readonly identity?: Identity<NoInfer<R>> | readonly Identity<NoInfer<R>>[];
  /** What a part without identity or settings acknowledges and is not changed by; one byte is asked of it when not given. */
  readonly hello?: Command<NoInfer<R>>;
  readonly options: S;
  /** Writes that bring the part to where it may be set up; made only when it is not yet as wanted. */
  readonly prepare?: (o: z.output<S>) => readonly Command<NoInfer<R>>[];
  /** Wanted bits, in the order of writing. */
  readonly setup: (o: z.output<S>) => readonly Wanted<NoInfer<R>>[];
  /** What a measuring part shows, stated apart from `setup`, so that one checks the other. */
  readonly awake?: Wanted<NoInfer<R>>;
  readonly read: (o: z.output<S>) => Read<NoInfer<R>>;
  /** Registers that hold one scan outside the FIFO. */
  readonly frame?: Frame<NoInfer<R>>;
  /** Constants of this one part, read once; `example` is what the twin holds. */
  readonly calibration?: {
    readonly frames: readonly Frame<NoInfer<R>>[];
    readonly example: readonly number[];
    ok(bytes: Uint8Array): boolean;
  };
  readonly flags?: readonly Flag[];
  readonly atRest?: (o: z.output<S>) => AtRest;
  /** The part is never still: this many equal frames in a row mean that it is stuck. */
  readonly stuckAfter?: number;
  /** The one frame that this is said of (a counter that runs on); all when not given. */
  readonly stuckFrame?: string;
  readonly channels:
    | Readonly<Record<string, ChannelTable>>
    | ((o: z.output<S>) => Readonly<Record<string, ChannelTable>>);
}
