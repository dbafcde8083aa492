import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { manualClock, systemClock } from "../../src/bus/clock.ts";
import { type LinuxI2c, openLinuxI2c } from "../../src/bus/linux-i2c.ts";
import { isSwathError } from "../../src/model/errors.ts";
import { holdHand, type I2cUserHand } from "../rigs/i2c-user/control.ts";
import { codeOf, i2cPort } from "./i2c-port.ts";

// Runs in a child process whose /dev/i2c-1 is the rig's; linux-i2c.test.ts starts it.
const dir = process.env["SWATH_I2C_USER"] ?? "";

i2cPort("i2c-bus", async () => {
  const { hand, release } = await holdHand(dir);
  const bus = await openLinuxI2c({ name: "i2c-test", device: 1, clock: systemClock });
  return { bus, hand, stop: async () => release() };
});

describe("a Linux I2C bus", () => {
  const PART = 0x48;
  const OTHER = 0x49;
  const into = new Uint8Array(8);
  let hand: I2cUserHand;
  let release: () => void;
  let bus: LinuxI2c;

  beforeEach(async () => {
    ({ hand, release } = await holdHand(dir));
    bus = await openLinuxI2c({ name: "i2c-1", device: 1, clock: systemClock, deadlineMs: 40 });
    for (const address of [PART, OTHER]) await hand.attach(address, 0);
  });
  afterEach(async () => {
    bus.close();
    for (const address of [PART, OTHER]) {
      await hand.lift(address);
      await hand.slow(address, 0);
      await hand.own(address, false);
    }
    release();
  });

  it("counts calls, and failures by their reason", async () => {
    bus.readRegister(PART, 0, into, 6);
    codeOf(() => bus.readRegister(0x20, 0, into, 6));
    await hand.inject(PART, "arbitration", 1);
    codeOf(() => bus.readRegister(PART, 0, into, 6));
    await hand.inject(PART, "shortRead");
    codeOf(() => bus.readRegister(PART, 0, into, 6));
    expect(bus.counters).toEqual({
      calls: 4,
      slow: 0,
      held: 0,
      failures: { "no-ack": 1, arbitration: 1, io: 1 },
    });
  });

  it("leaves a part that timed out alone, so that it stalls the caller once, and takes it back when it answers", async () => {
    await hand.inject(PART, "timeout");
    expect(codeOf(() => bus.readRegister(PART, 0, into, 6))).toBe("bus/timeout");
    const reached = await hand.transfers(PART);
    for (let i = 0; i < 50; i++) expect(codeOf(() => bus.readRegister(PART, 0, into, 6))).toBe("bus/timeout");
    expect(await hand.transfers(PART)).toBe(reached);
    expect(bus.counters).toMatchObject({ held: 50, failures: { timeout: 1 } });
    bus.readRegister(OTHER, 0, into, 6); // the rest of the bus works on
    await hand.lift(PART);
    await expect.poll(() => codeOrNone(() => bus.readRegister(PART, 0, into, 6)), { timeout: 3000 }).toBe("");
  });

  it("holds the whole bus back when two parts time out in a row, until anything answers", async () => {
    for (const address of [PART, OTHER]) {
      await hand.inject(address, "timeout");
      expect(codeOf(() => bus.readRegister(address, 0, into, 6))).toBe("bus/timeout");
    }
    expect(codeOf(() => bus.readRegister(0x20, 0, into, 6))).toBe("bus/timeout");
    expect(bus.counters.held).toBe(1);
    await hand.lift(PART);
    await hand.lift(OTHER);
    // The absent part answers with a NACK, which shows that the wires move; the others follow within a moment.
    await expect.poll(() => codeOrNone(() => bus.readRegister(PART, 0, into, 6)), { timeout: 3000 }).toBe("");
    await expect.poll(() => codeOrNone(() => bus.readRegister(OTHER, 0, into, 6)), { timeout: 3000 }).toBe("");
    await expect.poll(() => codeOf(() => bus.readRegister(0x20, 0, into, 6)), { timeout: 3000 }).toBe("bus/no-ack");
  });

  it("counts slow answers, gives their bytes, and after three in a row treats the part as one that hangs", async () => {
    await hand.slow(PART, 60);
    for (let i = 0; i < 3; i++) {
      into.fill(0xee);
      bus.readRegister(PART, 0, into, 6);
      expect(into[5]).toBe(5);
    }
    expect(bus.counters.slow).toBe(3);
    expect(codeOf(() => bus.readRegister(PART, 0, into, 6))).toBe("bus/timeout");
    bus.readRegister(OTHER, 0, into, 6);
  });

  it("refuses calls while a hung part is being asked, rather than waiting for the kernel's lock", async () => {
    await hand.inject(PART, "timeout");
    codeOf(() => bus.readRegister(PART, 0, into, 6));
    await hand.slow(PART, 500);
    await expect
      .poll(() => codeOrNone(() => bus.readRegister(OTHER, 0, into, 6)), { timeout: 3000, interval: 5 })
      .toBe("bus/busy");
    const before = performance.now();
    codeOf(() => bus.readRegister(OTHER, 0, into, 6));
    expect(performance.now() - before).toBeLessThan(150);
    await expect.poll(() => codeOrNone(() => bus.readRegister(OTHER, 0, into, 6)), { timeout: 3000 }).toBe("");
  });

  it("asks through the thread pool whether a part answers", async () => {
    expect(await bus.probeAsync(PART)).toBe(true);
    expect(await bus.probeAsync(0x20)).toBe(false);
    await hand.slow(PART, 300);
    const answer = bus.probeAsync(PART);
    const before = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(performance.now() - before).toBeLessThan(150);
    expect(await answer).toBe(true);
  });

  it("says that the kernel has an address, each time, and never talks to another in its place", async () => {
    await hand.attach(0, 50);
    await hand.own(PART, true);
    for (let i = 0; i < 3; i++) expect(codeOf(() => bus.readRegister(PART, 0, into, 6))).toBe("bus/busy");
    expect(await hand.transfers(0)).toBe(0);
    await hand.own(PART, false);
    bus.readRegister(PART, 0, into, 6);
    expect(into[5]).toBe(5);
    await hand.detach(0);
  });

  it("throws bus/absent from each call to a bus that is not there", async () => {
    const absent = await openLinuxI2c({ name: "i2c-9", device: 9, clock: manualClock() });
    for (let i = 0; i < 2; i++) expect(codeOf(() => absent.readRegister(PART, 0, into, 6))).toBe("bus/absent");
    absent.close();
  });
});

/** The code a call throws; an empty one when it does not. */
function codeOrNone(call: () => void): string {
  try {
    call();
  } catch (e) {
    if (isSwathError(e, "bus")) return e.code;
    throw e;
  }
  return "";
}
