import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import type { I2cBus } from "../../src/bus/i2c.ts";
import type { MemoryI2c } from "../../src/bus/memory-i2c.ts";
import { loadConfig } from "../../src/config/load.ts";
import { createDisplay, type DisplayDriver } from "../../src/device/display-driver.ts";
import { decodeFrame, encodeScreen, type Status } from "../../src/link/frame.ts";
import { createOutbox } from "../../src/link/outbox.ts";
import { isSwathError } from "../../src/model/errors.ts";
import { compose } from "../../src/sampler/compose.ts";
import { createLateness } from "../../src/sampler/lateness.ts";
import { openPart } from "../../src/sampler/open-parts.ts";
import { createSampler } from "../../src/sampler/sampler.ts";
import { type Due, steppedClock, stepUntil } from "../../src/sampler/schedule.ts";
import { simulatedPorts } from "../../src/sampler/simulated-ports.ts";
import { createOperatorFacts } from "../../src/unit/operator-facts.ts";
import { screenOf } from "../../src/unit/screen.ts";
import { createTimebase } from "../../src/unit/timebase.ts";

const dir = realpathSync(mkdtempSync(join(tmpdir(), "swath-display-")));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const file = join(dir, "unit.yaml");
const demo = relative(dir, join(import.meta.dirname, "../../config/demo.yaml"));
writeFileSync(file, `extends: ${JSON.stringify(demo)}\ndisplay: { bus: i2c1, address: 0x3c }\n`);
const config = loadConfig(file, { catalogue });
const START_MS = 100_000;

/** A transfer that hangs holds the bus, and with it the loop, for so long. */
const HANG_MS = 50;

/**
 * The sampler of the simulated machine with a display, and of the unit what tells the display; all on one stepped clock. With
 * `impatient` the display's driver is one that never gives it up.
 */
function rig(impatient = false) {
  const clock = steppedClock(START_MS);
  const { ports, actors, display: twin } = simulatedPorts(config, clock, START_MS, Date.UTC(2026, 10, 25));
  const port = ports.get("i2c1");
  if (port?.kind !== "i2c" || twin === undefined || config.display === undefined) throw new Error("no display");
  const { writeRegister } = port.bus;
  const bus: I2cBus = {
    ...port.bus,
    writeRegister(...transfer) {
      try {
        writeRegister(...transfer);
      } catch (e) {
        if (isSwathError(e) && e.code === "bus/timeout") clock.set(clock.monoMs() + HANG_MS);
        throw e;
      }
    },
  };
  const patient = createDisplay({ ...config.display, bus });
  const display = impatient ? neverParked(patient, bus) : patient;
  const outbox = createOutbox({ holdMs: 1e9, maxBytes: 1e9, onLost: () => undefined });
  let status: Status | undefined;
  let seen = 0;
  const sampler = createSampler({
    ...compose(config),
    startMs: START_MS,
    outbox,
    link: {
      connected: true,
      pump() {
        for (let next = outbox.after(seen); next !== undefined; next = outbox.after(seen)) {
          seen = next.number;
          const frame = decodeFrame(next.bytes);
          if (frame?.type === "row") facts.row(frame.row);
        }
      },
      status: (told) => {
        status = told;
      },
      close: async () => undefined,
    },
    lateness: createLateness(),
    nowMs: () => clock.monoMs(),
  });
  const time = { utc: () => undefined };
  for (const part of config.parts)
    sampler.addSource(openPart(part, ports.get(part.bus)!, { clock, sink: sampler.sinkFor(part.name), time }));
  sampler.addDisplay(display);

  const columns = (names: readonly string[]) => names.map((name) => ({ name, resolution: 0.001 }));
  const facts = createOperatorFacts({
    config,
    shown: config.display,
    tables: [
      { kind: "telemetry", columns: columns(config.channels.flatMap((c) => c.columns)) },
      { kind: "track", columns: columns(config.track?.columns.map((c) => c.column) ?? []) },
    ],
    timebase: createTimebase(),
    source: {
      nowMs: () => clock.monoMs(),
      sampler: () => "running",
      bundle: () => undefined,
      stick: () => null,
      switchingOff: () => false,
      delivery: () => undefined,
      sources: () => status?.sources ?? {},
      spool: () => "ok",
      openCandidate: () => undefined,
      hq: () => ({ connected: true, unsent: 3, lastAckS: 1, spool: "ok" }),
    },
  });
  let dueMs = START_MS;
  const teller: Due = {
    get dueMs() {
      return dueMs;
    },
    step(nowMs) {
      dueMs = nowMs + 1000;
      const frame = decodeFrame(encodeScreen(screenOf(facts.view(), 6)));
      if (frame?.type === "screen") display.show(frame.screen);
    },
  };
  const items = [...actors, ...sampler.dues(), teller];
  return {
    twin,
    faults: (port.bus as MemoryI2c).faults,
    run: (ms: number) => stepUntil(items, clock, clock.monoMs() + ms),
    view: () => facts.view(),
    status: () => status!,
  };
}

/** A driver that writes every 64 ms, whatever becomes of it. */
function neverParked(like: DisplayDriver, bus: I2cBus): DisplayDriver {
  let dueMs = START_MS;
  return {
    ...like,
    get dueMs() {
      return dueMs;
    },
    step(nowMs) {
      dueMs = nowMs + 64;
      try {
        bus.writeRegister(0x3c, 0x40, new Uint8Array(32), 32);
      } catch {
        // The next one may do.
      }
    },
  };
}

describe("a display on the bus of the sampler of a whole machine", { timeout: 60_000 }, () => {
  it("has in its memory the words and figures that the unit knows", () => {
    const { twin, run, view } = rig();
    run(8000);
    const lines = twin.lines();
    expect(twin.lit).toBe(true);
    expect(lines[0]).toBe("OK");
    expect(lines[1]).toMatch(/^DEPTH +-?\d\.\d\d\/0\.20/);
    expect(Number(/-?\d\.\d\d/.exec(lines[1]!)?.[0])).toBeCloseTo(view().depth.value!, 1);
    expect(lines[2]).toMatch(/^ROTOR +\d+\/200/);
    expect(lines[4]).toMatch(/^GNSS {2}(?:3D|DGNSS|FLOAT|FIXED) \d+ SAT$/);
    expect(lines.slice(5)).toEqual(["HQ ON  UNSENT 3", "SIMULATED"]);
  });

  it.each([
    ["nack", "absent"],
    ["timeout", "failed"],
  ] as const)("changes its own health with %s, and neither the lamp nor that of any part", (fault, state) => {
    const { twin, faults, run, view, status } = rig();
    run(8000);
    const { display, losses } = status();
    const states = () => Object.entries(status().sources).map(([name, source]) => [name, source.state]);
    const well = states();
    expect(display).toMatchObject({ state: "running", verified: "ack-only", part: "ssd1306" });
    faults.inject(0x3c, fault);
    for (let s = 0; s < 6; s++) {
      run(1000);
      expect(view().lamp).toBe("ok");
      expect(states()).toEqual(well);
    }
    expect(status().display?.state).toBe(state);
    expect(status().display?.verified).toBe("none");
    faults.lift(0x3c);
    run(8000);
    // It counts what failed for a while yet.
    expect(["running", "degraded"]).toContain(status().display?.state);
    expect(status().display?.verified).toBe("ack-only");
    expect(twin.lit).toBe(true);
    expect(status().losses).toEqual(losses);
  });

  it("that hangs the bus costs its neighbours at most one overrun a try, counted, while it is parked longer and longer", () => {
    const { faults, run, status } = rig();
    run(8000);
    const before = status().sources["shock"]?.counters["overrun"] ?? 0;
    faults.inject(0x3c, "timeout");
    run(20_000);
    const tries = status().display?.counters["timeout"] ?? 0;
    expect(tries).toBeGreaterThan(2);
    expect(tries).toBeLessThan(8);
    const lost = (status().sources["shock"]?.counters["overrun"] ?? 0) - before;
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThanOrEqual(tries);
    expect(Object.values(status().sources).map((source) => source.state)).not.toContain("failed");
    expect(status().sources["shock"]?.state).toBe("running");
  });

  it("would cost them far more if it were never parked (negative control)", () => {
    const { faults, run, status } = rig(true);
    run(8000);
    faults.inject(0x3c, "timeout");
    run(20_000);
    expect(status().sources["shock"]?.counters["overrun"]).toBeGreaterThan(50);
    expect(status().sources["shock"]?.state).toBe("degraded");
  });

  it("says that a part is gone (negative control), with the fault in large letters", () => {
    const { twin, faults, run, view } = rig();
    run(8000);
    faults.inject(0x48, "nack");
    run(10_000);
    expect(view().lamp).toBe("fault");
    expect(twin.lines()[0]).toBe("FAULT");
    expect(twin.lines().slice(1, 3)).toEqual(["DEPTH    --/0.20", "ROTOR    --/200"]);
    expect(twin.lines().at(-1)).toBe("ADC ABSENT");
  });
});
