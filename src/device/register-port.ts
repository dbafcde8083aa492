import type { I2cBus } from "../bus/i2c.ts";
import type { Register } from "./define.ts";
import { type Failure, type FailureLog, failureOf } from "./failures.ts";
import type { Command, Frame, Wanted } from "./table.ts";

/** One part's registers. Nothing here throws: a transfer that fails is tried again, counted, and told as false or NaN. */
export interface RegisterPort {
  /** What the last failed transfer failed with. */
  readonly failure: Failure;
  /** Attempts at one transfer; back to `ATTEMPTS` with the first that succeeds. */
  attempts: number;
  /** Whether anything acknowledges. */
  probe(): boolean;
  frame(frame: Frame, into: Uint8Array): boolean;
  value(reg: string): number;
  /** Writes the wanted bits, reading the others first where the mask leaves some. */
  set(wanted: Wanted): boolean;
  command(command: Command): boolean;
}

/** Attempts at one transfer; a part that hangs the bus costs its neighbours this many time-outs before it is parked. */
export const ATTEMPTS = 3;

export function createRegisterPort(
  bus: I2cBus,
  address: number,
  registers: Readonly<Record<string, Register>>,
  log: FailureLog,
): RegisterPort {
  const word = new Uint8Array(8);
  let failure: Failure = "noAck";
  let attempts = ATTEMPTS;

  /** Counts; true when another attempt is worth it. */
  function failed(e: unknown, attempt: number): boolean {
    failure = failureOf(e);
    log.count(failure);
    if (attempt >= attempts) return false;
    log.counters.retries += 1;
    return true;
  }

  function read(at: number, into: Uint8Array, length: number): boolean {
    for (let attempt = 1; ; attempt++) {
      try {
        bus.readRegister(address, at, into, length);
        attempts = ATTEMPTS;
        return true;
      } catch (e) {
        if (!failed(e, attempt)) return false;
      }
    }
  }

  function receive(into: Uint8Array, length: number): boolean {
    for (let attempt = 1; ; attempt++) {
      try {
        bus.receive(address, into, length);
        attempts = ATTEMPTS;
        return true;
      } catch (e) {
        if (!failed(e, attempt)) return false;
      }
    }
  }

  function write(at: number, length: number): boolean {
    for (let attempt = 1; ; attempt++) {
      try {
        bus.writeRegister(address, at, word, length);
        attempts = ATTEMPTS;
        return true;
      } catch (e) {
        if (!failed(e, attempt)) return false;
      }
    }
  }

  function value(reg: string): number {
    const { at, bytes, order } = registers[reg]!;
    if (!read(at, word, bytes)) return Number.NaN;
    let sum = 0;
    for (let i = 0; i < bytes; i++) sum = sum * 256 + word[order === "le" ? bytes - 1 - i : i]!;
    return sum;
  }

  function put(reg: Register, wanted: number): boolean {
    let rest = wanted;
    for (let i = 0; i < reg.bytes; i++) {
      word[reg.order === "le" ? i : reg.bytes - 1 - i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return write(reg.at, reg.bytes);
  }

  return {
    get failure() {
      return failure;
    },
    get attempts() {
      return attempts;
    },
    set attempts(n) {
      attempts = n;
    },
    probe() {
      try {
        if (bus.probe(address)) return true;
        failure = "noAck";
        log.count(failure);
      } catch (e) {
        failed(e, ATTEMPTS);
      }
      return false;
    },
    frame(frame, into) {
      const at = frame.reg === undefined ? -1 : registers[frame.reg]!.at;
      for (let attempt = 1; ; attempt++) {
        if (!(at < 0 ? receive(into, frame.bytes) : read(at, into, frame.bytes))) return false;
        if (frame.check === undefined || frame.check.ok(into, address, at)) return true;
        failure = "crc";
        log.count(failure);
        // What was received on a command is gone; registers hold still.
        if (at < 0 || attempt >= attempts) return false;
        log.counters.retries += 1;
      }
    },
    value,
    set({ reg, mask, value: bits }) {
      const register = registers[reg]!;
      if (mask === 256 ** register.bytes - 1) return put(register, bits >>> 0);
      const now = value(reg);
      if (Number.isNaN(now)) return false;
      return put(register, ((now & ~mask) | (bits & mask)) >>> 0);
    },
    command({ reg, value: bits }) {
      const register = registers[reg]!;
      return bits === undefined ? write(register.at, 0) : put(register, bits);
    },
  };
}
