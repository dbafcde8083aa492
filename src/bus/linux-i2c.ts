import { realpathSync } from "node:fs";
import type { AddonBus } from "i2c-bus";
import { type ErrorCode, SwathError } from "../model/errors.ts";
import type { Clock } from "../model/time.ts";
import { checkTransfer, I2C_BLOCK_MAX, type I2cBus, i2cPlace } from "./i2c.ts";
import { holdBack } from "./i2c-hold.ts";
import { errnoName, linuxErrorCode } from "./linux-errors.ts";

/** What a Linux bus counts: calls that reached the wire, the slow ones among them, and failures by the reason of their code. */
export interface LinuxI2cCounters {
  calls: number;
  /** Calls that took longer than the deadline, whatever came of them. */
  slow: number;
  /** Calls refused without touching the wire because the part, or the bus, is held back after time-outs. */
  held: number;
  /** Failures, by the part of the code after `bus/`. */
  failures: Record<string, number>;
}

export interface LinuxI2c extends I2cBus {
  readonly counters: Readonly<LinuxI2cCounters>;
  /** Asks for one byte through the thread pool, so that a hung transfer stalls nothing here; false when nothing came. */
  probeAsync(address: number): Promise<boolean>;
}

/** How the addon is found; a parameter because it is native and optional. */
export type I2cAddonLoader = () => Promise<{ openSync(bus: number): AddonBus }>;

const owners = new Map<number, string>();

/**
 * Opens `/dev/i2c-<device>` (or a path that leads to one). One owner per bus in a process. A bus that is not there yet is no
 * failure of opening: each call throws `bus/absent` until it is.
 *
 * A synchronous call cannot be cut short. After one that timed out, the part is held back: its calls throw `bus/timeout` at
 * once, it is asked through the thread pool after 1, 2, 4 … 30 s, and anything but another time-out frees it. A driver has nothing to do
 * but to count `bus/timeout` like any failure. See `holdBack` for the bus as a whole.
 * @throws `bus/addon` without i2c-bus, `bus/busy` when the process has this bus open, `bus/absent` for a path to nowhere.
 */
export async function openLinuxI2c(options: {
  name: string;
  device: number | string;
  clock: Clock;
  /** A call longer than this (ms) is counted as slow; several in a row count as a time-out. */
  deadlineMs?: number;
  addon?: I2cAddonLoader;
}): Promise<LinuxI2c> {
  const { name, clock, deadlineMs = 50, addon = loadAddon } = options;
  const number = busNumber(name, options.device);
  const owner = owners.get(number);
  if (owner !== undefined) throw new SwathError("bus/busy", `${name}: ${owner} has /dev/i2c-${number} open`);
  owners.set(number, name);

  let bus: AddonBus;
  const openAddon = await addon().then(
    (loaded) => loaded.openSync,
    (cause) => {
      owners.delete(number);
      throw new SwathError("bus/addon", `${name}: i2c-bus does not load, run npm install with a compiler`, cause);
    },
  );
  bus = openAddon(number);

  const scratch = Buffer.alloc(I2C_BLOCK_MAX);
  const counters: LinuxI2cCounters = { calls: 0, slow: 0, held: 0, failures: {} };
  const hold = holdBack(async (address) => {
    const error = await ask(address);
    return error !== null && linuxErrorCode(error, "transfer") === "bus/timeout" ? "hangs" : "moves";
  });
  let open = true;

  function count(code: ErrorCode): void {
    const reason = code.slice("bus/".length);
    counters.failures[reason] = (counters.failures[reason] ?? 0) + 1;
  }

  /**
   * i2c-bus keeps one descriptor per address, also one whose address the kernel refused: used again it would talk to
   * address 0. And a USB adapter that was unplugged leaves dead ones. Forgetting them all is cheap.
   */
  function forgetDescriptors(): void {
    try {
      bus.closeSync();
    } catch {
      // A descriptor that does not close is of no more use than one that does.
    }
    bus = openAddon(number);
  }

  function fail(
    code: ErrorCode,
    address: number,
    register: number | undefined,
    why: string,
    cause?: unknown,
  ): SwathError {
    count(code);
    return new SwathError(code, `${i2cPlace(name, address, register)}: ${why}`, cause);
  }

  /** Refuses what must not reach the wire; otherwise gives the time the transfer begins. */
  function begin(address: number, register: number | undefined): number {
    if (!open) throw new SwathError("bus/closed", `${name}: the bus is closed`);
    const refusal = hold.refusal(address);
    if (refusal !== undefined) {
      counters.held += 1;
      throw new SwathError(refusal.code, `${i2cPlace(name, address, register)}: ${refusal.why}`);
    }
    counters.calls += 1;
    return clock.monoMs();
  }

  /** Ends a transfer that worked as far as the kernel knows. */
  function end(beganMs: number, address: number, register: number | undefined, got: number, expected: number): void {
    const slow = clock.monoMs() - beganMs > deadlineMs;
    if (slow) counters.slow += 1;
    hold.answered(address, slow);
    if (got !== expected) throw fail("bus/io", address, register, `moved ${got} bytes, expected ${expected}`);
  }

  /** Turns what the addon threw into what this port throws. */
  function failed(e: unknown, beganMs: number, address: number, register: number | undefined): SwathError {
    const code = linuxErrorCode(e, isOpening(e) ? "open" : "transfer");
    if (clock.monoMs() - beganMs > deadlineMs) counters.slow += 1;
    if (code === "bus/timeout") hold.timedOut(address);
    else hold.answered(address, false);
    if (code === "bus/busy" || code === "bus/closed" || isGone(e)) forgetDescriptors();
    return fail(code, address, register, errnoName(e), e);
  }

  /** One receive byte through the thread pool; gives what went wrong. */
  function ask(address: number): Promise<Error | null> {
    return new Promise((resolve) => bus.receiveByte(address, (error) => resolve(error ?? null)));
  }

  return {
    name,
    counters,
    probeAsync: async (address) => (await ask(address)) === null,
    readRegister(address, register, into, length) {
      checkTransfer(name, address, register, into, length, 1);
      const beganMs = begin(address, register);
      let got = 1;
      try {
        if (length === 1) into[0] = bus.readByteSync(address, register);
        else got = bus.readI2cBlockSync(address, register, length, scratch);
      } catch (e) {
        throw failed(e, beganMs, address, register);
      }
      end(beganMs, address, register, got, length);
      if (length > 1) for (let i = 0; i < length; i++) into[i] = scratch[i]!;
    },
    writeRegister(address, register, bytes, length) {
      checkTransfer(name, address, register, bytes, length, 0);
      const beganMs = begin(address, register);
      for (let i = 0; i < length; i++) scratch[i] = bytes[i]!;
      try {
        if (length === 0) bus.sendByteSync(address, register);
        else if (length === 1) bus.writeByteSync(address, register, scratch[0]!);
        else bus.writeI2cBlockSync(address, register, length, scratch);
      } catch (e) {
        throw failed(e, beganMs, address, register);
      }
      end(beganMs, address, register, length, length);
    },
    receive(address, into, length) {
      checkTransfer(name, address, 0, into, length, 1);
      const beganMs = begin(address, undefined);
      let got = 1;
      try {
        if (length === 1) into[0] = bus.receiveByteSync(address);
        else got = bus.i2cReadSync(address, length, scratch);
      } catch (e) {
        throw failed(e, beganMs, address, undefined);
      }
      end(beganMs, address, undefined, got, length);
      if (length > 1) for (let i = 0; i < length; i++) into[i] = scratch[i]!;
    },
    probe(address) {
      checkTransfer(name, address, 0, scratch, 1, 1);
      const beganMs = begin(address, undefined);
      try {
        bus.receiveByteSync(address);
      } catch (e) {
        const error = failed(e, beganMs, address, undefined);
        if (error.code === "bus/no-ack") return false;
        throw error;
      }
      end(beganMs, address, undefined, 1, 1);
      return true;
    },
    close() {
      if (!open) return;
      open = false;
      hold.stop();
      owners.delete(number);
      bus.closeSync();
    },
  };
}

async function loadAddon(): ReturnType<I2cAddonLoader> {
  return (await import("i2c-bus")).default;
}

/** Whether the call that threw was opening the bus's device file, which i2c-bus does at the first use of an address. */
function isOpening(e: unknown): boolean {
  return e instanceof Error && "syscall" in e && e.syscall === "open";
}

/** ENODEV, from descriptors of an adapter that was unplugged (and from i2c-stub for an address without a chip). */
function isGone(e: unknown): boolean {
  return e instanceof Error && "errno" in e && Math.abs(Number(e.errno)) === 19;
}

function busNumber(name: string, device: number | string): number {
  if (typeof device === "number") return device;
  const pattern = /^\/dev\/i2c-(\d+)$/;
  let path = device;
  if (!pattern.test(device)) {
    try {
      path = realpathSync(device);
    } catch (cause) {
      throw new SwathError("bus/absent", `${name}: ${device} leads nowhere`, cause);
    }
  }
  const number = pattern.exec(path)?.[1];
  if (number === undefined) throw new SwathError("bus/absent", `${name}: ${path} is not an I2C bus`);
  return Number(number);
}
