import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { mergeCalibration } from "../../src/config/merge-calibration.ts";

const depth = {
  kind: "depth",
  by: "Sok Dara",
  at: "2026-11-20T07:00:00Z",
  machine: "m-1",
  unit: "u-1",
  source: "adc.a1",
  scale: 1.05,
  offset: -0.02,
  uncertaintyM: 0.008,
  points: [
    [-0.2667, -0.3],
    [0.019, 0],
  ] as [number, number][],
} as const satisfies object;
const added = { channels: { tool_depth: { ...depth, points: [...depth.points] } } };

describe("a calibration merged into the text of a unit file", () => {
  it("is put at the end of a file without one, everything before it to the letter", () => {
    const text = "# top\norg:   cmac # odd spacing\n\nparts: { a: { part: x } }   # kept\n";
    const merged = mergeCalibration(text, added);
    expect(merged.startsWith(text)).toBe(true);
    expect(parse(merged).calibration.channels.tool_depth).toEqual(depth);
    expect(mergeCalibration(text.trimEnd(), added).startsWith(text.trimEnd())).toBe(true);
  });

  it("takes the place of the old one, what stands around and beside it to the letter", () => {
    const text =
      "org: cmac\ncalibration:\n  maxAgeDays: 90 # rule of the site\n  channels:\n    pitch: { kind: tilt } # other\n    tool_depth: { kind: depth, residualM: 0.5 }\n\n# of rows\nrows: { everyMs:   1000 }\n";
    const merged = mergeCalibration(text, added);
    expect(merged).toContain("maxAgeDays: 90 # rule of the site");
    expect(merged).toContain("pitch: { kind: tilt } # other");
    expect(merged.endsWith("\n\n# of rows\nrows: { everyMs:   1000 }\n")).toBe(true);
    expect(parse(merged).calibration.channels).toEqual({ pitch: { kind: "tilt" }, tool_depth: depth });
  });

  it("fits into a section in one line, an empty one, and a file in one line", () => {
    for (const text of [
      "org: a\ncalibration: {}\n",
      "org: a\ncalibration: { maxAgeDays: 9 }\n",
      "org: a\ncalibration:\n",
      '{ "org": "a" }',
    ]) {
      const found = parse(mergeCalibration(text, added));
      expect(found.org, text).toBe("a");
      expect(found.calibration.channels.tool_depth, text).toEqual(depth);
    }
  });

  it("changes one number where it stands, or adds it", () => {
    const option = { path: ["parts", "rotor", "options", "pulsesPerRevolution"], value: 58 };
    const text = "parts:\n  rotor: { part: x, options: { pulsesPerRevolution:  60 } } # pickup\n";
    expect(mergeCalibration(text, { option, channels: {} })).toContain(
      "rotor: { part: x, options: { pulsesPerRevolution:  58 } } # pickup",
    );
    expect(parse(mergeCalibration("org: a # c\n", { option }))).toMatchObject({
      parts: { rotor: { options: { pulsesPerRevolution: 58 } } },
    });
  });

  it("is refused for a text that is no map", () => {
    for (const text of ["- a\n", "", "a: [", "just words"])
      expect(() => mergeCalibration(text, added), text).toThrow(SyntaxError);
  });
});
