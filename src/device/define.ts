import type { z } from "zod";
import type {
  ArmedFifoRead,
  AtRest,
  ChannelTable,
  Command,
  DeviceTable,
  Flag,
  Frame,
  Identity,
  OneShotRead,
  PollRead,
  Read,
  RegisterEntry,
  StreamFifoRead,
  Wanted,
} from "./table.ts";

/** A register as the driver and the twin use it. */
export interface Register {
  readonly name: string;
  readonly at: number;
  readonly bytes: number;
  readonly order: "be" | "le";
}

/** A part's table with its options put in: plain values, the same for the driver, the twin and the reference pages. */
export interface I2cPlan {
  readonly registers: Readonly<Record<string, Register>>;
  /** Registers are words behind a pointer; otherwise bytes that follow each other. */
  readonly words: boolean;
  readonly powerOn: Readonly<Record<string, number>>;
  readonly identity: readonly Identity[];
  readonly hello: Command | undefined;
  readonly prepare: readonly Command[];
  readonly setup: readonly Wanted[];
  readonly awake: Wanted | undefined;
  readonly read: Read;
  readonly frame: Frame | undefined;
  readonly calibration: DeviceTable<string, z.ZodType>["calibration"];
  readonly flags: readonly Flag[];
  readonly atRest: AtRest | undefined;
  readonly stuckAfter: number | undefined;
  readonly stuckFrame: string | undefined;
  readonly channels: Readonly<Record<string, ChannelTable>>;
}

/** A part on an I2C bus. */
export interface I2cDevice {
  readonly kind: "i2c";
  readonly part: string;
  readonly summary: string;
  readonly source: string;
  readonly addresses: readonly number[];
  /** The fastest clock the part keeps up with: it must not share a faster bus. */
  readonly maxClockHz: number;
  /** What tells it from other parts, whatever its options; empty where it has nothing. */
  readonly identity: readonly Identity[];
  readonly registers: Readonly<Record<string, Register>>;
  /** What the configuration may say about it. */
  readonly options: z.ZodType;
  /** Throws a `ZodError` for options that the schema refuses. */
  plan(options: unknown): I2cPlan;
}

/** Makes a part of its table. */
export function defineDevice<const R extends string, S extends z.ZodType>(table: DeviceTable<R, S>): I2cDevice {
  const { part, summary, source, addresses, maxClockHz, options } = table;
  const identity = table.identity === undefined ? [] : [table.identity].flat();
  const registers = registersOf(table.registers, table.width);
  return {
    kind: "i2c",
    part,
    summary,
    source,
    addresses,
    maxClockHz,
    identity,
    registers,
    options,
    plan(given) {
      const o = options.parse(given);
      return {
        registers,
        words: table.width !== undefined,
        powerOn: (table.powerOn ?? {}) as Readonly<Record<string, number>>,
        identity,
        hello: table.hello,
        prepare: table.prepare?.(o) ?? [],
        setup: table.setup(o),
        awake: table.awake,
        read: table.read(o),
        frame: table.frame,
        calibration: table.calibration,
        flags: table.flags ?? [],
        atRest: table.atRest?.(o),
        stuckAfter: table.stuckAfter,
        stuckFrame: table.stuckFrame,
        channels: typeof table.channels === "function" ? table.channels(o) : table.channels,
      };
    },
  };
}

function registersOf(
  entries: Readonly<Record<string, RegisterEntry>>,
  width: { readonly bytes: number; readonly order: "be" | "le" } | undefined,
): Record<string, Register> {
  const registers: Record<string, Register> = {};
  for (const [name, entry] of Object.entries(entries)) {
    const own = typeof entry === "number" ? { at: entry, bytes: width?.bytes ?? 1 } : entry;
    registers[name] = { name, order: width?.order ?? "be", ...own };
  }
  return registers;
}

/** Registers read at a period, or several periods. */
export function poll<const R extends string>(read: Omit<PollRead<R>, "verb">): PollRead<R> {
  return { verb: "poll", ...read };
}

/** Conversions that the host starts, one at a time. */
export function oneShot<const R extends string>(read: Omit<OneShotRead<R>, "verb">): OneShotRead<R> {
  return { verb: "oneShot", ...read };
}

/** A FIFO that is drained while it runs. */
export function streamFifo<const R extends string>(read: Omit<StreamFifoRead<R>, "verb">): StreamFifoRead<R> {
  return { verb: "streamFifo", ...read };
}

/** A FIFO that a shock freezes. */
export function armedFifo<const R extends string>(read: Omit<ArmedFifoRead<R>, "verb">): ArmedFifoRead<R> {
  return { verb: "armedFifo", ...read };
}
