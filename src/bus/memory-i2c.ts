import { type ErrorCode, SwathError } from "../model/errors.ts";
import { checkTransfer, type I2cBus, type I2cTwin, i2cPlace } from "./i2c.ts";

/** What can go wrong with a transfer, by what it looks like on the bus. */
export const I2C_FAULTS = ["nack", "timeout", "busy", "arbitration", "io", "shortRead", "bitFlip"] as const;
export type I2cFault = (typeof I2C_FAULTS)[number];

const THROWS: Partial<Record<I2cFault, ErrorCode>> = {
  nack: "bus/no-ack",
  timeout: "bus/timeout",
  busy: "bus/busy",
  arbitration: "bus/arbitration",
  io: "bus/io",
};

/** Faults of a memory bus, per address or for `"all"` of them (a bus held low). A new one replaces the one before. */
export interface I2cFaults {
  /** Makes the next `calls` transfers fail so, or all of them until `lift`. */
  inject(address: number | "all", fault: I2cFault, calls?: number): void;
  lift(address: number | "all"): void;
}

export interface MemoryI2c extends I2cBus {
  /** Puts a twin at an address in the place of any before it; the function returned takes that twin away again. */
  attach(address: number, twin: I2cTwin): () => void;
  readonly faults: I2cFaults;
}

/** An I2C bus made of memory: twins answer at their addresses, everything else is `bus/no-ack`. */
export function createMemoryI2c(options: { name: string }): MemoryI2c {
  const { name } = options;
  const twins = new Map<number, I2cTwin>();
  const faults = new Map<number | "all", { fault: I2cFault; left: number }>();
  const flipped = new Uint8Array(32);
  let flips = 0;
  let open = true;

  function takeFault(address: number): I2cFault | undefined {
    if (faults.size === 0) return undefined;
    const key = faults.has(address) ? address : "all";
    const found = faults.get(key);
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left <= 0) faults.delete(key);
    return found.fault;
  }

  /** The twin at the address, or the throw that the place and the fault call for. */
  function reach(address: number, register: number | undefined, fault: I2cFault | undefined): I2cTwin {
    if (!open) throw new SwathError("bus/closed", `${name}: the bus is closed`);
    const code = fault === undefined ? undefined : THROWS[fault];
    if (code !== undefined) throw new SwathError(code, `${i2cPlace(name, address, register)}: injected ${fault}`);
    const twin = twins.get(address);
    if (twin === undefined) throw new SwathError("bus/no-ack", `${i2cPlace(name, address, register)}: no part answers`);
    return twin;
  }

  function flip(bytes: Uint8Array, length: number): void {
    if (length === 0) return;
    bytes[flips % length]! ^= 1 << ((flips * 3) % 8);
    flips += 1;
  }

  /** What a fault does to bytes that did arrive. */
  function spoil(address: number, into: Uint8Array, length: number, fault: I2cFault): void {
    if (fault !== "bitFlip")
      throw new SwathError("bus/io", `${i2cPlace(name, address)}: got ${length - 1} bytes, expected ${length}`);
    flip(into, length);
  }

  return {
    name,
    readRegister(address, register, into, length) {
      checkTransfer(name, address, register, into, length, 1);
      const fault = takeFault(address);
      reach(address, register, fault).read(register, into, length);
      if (fault !== undefined) spoil(address, into, length, fault);
    },
    writeRegister(address, register, bytes, length) {
      checkTransfer(name, address, register, bytes, length, 0);
      const fault = takeFault(address);
      const twin = reach(address, register, fault);
      if (fault === "bitFlip") {
        flipped.set(bytes.subarray(0, length));
        flip(flipped, length);
        twin.write(register, flipped, length);
        return;
      }
      twin.write(register, bytes, length);
      if (fault !== undefined) spoil(address, bytes, length, fault);
    },
    receive(address, into, length) {
      checkTransfer(name, address, 0, into, length, 1);
      const fault = takeFault(address);
      const twin = reach(address, undefined, fault);
      if (twin.receive === undefined) twin.read(0, into, length);
      else twin.receive(into, length);
      if (fault !== undefined) spoil(address, into, length, fault);
    },
    probe(address) {
      try {
        reach(address, undefined, takeFault(address));
        return true;
      } catch (e) {
        if (e instanceof SwathError && e.code === "bus/no-ack") return false;
        throw e;
      }
    },
    close() {
      open = false;
    },
    attach(address, twin) {
      twins.set(address, twin);
      return () => {
        if (twins.get(address) === twin) twins.delete(address);
      };
    },
    faults: {
      inject(address, fault, calls = Number.POSITIVE_INFINITY) {
        faults.set(address, { fault, left: calls });
      },
      lift(address) {
        faults.delete(address);
      },
    },
  };
}
