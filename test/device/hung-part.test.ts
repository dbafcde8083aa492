import { describe, expect, it } from "vitest";
import { ina228 } from "../../devices/ina228.ts";
import { mcp23017 } from "../../devices/mcp23017.ts";
import { manualClock } from "../../src/bus/clock.ts";
import type { I2cBus } from "../../src/bus/i2c.ts";
import { createMemoryI2c } from "../../src/bus/memory-i2c.ts";
import type { I2cDevice } from "../../src/device/define.ts";
import { createI2cSource } from "../../src/device/i2c-source.ts";
import { ATTEMPTS } from "../../src/device/register-port.ts";
import { createTwin } from "../../src/device/twin.ts";
import { isSwathError } from "../../src/model/errors.ts";

/** A transfer that hangs holds the bus and the loop for so long, as an adapter's time-out does. */
const TIMEOUT_MS = 200;
const EVERY_MS = 20;
const SECONDS = 20;

/** A neighbour that is read every 20 ms, and beside it on the same bus a part that hangs the bus from some instant on. */
function rig() {
  const clock = manualClock(1000);
  const memory = createMemoryI2c({ name: "i2c-1" });
  const held = { ms: 0, times: 0 };
  /** A transfer of this bus, which takes its time when it hangs. */
  const timed =
    <A extends unknown[]>(transfer: (...args: A) => void) =>
    (...args: A) => {
      try {
        transfer(...args);
      } catch (e) {
        if (isSwathError(e) && e.code === "bus/timeout") {
          clock.advance(TIMEOUT_MS);
          held.ms += TIMEOUT_MS;
          held.times += 1;
        }
        throw e;
      }
    };
  const bus: I2cBus = {
    ...memory,
    readRegister: timed(memory.readRegister),
    writeRegister: timed(memory.writeRegister),
    receive: timed(memory.receive),
  };
  const states: string[] = [];
  const open = (device: I2cDevice, address: number, options: unknown) => {
    memory.attach(address, createTwin({ device, address, options, clock, value: () => 1 }));
    const state = (to: string, _: string, reason: string) => void states.push(`${device.part} ${to}: ${reason}`);
    const sink = { block: () => undefined, scan: () => undefined, state };
    return createI2cSource({ device, name: device.part, options, bus, address, clock, sink });
  };
  const neighbour = open(mcp23017, 0x20, { everyMs: EVERY_MS });
  const part = open(ina228, 0x40, { shuntOhm: 0.015, maxA: 10 });
  const scans = () => neighbour.counters["samples"]! / neighbour.channels.length;
  return {
    ...{ bus, held, states, neighbour, part, scans },
    hang: () => memory.faults.inject(0x40, "timeout"),
    heal: () => memory.faults.lift(0x40),
    run(ms: number, ...items: { readonly dueMs: number; step(nowMs: number): void }[]) {
      for (const endMs = clock.monoMs() + ms; clock.monoMs() < endMs; clock.advance(1))
        for (const item of items) if (item.dueMs <= clock.monoMs()) item.step(clock.monoMs());
    },
  };
}

describe("a part that hangs its bus", () => {
  it("costs its neighbours its time-outs times its attempts, counted, before it is parked, and one time-out a try after that", () => {
    const { part, neighbour, states, held, hang, run, scans } = rig();
    run(2000, neighbour, part);
    expect([part.state, neighbour.state]).toEqual(["running", "running"]);
    hang();
    run(900, neighbour, part);
    expect(part.state).toBe("failed");
    expect(states.at(-1)).toBe("ina228 failed: bus/timeout");
    expect(held).toEqual({ ms: ATTEMPTS * TIMEOUT_MS, times: ATTEMPTS });
    expect(part.counters).toMatchObject({ timeout: ATTEMPTS, retries: ATTEMPTS - 1 });
    const before = scans();
    const heldBefore = held.ms;
    run(SECONDS * 1000, neighbour, part);
    // Tried again after 1, 2, 4 and 8 s.
    expect(held.times).toBe(ATTEMPTS + 4);
    expect(part.counters["timeout"]).toBe(held.times);
    const lostMs = held.ms - heldBefore;
    expect(scans() - before).toBeGreaterThanOrEqual((SECONDS * 1000 - lostMs) / EVERY_MS - 8);
    expect(neighbour.state).toBe("running");
    expect(states.filter((s) => s.startsWith("mcp23017"))).toEqual(["mcp23017 running: settled"]);
  });

  it("is read again once it no longer hangs", () => {
    const { part, neighbour, hang, heal, run } = rig();
    run(2000, neighbour, part);
    hang();
    run(5000, neighbour, part);
    heal();
    run(15_000, neighbour, part);
    expect(part.state).toBe("running");
  });

  it("would take most of the bus from them if it were asked at its rate (negative control)", () => {
    const { bus, neighbour, held, hang, run, scans } = rig();
    let dueMs = 0;
    const never = {
      get dueMs() {
        return dueMs;
      },
      step(nowMs: number) {
        dueMs = nowMs + EVERY_MS;
        try {
          bus.readRegister(0x40, 0x05, new Uint8Array(3), 3);
        } catch {
          // Asked again all the same.
        }
      },
    };
    run(2000, neighbour);
    hang();
    const before = scans();
    run(SECONDS * 1000, neighbour, never);
    expect(held.ms).toBeGreaterThan(0.8 * SECONDS * 1000);
    expect(scans() - before).toBeLessThan((0.3 * SECONDS * 1000) / EVERY_MS);
  });
});
