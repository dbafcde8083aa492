import { describe, expect, it } from "vitest";
import { editDistance, nearestName, suggest } from "../../src/config/nearest.ts";
import fc from "../properties.ts";

describe("editDistance", () => {
  it.each([
    ["", "", 0],
    ["abc", "abc", 0],
    ["abc", "acb", 1],
    ["abc", "ab", 1],
    ["abc", "xbc", 1],
    ["kitten", "sitting", 3],
    ["ca", "abc", 3],
  ])("counts from %j to %j %d edits, a swap of neighbours being one", (a, b, d) => {
    expect(editDistance(a, b, 9)).toBe(d);
    expect(editDistance(b, a, 9)).toBe(d);
  });

  it("says no more than one above its limit", () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 12 }),
        fc.string({ maxLength: 12 }),
        fc.integer({ min: 0, max: 4 }),
        (a, b, most) => {
          const whole = editDistance(a, b, 99);
          expect(editDistance(a, b, most)).toBe(whole <= most ? whole : most + 1);
        },
      ),
    );
  });
});

describe("nearestName", () => {
  const names = ["device", "clockHz", "passwordFile", "low_pass", "decimate", "silenceS"];

  it.each([
    ["clockhz", "clockHz"],
    ["clock_hz", "clockHz"],
    ["silence_s", "silenceS"],
    ["low-pass", "low_pass"],
    ["devcie", "device"],
    ["decimat", "decimate"],
    ["passwordfiel", "passwordFile"],
    ["dec", "decimate"],
    ["colour", undefined],
    ["x", undefined],
    ["", undefined],
    ["---", undefined],
    ["d".repeat(5000), undefined],
  ])("takes %j for %j", (wrong, right) => {
    expect(nearestName(wrong, names)).toBe(right);
  });

  it("finds every name again after one slip of the pen in a name of five letters or more", () => {
    const slip = fc.tuple(fc.constantFrom(...names), fc.nat(), fc.constantFrom("drop", "double", "swap"));
    fc.assert(
      fc.property(slip, ([name, at, kind]) => {
        const i = at % (name.length - 1);
        const [a, b] = [name[i]!, name[i + 1]!];
        const middle = kind === "drop" ? b : kind === "double" ? a + a + b : b + a;
        expect(nearestName(name.slice(0, i) + middle + name.slice(i + 2), names)).toBe(name);
      }),
    );
  });
});

describe("suggest", () => {
  it("asks for the nearest, lists them when none is near, and says when there are none", () => {
    expect(suggest("ab", ["abc"], "names")).toBe('did you mean "abc"?');
    expect(suggest("zzz", ["one", "two"], "names")).toBe("names: one, two");
    expect(suggest("zzz", [], "names")).toBe("there are none");
  });
});
