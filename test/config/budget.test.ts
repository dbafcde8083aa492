import { describe, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import { busLoad, lineLoad } from "../../src/config/budget.ts";
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
    expect(busLoad("s", device, { odrHz: 800, drainMs: 20 }, 400_000).traffic).toBe("851 transfers/s");
  });
});

describe("the budget of a serial line", () => {
  const line = (part: string, options: unknown, baud: number) => {
    const device = catalogue[part]!;
    if (device.kind === "display") throw new Error(`${part} measures nothing`);
    return lineLoad(part, device, device.options.parse(options), baud);
  };

  // Worked out by hand: 250 kbit/s at 30 % is 555 frames/s of 27 characters; NAV-PVT is 100 bytes five times a second.
  it.each([
    ["j1939-slcan", { dialect: "lawicel" }, 115_200, 130.2],
    ["j1939-slcan", { dialect: "lawicel" }, 460_800, 32.6],
    ["gnss-ubx", {}, 38_400, 13],
    ["gnss-ubx", { rateHz: 7, dualAntenna: { baselineM: 1 } }, 9600, 125.4],
    ["a02yyuw", {}, 9600, 4.2],
    ["tfmini", { rateHz: 20 }, 115_200, 1.6],
    ["vedirect", {}, 19_200, 15.6],
    [
      "modbus-rtu",
      { points: { depth: { slave: 1, register: 256, unit: "m", range: [0, 1], everyMs: 100 } } },
      9600,
      22.9,
    ],
  ])("puts %s with %j at %i baud at %f %%", (part, options, baud, expected) => {
    expect(100 * line(part, options, baud)!.share).toBeCloseTo(expected, 0);
  });

  it("is not known for a receiver that says how often it reports only by reporting", () => {
    expect(line("gnss-nmea", {}, 9600)).toBeUndefined();
  });
});
