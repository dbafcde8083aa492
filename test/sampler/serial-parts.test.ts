import { describe, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import { manualClock } from "../../src/bus/clock.ts";
import type { Device } from "../../src/device/catalogue.ts";
import type { SourceState } from "../../src/model/record.ts";
import { openPart } from "../../src/sampler/open-parts.ts";
import { createSimulatedMachine } from "../../src/sim/machine.ts";

/** Options of each serial part, one of its channels, and what the scene knows that feeds it. */
const PARTS: Record<string, { options: unknown; key: string; column: string; between: [number, number] }> = {
  "gnss-ubx": { options: { setup: true }, key: "lat", column: "none", between: [13.35, 13.36] },
  a02yyuw: { options: {}, key: "distance", column: "battery_voltage", between: [20, 30] },
  tfmini: { options: {}, key: "strength", column: "engine_speed", between: [600, 3000] },
  "j1939-slcan": {
    options: { dialect: "lawicel" },
    key: "engineSpeed",
    column: "engine_speed",
    between: [600, 3000],
  },
  "modbus-rtu": {
    options: { points: { speed: { slave: 1, register: 2, unit: "rpm", range: [0, 4000] } } },
    key: "speed",
    column: "engine_speed",
    between: [600, 3000],
  },
  "firmata-board": {
    options: { pulses: { speed: { pin: 2, pulsesPerRevolution: 60, everyMs: 50 } } },
    key: "speed",
    column: "rotor_speed",
    between: [0, 300],
  },
  "interrupt-counter": {
    options: { pulsesPerRevolution: 60 },
    key: "speed",
    column: "rotor_speed",
    between: [0, 300],
  },
  vedirect: { options: {}, key: "voltage", column: "battery_voltage", between: [20, 30] },
};

describe("every part that is not on an I2C bus, on the simulated machine", () => {
  it("is in the list of this test", () => {
    const serial = Object.values(catalogue).filter((d) => ["serial", "board", "counter"].includes(d.kind));
    expect(Object.keys(PARTS).sort()).toEqual(serial.map((d) => d.part).sort());
  });

  const canable = { ...PARTS["j1939-slcan"]!, options: { dialect: "canable" } };

  it.each([...Object.entries(PARTS), ["j1939-slcan", canable] as const])(
    "%s runs and reads the scene",
    (name, { options, key, column, between }) => {
      const device = catalogue[name] as Device;
      const clock = manualClock(50_000);
      const kind = device.kind === "counter" ? "counter" : "serial";
      const { serial, counters, boards, actors } = createSimulatedMachine({
        scene: { seed: 1, toolWidthM: 2, targetDepthM: 0.2, rotorRpm: 200, workSpeedMps: 0.139 },
        buses: { port: { kind } },
        parts: [{ name: "it", device, bus: "port", options, columns: { [key]: column } }],
        clock,
        startMs: clock.monoMs(),
        startUtcMs: Date.UTC(2026, 10, 25),
      });
      const states: SourceState[] = [];
      const values: number[] = [];
      let channels: readonly { key: string }[] = [];
      const source = openPart(
        { name: "it", device, options },
        kind === "counter" ? { kind, bus: counters.get("port")! } : { kind, link: serial.get("port")! },
        {
          clock,
          board: boards.has("it") ? { reader: boards.get("it")!, onKey: () => undefined } : undefined,
          time: { utc: () => undefined },
          sink: {
            block(channel, block) {
              if (channels[channel]?.key === key) for (let i = 0; i < block.n; i++) values.push(block.x[i]!);
            },
            scan: () => undefined,
            state: (state) => states.push(state),
          },
        },
      );
      channels = source.channels;
      for (let ms = 0; ms < 10_000; ms += 5) {
        clock.advance(5);
        for (const actor of [...actors, source]) if (actor.dueMs <= clock.monoMs()) actor.step(clock.monoMs());
      }
      expect(states).toEqual(["starting", "running"]);
      expect(values.length).toBeGreaterThan(5);
      for (const x of values.slice(2)) {
        expect(x).toBeGreaterThanOrEqual(between[0]);
        expect(x).toBeLessThanOrEqual(between[1]);
      }
    },
  );
});
