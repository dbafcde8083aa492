import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { COPIES_AT, identityBytes, isIdentity, sequenceOf } from "../../devices/at24c32.ts";
import type { I2cTwin } from "../../src/bus/i2c.ts";
import { createMemoryI2c } from "../../src/bus/memory-i2c.ts";
import { readMemory, writeMemory } from "../../src/device/identity-memory.ts";
import { SwathError } from "../../src/model/errors.ts";

const FIGURES = {
  sequence: 7,
  serial: 1_234_567_890,
  revision: 3,
  calibrated: 1_764_000_000,
  gain: 1.0025,
  offset: -0.25,
};
const golden = readFileSync(resolve(import.meta.dirname, "../golden/at24c32.json"), "utf8");

/** An AT24C32 by its data sheet: pages of 32 bytes that wrap, silence while it writes, an address pointer that counts on. */
function memory(own: { deaf?: number; flips?: number } = {}) {
  const cells = new Uint8Array(4096).fill(0xff);
  let pointer = 0;
  let silent = 0;
  const awake = () => {
    if (silent > 0) {
      silent--;
      throw new SwathError("bus/no-ack", "busy");
    }
  };
  const part: I2cTwin = {
    read: () => undefined,
    write(high, bytes, length) {
      awake();
      pointer = ((high << 8) | bytes[0]!) % 4096;
      const page = pointer & ~31;
      for (let i = 1; i < length; i++) cells[page | ((pointer + i - 1) & 31)] = bytes[i]! ^ (own.flips ?? 0);
      if (length > 1) silent = own.deaf ?? 2;
    },
    receive(into, length) {
      awake();
      for (let i = 0; i < length; i++) into[i] = cells[pointer++ % 4096]!;
    },
  };
  const bus = createMemoryI2c({ name: "test" });
  bus.attach(0x57, part);
  const probe = (): boolean => {
    if (silent > 0) silent--;
    return silent === 0;
  };
  return { bus: { ...bus, probe }, cells };
}

const wait = async () => undefined;

describe("the memory of a unit's identity", () => {
  it("holds exactly the bytes that were worked out with another tool", () => {
    const bytes = identityBytes(FIGURES);
    expect(golden).toContain([...bytes].map((b) => b.toString(16).padStart(2, "0")).join(" "));
    expect(isIdentity(bytes)).toBe(true);
    expect(sequenceOf(bytes)).toBe(7);
  });

  it("is written half a page at a time while it keeps silent between, and read back", async () => {
    const { bus, cells } = memory();
    const bytes = identityBytes(FIGURES);
    for (const at of COPIES_AT) await writeMemory(bus, 0x57, at, bytes, wait);
    expect([...cells.slice(0x800, 0x820)]).toEqual([...bytes]);
    expect([...readMemory(bus, 0x57, 0, 32)]).toEqual([...bytes]);
    expect(cells.filter((c) => c !== 0xff).length).toBeLessThanOrEqual(64);
  });

  it("that keeps something else than was written, or never answers again, is an error", async () => {
    await expect(writeMemory(memory({ flips: 1 }).bus, 0x57, 0, identityBytes(FIGURES), wait)).rejects.toThrow(
      "other bytes",
    );
    await expect(writeMemory(memory({ deaf: 999 }).bus, 0x57, 0, identityBytes(FIGURES), wait)).rejects.toThrow(
      "does not answer",
    );
  });

  it("is no identity when any one bit is wrong", () => {
    for (let bit = 0; bit < 256; bit++) {
      const bytes = identityBytes(FIGURES);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      expect(isIdentity(bytes), `bit ${bit}`).toBe(false);
    }
  });
});
