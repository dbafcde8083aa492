import { describe, expect, it } from "vitest";
import type { CabView, Gauge, SourceView } from "../../src/cab/page/view.ts";
import { LAMPS, screen } from "../../src/model/operator.ts";
import { screenOf } from "../../src/unit/screen.ts";
import fc from "../properties.ts";

const none: Gauge = { value: null, target: null, verdict: "none" };
const view: CabView = {
  unit: "unit-1",
  machine: "d85ms-1",
  name: "Komatsu D85MS",
  simulated: false,
  lamp: "ok",
  work: "working",
  depth: { value: 0.184, target: 0.2, verdict: "low" },
  rotor: { value: 204.4, target: 200, verdict: "good" },
  speed: { value: 0.31, target: 0.2, verdict: "high" },
  gnss: { fix: "3d", satellites: 17 },
  clock: { trust: "gnss", utcMs: 0 },
  hq: { connected: true, unsent: 12, lastAckS: 1, spool: "ok" },
  bundle: null,
  stick: null,
  sampler: "running",
  sources: [{ name: "shock", part: "adxl375", state: "running" }],
  shift: {
    ...{ onS: 0, workingS: 0, idleS: 0, unknownS: 0, wayM: 0 },
    ...{ processedM2: null, meanDepthM: null, atDepth: null, candidates: 0 },
  },
  question: null,
  marks: [],
};
const shown = (own: Partial<CabView>, room = 6) => screenOf({ ...view, ...own }, room);

describe("what the operator's display shows", () => {
  it("is the lamp's word, each figure against its target, the receiver, what waits, and nothing when all is well", () => {
    expect(shown({})).toEqual([
      "OK",
      "DEPTH  0.18/0.20 LOW",
      "ROTOR   204/200",
      "SPEED  0.31/0.20 HIGH",
      "GNSS  3D 17 SAT",
      "HQ ON  UNSENT 12",
      "",
    ]);
  });

  it("has depth and rotor alone where it has room for two lines", () => {
    expect(shown({}, 2)).toEqual(["OK", "DEPTH  0.18/0.20 LOW", "ROTOR   204/200"]);
  });

  it("shows dashes and never a zero for what is not known now", () => {
    const { depth, rotor, speed } = { depth: { ...none, target: 0.2 }, rotor: none, speed: none };
    const lines = shown({ depth, rotor, speed, gnss: { fix: "silent", satellites: null } });
    expect(lines.slice(1, 5)).toEqual(["DEPTH    --/0.20", "ROTOR    --", "SPEED    --", "GNSS  SILENT"]);
  });

  it.each([
    [{ sampler: "restarting" }, "SAMPLER RESTARTING"],
    [{ hq: { ...view.hq, spool: "failed" } }, "CARD FAILED"],
    [{ sources: [source("shock", "failed"), source("gnss", "absent")] }, "SHOCK FAILED"],
    [{ sources: [source("adc", "degraded"), source("gnss", "running")] }, "ADC DEGRADED"],
    [{ sources: [source("adc", "starting")] }, ""],
    [{ sources: [source("a_part_with_quite_a_long_name", "absent")] }, "A_PART_WITH_QU ABSENT"],
    [{ simulated: true }, "SIMULATED"],
    [{ simulated: true, sources: [source("shock", "absent")] }, "SHOCK ABSENT"],
  ] as const)("names what is worst off: %j gives %s", (own, line) => {
    expect(shown(own).at(-1)).toBe(line);
  });

  it("says how many records wait, or that it is more than it can say", () => {
    const waiting = (unsent: number) => shown({ hq: { ...view.hq, connected: false, unsent } })[5];
    expect(waiting(999_999)).toBe("HQ OFF UNSENT 999999");
    expect(waiting(12_345_678)).toBe("HQ OFF UNSENT >999999");
  });

  it("never cuts a figure: without room the target goes, and a figure too long for the line is none", () => {
    const rotor = (value: number) => shown({ rotor: { value, target: 1_000_000, verdict: "high" } })[2];
    expect(rotor(1_234_567)).toBe("ROTOR 1234567 HIGH");
    expect(rotor(123_456_789)).toBe("ROTOR    -- HIGH");
  });

  it("fits the frame that carries it, whatever the unit knows", () => {
    const gauge = fc.record({
      value: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
      target: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
      verdict: fc.constantFrom("none", "good", "low", "high"),
    });
    const own = fc.record({
      ...{ depth: gauge, rotor: gauge, speed: gauge, lamp: fc.constantFrom(...LAMPS) },
      hq: fc.record({
        ...{ connected: fc.boolean(), unsent: fc.nat(), lastAckS: fc.constant(null) },
        spool: fc.constantFrom("ok", "degraded", "failed"),
      }),
      sources: fc.array(fc.stringMatching(/^[a-z][a-z0-9_]{0,62}$/).map((name) => source(name, "degraded"))),
    });
    fc.assert(
      fc.property(own, fc.constantFrom(2, 6), (facts, room) => {
        const lines = shown(facts as Partial<CabView>, room);
        expect(screen.parse(lines)).toEqual(lines);
        expect(lines).toHaveLength(1 + room);
        expect(lines[0]!.length).toBeLessThanOrEqual(10);
      }),
    );
  });
});

function source(name: string, state: SourceView["state"]): SourceView {
  return { name, part: "adxl375", state };
}
