import type { I2cTwin } from "../bus/i2c.ts";
import { SwathError } from "../model/errors.ts";
import type { Clock } from "../model/time.ts";
import type { I2cDevice, I2cPlan } from "./define.ts";
import { frameKey, framesOf } from "./scans.ts";
import type { Frame, OneShotRead, Shot } from "./table.ts";
import { createTwinCodec, type TwinCodec, type TwinValue } from "./twin-codec.ts";
import { createTwinArmed, createTwinStream, type TwinFifo } from "./twin-fifo.ts";
import { createRegisterFile, type RegisterFile } from "./twin-registers.ts";

export interface TwinSpec {
  readonly device: I2cDevice;
  readonly options: unknown;
  readonly clock: Clock;
  readonly value: TwinValue;
  /** The address it will answer at, for checksums over it; the part's first when not given. */
  readonly address?: number;
  /** How far the part's own rate is from its nominal one: 1.05 is 5 % fast. */
  readonly rateFactor?: number;
}

/** A part made of memory: answers as its table says the part would. */
export interface Twin extends I2cTwin {
  /** All registers go back to their values after power-on; the part still answers. */
  brownOut(): void;
  /** The part keeps showing what it shows now; `thaw` ends it. */
  freeze(): void;
  thaw(): void;
  /** Answers with the identity of another part from now on. */
  disguise(): void;
  /** Sets a register from inside, as a part does with its status. */
  poke(reg: string, value: number): void;
  peek(reg: string): number;
}

/** Twins convert in two thirds of the time that the driver waits, as parts do. */
const CONVERSION = 0.66;

/** The one twin: simulates any I2C part by the inverse of its table. */
export function createTwin(spec: TwinSpec): Twin {
  const { device, clock } = spec;
  const plan = device.plan(spec.options);
  const file = createRegisterFile(plan);
  let frozenMs = Number.NaN;
  const codec = createTwinCodec(plan, (key, tMs) => spec.value(key, Number.isNaN(frozenMs) ? tMs : frozenMs));
  const address = spec.address ?? device.addresses[0]!;
  const awake = () => plan.awake === undefined || (file.value(plan.awake.reg) & plan.awake.mask) === plan.awake.value;
  const { read } = plan;
  const parts = {
    plan,
    file,
    codec,
    awake,
    periodMs: "odrHz" in read ? 1000 / read.odrHz / (spec.rateFactor ?? 1) : 0,
  };
  const fifo: TwinFifo | undefined =
    read.verb === "streamFifo"
      ? createTwinStream(read, parts)
      : read.verb === "armedFifo"
        ? createTwinArmed(read, parts)
        : undefined;
  const shots = read.verb === "oneShot" ? createTwinShots(read, plan, file, codec, address) : undefined;
  let disguised = false;

  /** Brings a polled frame up to date just before it is read. */
  function measure(at: number, nowMs: number): void {
    if (!awake()) return;
    const { frame: scan, atRest } = plan;
    if (scan?.reg !== undefined && atRest !== undefined && plan.registers[scan.reg]!.at === at && !sharesData(scan)) {
      const bytes = new Uint8Array(scan.bytes);
      for (const [key, byte] of Object.entries(atRest.axes)) codec.put(key, nowMs, bytes, byte);
      file.putBytes(at, bytes);
    }
    if (read.verb !== "poll") return;
    for (const frame of framesOf(plan)) {
      if (frame.reg === undefined || plan.registers[frame.reg]!.at !== at) continue;
      file.putBytes(at, encodeFrame(frame, nowMs, file, codec, at, address));
    }
  }

  /** The FIFO answers for its own data register. */
  const sharesData = (frame: Frame) => "data" in read && read.data === frame.reg;

  function hide(register: number, into: Uint8Array): void {
    for (const { reg } of plan.identity) if (plan.registers[reg]!.at === register) into[0] = (into[0]! - 1) & 0xff;
  }

  return {
    read(register, into, length) {
      const nowMs = clock.monoMs();
      fifo?.fill(nowMs);
      fifo?.beforeRead(register, length);
      shots?.settle(nowMs);
      measure(register, nowMs);
      file.read(register, into, length);
      if (disguised) hide(register, into);
    },
    write(register, bytes, length) {
      const nowMs = clock.monoMs();
      fifo?.fill(nowMs);
      file.write(register, bytes, length);
      fifo?.afterWrite(register);
      if (awake()) shots?.start(register, bytes, length, nowMs);
    },
    receive(into, length) {
      // What has registers goes on from its first; what answers only to commands has nothing before one.
      if (read.verb === "oneShot" && read.shots.some((s) => s.reg === undefined))
        shots?.receive(into, length, clock.monoMs());
      else file.read(0, into, length);
    },
    brownOut() {
      file.powerOn();
      fifo?.reset();
      shots?.reset();
    },
    freeze() {
      frozenMs = clock.monoMs();
    },
    thaw() {
      frozenMs = Number.NaN;
    },
    disguise() {
      disguised = true;
    },
    poke: file.put,
    peek: file.value,
  };
}

/** A frame's bytes as they are now in the file, with its channels put in and its checksum made. */
function encodeFrame(
  frame: Frame,
  tMs: number,
  file: RegisterFile,
  codec: TwinCodec,
  at: number,
  address: number,
): Uint8Array {
  const bytes = new Uint8Array(frame.bytes);
  if (at >= 0) file.read(at, bytes, frame.bytes);
  codec.encode(frameKey(frame), tMs, bytes, 0);
  if (frame.ready !== undefined) bytes[frame.ready.byte]! |= frame.ready.mask;
  frame.check?.seal(bytes, address, at);
  return bytes;
}

interface TwinShots {
  start(register: number, bytes: Uint8Array, length: number, nowMs: number): void;
  /** Puts a conversion that has ended into its register. */
  settle(nowMs: number): void;
  receive(into: Uint8Array, length: number, nowMs: number): void;
  reset(): void;
}

function createTwinShots(
  read: OneShotRead,
  plan: I2cPlan,
  file: RegisterFile,
  codec: TwinCodec,
  address: number,
): TwinShots {
  let running: { shot: Shot; startMs: number } | undefined;
  let received = new Uint8Array(0);

  function started(shot: Shot, register: number, bytes: Uint8Array, length: number): boolean {
    const at = plan.registers[shot.start.reg]!;
    if (at.at !== register || (shot.start.value === undefined) !== (length === 0)) return false;
    let value = 0;
    for (let i = 0; i < length; i++) value = value * 256 + bytes[at.order === "le" ? length - 1 - i : i]!;
    const spare = read.echo?.spare ?? 0;
    return shot.start.value === undefined || (value & ~spare) === (shot.start.value & ~spare);
  }

  function settle(nowMs: number): void {
    if (running === undefined || nowMs < running.startMs + running.shot.waitMs * CONVERSION) return;
    const { shot, startMs } = running;
    const at = shot.reg === undefined ? -1 : plan.registers[shot.reg]!.at;
    const bytes = encodeFrame(shot, startMs, file, codec, at, address);
    if (at < 0) received = bytes.slice();
    else file.putBytes(at, bytes);
    running = undefined;
  }

  return {
    start(register, bytes, length, nowMs) {
      settle(nowMs);
      const shot = read.shots.find((s) => started(s, register, bytes, length));
      if (shot !== undefined) running = { shot, startMs: nowMs };
    },
    settle,
    receive(into, length, nowMs) {
      settle(nowMs);
      if (running !== undefined || received.length < length)
        throw new SwathError("bus/no-ack", `address ${address}: no result to give`);
      into.set(received.subarray(0, length));
    },
    reset() {
      running = undefined;
      received = new Uint8Array(0);
    },
  };
}
