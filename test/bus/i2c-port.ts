import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { I2cBus } from "../../src/bus/i2c.ts";
import { type ErrorCode, isSwathError } from "../../src/model/errors.ts";
import type { I2cHand } from "../rigs/i2c-user/control.ts";

/** A bus and the hand that puts parts on it. */
export interface I2cPortRig {
  readonly bus: I2cBus;
  readonly hand: I2cHand;
  stop(): Promise<void>;
}

/** The code that a call throws; fails when it throws anything but a `SwathError` of the bus, or nothing. */
export function codeOf(call: () => unknown): ErrorCode {
  try {
    call();
  } catch (e) {
    if (isSwathError(e, "bus")) return e.code;
    throw e;
  }
  throw new Error("nothing was thrown");
}

const PART = 0x53;
const OTHER = 0x68;
const NOBODY = 0x21;

/** What every I2C bus does; run on the one made of memory and on the genuine addon. */
export function i2cPort(name: string, makeRig: () => Promise<I2cPortRig>): void {
  describe(`I2C port: ${name}`, () => {
    let rig: I2cPortRig;
    const into = new Uint8Array(40);

    beforeEach(async () => {
      rig = await makeRig();
      into.fill(0xee);
      await rig.hand.attach(PART, 0);
      await rig.hand.attach(OTHER, 100);
    });
    afterEach(async () => {
      for (const address of [PART, OTHER, "all"] as const) await rig.hand.lift(address);
      rig.bus.close();
      await rig.stop();
    });

    it.each([1, 2, 6, 31, 32])(
      "reads %i bytes from a register into the start of the buffer and no further",
      (length) => {
        rig.bus.readRegister(PART, 0x10, into, length);
        expect([...into.subarray(0, length)]).toEqual(Array.from({ length }, (_, i) => 0x10 + i));
        expect([...into.subarray(length)]).toEqual(Array.from({ length: 40 - length }, () => 0xee));
      },
    );

    it.each([1, 2, 6, 31, 32])(
      "writes %i bytes from the start of the buffer to a register and no further",
      async (length) => {
        const bytes = Uint8Array.from({ length: 40 }, (_, i) => 0xa0 + i);
        rig.bus.writeRegister(PART, 0x40, bytes, length);
        for (const i of [0, length - 1]) expect(await rig.hand.register(PART, 0x40 + i)).toBe(0xa0 + i);
        expect(await rig.hand.register(PART, 0x40 + length)).toBe(0x40 + length);
        rig.bus.readRegister(PART, 0x40, into, length);
        expect([...into.subarray(0, length)]).toEqual([...bytes.subarray(0, length)]);
      },
    );

    it("sends a register pointer alone, which for some parts is a command", async () => {
      rig.bus.writeRegister(PART, 0x06, into, 0);
      expect(await rig.hand.register(PART, 0xff)).toBe(0x06);
    });

    it.each([1, 6])("receives %i bytes without a register pointer", (length) => {
      rig.bus.receive(PART, into, length);
      expect([...into.subarray(0, length)]).toEqual(Array.from({ length }, (_, i) => 0x80 + i));
      expect(into[length]).toBe(0xee);
    });

    it("keeps the parts on one bus apart", () => {
      rig.bus.readRegister(PART, 1, into, 2);
      rig.bus.readRegister(OTHER, 1, into.subarray(2), 2);
      expect([...into.subarray(0, 4)]).toEqual([1, 2, 101, 102]);
    });

    it("says that nothing acknowledges at an address without a part, and finds the parts that are there", () => {
      expect(codeOf(() => rig.bus.readRegister(NOBODY, 0, into, 6))).toBe("bus/no-ack");
      expect(codeOf(() => rig.bus.readRegister(NOBODY, 0, into, 1))).toBe("bus/no-ack");
      expect(codeOf(() => rig.bus.writeRegister(NOBODY, 0, into, 1))).toBe("bus/no-ack");
      expect(codeOf(() => rig.bus.receive(NOBODY, into, 1))).toBe("bus/no-ack");
      expect(rig.bus.probe(NOBODY)).toBe(false);
      expect(rig.bus.probe(PART)).toBe(true);
    });

    it("names the bus, the address and the register in what it throws", () => {
      expect(() => rig.bus.readRegister(NOBODY, 0x32, into, 6)).toThrow(/^i2c-test 0x21 reg 0x32: /);
    });

    it("works again as soon as a part that was pulled is back", async () => {
      await rig.hand.detach(PART);
      expect(codeOf(() => rig.bus.readRegister(PART, 0, into, 6))).toBe("bus/no-ack");
      await rig.hand.attach(PART, 7);
      rig.bus.readRegister(PART, 0, into, 2);
      expect([...into.subarray(0, 2)]).toEqual([7, 8]);
    });

    it.each([
      ["nack", "bus/no-ack"],
      ["arbitration", "bus/arbitration"],
      ["busy", "bus/busy"],
      ["io", "bus/io"],
      ["shortRead", "bus/io"],
      ["timeout", "bus/timeout"],
    ] as const)("tells %s as %s, for that part only", async (fault, code) => {
      await rig.hand.inject(PART, fault);
      expect(codeOf(() => rig.bus.readRegister(PART, 0, into, 6))).toBe(code);
      expect(codeOf(() => rig.bus.readRegister(PART, 0, into, 6))).toBe(code);
      rig.bus.readRegister(OTHER, 0, into, 6);
      expect(into[0]).toBe(100);
      if (fault === "timeout") return; // what follows a time-out is the bus's own policy
      await rig.hand.lift(PART);
      rig.bus.readRegister(PART, 0, into, 6);
      expect(into[0]).toBe(0);
    });

    it("passes on a bit that flipped on the wire: no bus can see it", async () => {
      await rig.hand.inject(PART, "bitFlip", 1);
      rig.bus.readRegister(PART, 0, into, 6);
      const flipped = into
        .subarray(0, 6)
        .reduce((bits, byte, i) => bits + (byte ^ i).toString(2).replaceAll("0", "").length, 0);
      expect(flipped).toBe(1);
      rig.bus.readRegister(PART, 0, into, 6);
      expect([...into.subarray(0, 6)]).toEqual([0, 1, 2, 3, 4, 5]);
    });

    it.each([
      ["no bytes", PART, 0, 0],
      ["more than a block", PART, 0, 33],
      ["more than the buffer holds", PART, 0, 41],
      ["part of a byte", PART, 0, Number.NaN],
      ["a register of two bytes", PART, 0x100, 1],
      ["a negative register", PART, -1, 1],
      ["an address of eight bits", 0x80, 0, 1],
    ])("refuses %s before it reaches the wire", (_, address, register, length) => {
      expect(codeOf(() => rig.bus.readRegister(address, register, into, length))).toBe("bus/unsupported");
    });

    it("throws bus/closed after it was closed, and may be closed twice", () => {
      rig.bus.close();
      rig.bus.close();
      expect(codeOf(() => rig.bus.readRegister(PART, 0, into, 1))).toBe("bus/closed");
      expect(codeOf(() => rig.bus.writeRegister(PART, 0, into, 1))).toBe("bus/closed");
      expect(codeOf(() => rig.bus.probe(PART))).toBe("bus/closed");
    });
  });
}
