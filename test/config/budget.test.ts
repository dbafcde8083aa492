import { describe, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import { busLoad } from "../../src/config/budget.ts";
import { parts } from "./parts.ts";

function share(part: string, options: unknown, clockHz = 400_000): number {
  const device = catalogue[part];
  if (device?.kind !== "i2c") throw new Error(`${part} is no I2C part`);
  return busLoad(part, device, options, clockHz).share * 100;
}

const loop = { volts: {} };

describe("the budget of an I2C bus", () => {
  // The figures of the wire-time table, plus one register a second and the overrun flag of each drain.
  it.each([
    ["adxl375", { mode: "stream", odrHz: 800 }, 20.4],
    ["adxl375", { mode: "stream", odrHz: 400 }, 10.2],
    ["adxl375", { mode: "armed" }, 0.49],
    ["ads1115", { a0: loop, a1: loop, a2: loop, a3: loop }, 1.72],
    ["ina228", { shuntOhm: 0.015, maxA: 10 }, 0.6],
  ])("puts %s with %j at the share that was worked out by hand, %f %%", (part, options, expected) => {
    expect(share(part, options)).toBeGreaterThanOrEqual(expected - 0.01);
    expect(share(part, options)).toBeLessThan(expected + 0.6);
  });

  it("grows as the clock falls", () => {
    expect(share("adxl375", { odrHz: 800 }, 100_000)).toBeCloseTo(4 * share("adxl375", { odrHz: 800 }, 400_000), 9);
  });

  it("counts a transfer for each FIFO entry, each drain and the register that is looked at every second", () => {
    const device = parts["shake"];
    if (device?.kind !== "i2c") throw new Error("no part");
    expect(busLoad("s", device, { odrHz: 800, drainMs: 20 }, 400_000).transfersPerSecond).toBe(800 + 50 + 1);
  });
});
