import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { catalogue } from "../../devices/index.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { Screen } from "../../src/model/operator.ts";
import { startDisplayTeller } from "../../src/unit/display-teller.ts";
import type { OperatorSource } from "../../src/unit/operator-facts.ts";
import { createTimebase } from "../../src/unit/timebase.ts";

const dir = realpathSync(mkdtempSync(join(tmpdir(), "swath-teller-")));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const demo = relative(dir, join(import.meta.dirname, "../../config/demo.yaml"));

function configOf(more: string) {
  const file = join(dir, "unit.yaml");
  writeFileSync(file, `extends: ${JSON.stringify(demo)}\n${more}`);
  return loadConfig(file, { catalogue });
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A teller on a clock that stands still until `pass` moves it, and everything it told. */
function rig(more: string, change: Partial<OperatorSource> = {}) {
  const told: Screen[] = [];
  let nowMs = 1000;
  const config = configOf(more);
  const columns = config.channels.flatMap((c) => c.columns).map((name) => ({ name, resolution: 0.001 }));
  const teller = startDisplayTeller({
    config,
    tables: [{ kind: "telemetry", columns }],
    timebase: createTimebase(),
    source: {
      nowMs: () => nowMs,
      sampler: () => "running",
      bundle: () => undefined,
      stick: () => null,
      switchingOff: () => false,
      delivery: () => undefined,
      sources: () => ({}),
      spool: () => "ok",
      openCandidate: () => undefined,
      hq: () => ({ connected: false, unsent: 12, lastAckS: null, spool: "ok" }),
      ...change,
    },
    tell: (screen) => void told.push(screen),
  });
  return {
    told,
    teller,
    pass(ms: number) {
      for (const endMs = nowMs + ms; nowMs < endMs; ) {
        const stepMs = Math.min(100, endMs - nowMs);
        nowMs += stepMs;
        vi.advanceTimersByTime(stepMs);
      }
    },
    row(values: Readonly<Record<string, number>>) {
      const x = columns.map(({ name }) => values[name] ?? Number.NaN);
      teller?.row({
        table: 0,
        monoMs: nowMs,
        values: Float64Array.from(x),
        q: Uint16Array.from(x, (v) => (Number.isNaN(v) ? 8 : 0)),
      });
    },
  };
}
const DISPLAY = "display: { bus: i2c1, address: 0x3c }\n";

describe("what tells the operator's display", () => {
  it("is not there without a display, and then nothing runs", () => {
    const { teller, told, pass } = rig("");
    expect(teller).toBeUndefined();
    pass(5000);
    expect(told).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("tells the newest figures once a second, whether or not anything changed", () => {
    const { told, pass, row } = rig(DISPLAY);
    row({ "tool_depth.mean": 0.18, "rotor_speed.mean": 197.4 });
    pass(999);
    expect(told).toEqual([]);
    pass(1);
    expect(told).toHaveLength(1);
    expect(told[0]!.slice(1, 3)).toEqual([
      expect.stringMatching(/^DEPTH {2}0\.18\/0\.20/),
      expect.stringMatching(/^ROTOR {3}197\/200/),
    ]);
    pass(1000);
    expect(told[1]).toEqual(told[0]);
    row({ "tool_depth.mean": 0.11, "rotor_speed.mean": 197.4 });
    pass(1000);
    expect(told).toHaveLength(3);
    expect(told[2]![1]).toMatch(/^DEPTH {2}0\.11\/0\.20 LOW/);
  });

  it("tells no figure that is no longer new, and goes on telling", () => {
    const { told, pass, row } = rig(DISPLAY);
    row({ "tool_depth.mean": 0.18, "rotor_speed.mean": 200 });
    pass(60_000);
    expect(told).toHaveLength(60);
    expect(told[0]![1]).toContain("0.18/0.20");
    expect(told.at(-1)!.slice(1, 3)).toEqual(["DEPTH    --/0.20", "ROTOR    --/200"]);
  });

  it("tells that the sampler is away, that the card fails, and what waits for HQ", () => {
    expect(rigAfter({ sampler: () => "restarting" }).at(-1)).toBe("SAMPLER RESTARTING");
    expect(
      rigAfter({ spool: () => "failed", hq: () => ({ connected: true, unsent: 7, lastAckS: 1, spool: "failed" }) }),
    ).toEqual(expect.arrayContaining(["FAULT", "HQ ON  UNSENT 7", "CARD FAILED"]));
    expect(rigAfter({})).toContain("HQ OFF UNSENT 12");
  });

  it("tells a display of half the height as many lines as it has room for", () => {
    const { told, pass } = rig("display: { bus: i2c1, address: 0x3c, size: 128x32 }\n");
    pass(1000);
    expect(told[0]).toHaveLength(3);
    expect(told[0]![2]).toMatch(/^ROTOR/);
  });

  it("tells nothing more once it is stopped", () => {
    const { told, teller, pass } = rig(DISPLAY);
    pass(2000);
    teller?.stop();
    pass(10_000);
    expect(told).toHaveLength(2);
    expect(vi.getTimerCount()).toBe(0);
  });
});

/** The first screen told of a unit that is so. */
function rigAfter(change: Partial<OperatorSource>): Screen {
  const { told, pass, teller } = rig(DISPLAY, change);
  pass(1000);
  teller?.stop();
  return told[0]!;
}
