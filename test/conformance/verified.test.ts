import { describe, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import { OTHERWISE, SHOWN } from "../../scripts/devices-doc.ts";
import { manualClock } from "../../src/bus/clock.ts";
import type { Device } from "../../src/device/catalogue.ts";
import { verifiedBy } from "../../src/device/verification.ts";
import type { Verified } from "../../src/model/record.ts";
import { openPart, type Port } from "../../src/sampler/open-parts.ts";
import { createSimulatedMachine } from "../../src/sim/machine.ts";

/** What each part must say, worked out by hand from the sheets: whether it has an identity, holds settings, or only speaks. */
const BY_HAND: Readonly<Record<Exclude<Verified, "none">, readonly string[]>> = {
  id: "adxl372 adxl375 bme280 h3lis331dl ina226 ina228 lsm6dsox mcp9600 mcp9808 tmp117".split(" "),
  readback: "ads1115 ds1338 ds3231 firmata-board interrupt-counter mcp23017 tmp102 tmp105".split(" "),
  "ack-only": "at24c32 j1939-slcan mlx90614 modbus-rtu pcf8574 sht3x sht4x ssd1306".split(" "),
  sentences: "a02yyuw gnss-nmea gnss-ubx tfmini vedirect".split(" "),
};
const NOT_AT_ALL = ["ascii-line", "maxbotix-hrxl"];

const byHand = (part: string): Verified =>
  NOT_AT_ALL.includes(part)
    ? "none"
    : (Object.keys(BY_HAND) as (keyof typeof BY_HAND)[]).find((how) => BY_HAND[how].includes(part))!;

/** What is never still, lest it is found to be stuck. */
const SHAKEN = Object.fromEntries(
  ["shock", "accel", "gyro"].flatMap((kind) => ["X", "Y", "Z"].map((axis) => [`${kind}${axis}`, "shock_x"])),
);

/** One part of the simulated machine, running alone on its bus. */
function rigOf(device: Device, options: unknown) {
  const clock = manualClock(1000);
  const kind = device.kind === "i2c" || device.kind === "counter" ? device.kind : "serial";
  const address = device.kind === "i2c" ? device.addresses[0]! : undefined;
  const part = { name: "part", device, options, ...(address === undefined ? {} : { address }) };
  const machine = createSimulatedMachine({
    scene: { seed: 1, toolWidthM: 2, targetDepthM: 0.2, rotorRpm: 200, workSpeedMps: 0.139 },
    buses: { bus: { kind } },
    parts: [{ ...part, bus: "bus", columns: SHAKEN }],
    clock,
    startMs: clock.monoMs(),
    startUtcMs: Date.UTC(2026, 10, 25),
  });
  const i2c = machine.i2c.get("bus");
  const counter = machine.counters.get("bus");
  const link = machine.serial.get("bus");
  const port: Port =
    i2c !== undefined
      ? { kind: "i2c", bus: i2c }
      : counter !== undefined
        ? { kind: "counter", bus: counter }
        : { kind: "serial", link: link! };
  const reader = machine.boards.get("part");
  const sink = { block: () => undefined, scan: () => undefined, state: () => undefined };
  const board = reader === undefined ? undefined : { reader, onKey: () => undefined };
  const source = openPart(part, port, { clock, sink, time: { utc: () => undefined }, board });
  return {
    source,
    /** Lets time pass until the source runs, or does not, with what it then says of itself; at most for so long. */
    run(ms: number, until?: { runs: boolean; verified: Verified }) {
      const is = () => until?.verified === source.verified && until.runs === (source.state === "running");
      for (let passed = 0; passed < ms && !is(); passed += 10) {
        clock.advance(10);
        for (const actor of [...machine.actors, source]) if (actor.dueMs <= clock.monoMs()) actor.step(clock.monoMs());
      }
    },
    pull() {
      i2c?.faults.inject("all", "nack");
      counter?.set({ gone: true });
      link?.pull();
    },
    plug() {
      i2c?.faults.lift("all");
      counter?.set({ gone: false });
      link?.plug();
    },
  };
}

const devices = Object.values(catalogue);
const parts = devices.flatMap((d) => (d.kind === "display" ? [] : [d]));
const cases: [string, Device, unknown][] = parts.flatMap((device) => {
  const usual: [string, Device, unknown] = [device.part, device, SHOWN[device.part] ?? {}];
  const other = OTHERWISE[device.part];
  return other === undefined
    ? [usual]
    : [usual, [`${device.part} ${JSON.stringify(other)}`, device, other] as [string, Device, unknown]];
});

describe("how a part was verified", () => {
  it.each(devices.map((d) => [d.part, d] as const))("is for %s what its sheet allows", (part, device) => {
    expect(verifiedBy(device, SHOWN[part] ?? {})).toBe(byHand(part));
  });

  it("is by reading its settings back for a u-blox receiver that is set up", () => {
    expect(verifiedBy(catalogue["gnss-ubx"]!, { setup: true })).toBe("readback");
  });

  it.each(cases)(
    "is told by %s once it runs, and not before it is found nor after it is pulled",
    (_, device, options) => {
      const { source, run, pull, plug } = rigOf(device, options);
      const well = { runs: true, verified: verifiedBy(device, options) };
      // The simulated board is set up in the call that opens its port.
      if (device.kind !== "board") expect(source.verified).toBe("none");
      run(10_000, well);
      expect({ state: source.state, verified: source.verified }).toEqual({ state: "running", verified: well.verified });
      pull();
      run(120_000, { runs: false, verified: "none" });
      expect(["absent", "failed", "degraded"]).toContain(source.state);
      expect(source.verified).toBe("none");
      plug();
      run(120_000, well);
      expect({ state: source.state, verified: source.verified }).toEqual({ state: "running", verified: well.verified });
    },
  );

  it.each(cases.filter(([, { kind }]) => kind !== "board"))(
    "is never claimed by %s that is not there",
    (_, device, options) => {
      const { source, run, pull } = rigOf(device, options);
      pull();
      run(5000);
      expect(source.verified).toBe("none");
    },
  );
});
