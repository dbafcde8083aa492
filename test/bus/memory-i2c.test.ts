import { describe, expect, it } from "vitest";
import { createMemoryI2c } from "../../src/bus/memory-i2c.ts";
import { handOn } from "../rigs/i2c-user/control.ts";
import { codeOf, i2cPort } from "./i2c-port.ts";

i2cPort("memory", async () => {
  const bus = createMemoryI2c({ name: "i2c-test" });
  return { bus, hand: handOn(bus), stop: async () => {} };
});

describe("faults of a bus made of memory", () => {
  const into = new Uint8Array(8);

  it("last as many transfers as asked for", async () => {
    const bus = createMemoryI2c({ name: "i2c-1" });
    await handOn(bus).attach(0x48, 5);
    bus.faults.inject(0x48, "nack", 2);
    expect(codeOf(() => bus.readRegister(0x48, 0, into, 2))).toBe("bus/no-ack");
    expect(bus.probe(0x48)).toBe(false);
    bus.readRegister(0x48, 0, into, 2);
    expect(into[0]).toBe(5);
  });

  it("hit every address when the whole bus is held, until they are lifted", async () => {
    const bus = createMemoryI2c({ name: "i2c-1" });
    const hand = handOn(bus);
    await hand.attach(0x48, 0);
    await hand.attach(0x49, 0);
    bus.faults.inject("all", "busy");
    for (const address of [0x48, 0x49, 0x50]) expect(codeOf(() => bus.probe(address))).toBe("bus/busy");
    bus.faults.lift("all");
    expect(bus.probe(0x49)).toBe(true);
    expect(bus.probe(0x50)).toBe(false);
  });

  it("spoil what a part is sent when a bit flips on the way, and leave the sender's buffer alone", async () => {
    const bus = createMemoryI2c({ name: "i2c-1" });
    const hand = handOn(bus);
    await hand.attach(0x48, 0);
    bus.faults.inject(0x48, "bitFlip", 1);
    const bytes = Uint8Array.of(0x55);
    bus.writeRegister(0x48, 0x10, bytes, 1);
    expect(bytes[0]).toBe(0x55);
    expect(await hand.register(0x48, 0x10)).not.toBe(0x55);
  });

  it("take a twin away without touching the one that came after it", () => {
    const bus = createMemoryI2c({ name: "i2c-1" });
    const twin = (value: number) => ({ read: (_: number, b: Uint8Array) => void b.fill(value), write: () => {} });
    const detachFirst = bus.attach(0x48, twin(1));
    bus.attach(0x48, twin(2));
    detachFirst();
    bus.readRegister(0x48, 0, into, 1);
    expect(into[0]).toBe(2);
  });
});
