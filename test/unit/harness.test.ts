import { describe, expect, it } from "vitest";
import { createHarness } from "../../src/unit/harness.ts";

function open(serial: number | undefined) {
  const told: unknown[] = [];
  const harness = createHarness({
    harness: serial === undefined ? undefined : { channel: "harness_serial", serial },
    tell: (name, severity, detail) => told.push([name, severity, detail]),
    changed: () => told.push(harness.word),
  });
  return { harness, told };
}

describe("the memory on the harness", () => {
  it("that names the machine of the configuration is right, and nothing is told of it but that", () => {
    const { harness, told } = open(1207);
    expect(harness.word).toBe("unknown");
    for (const found of [undefined, 1207, 1207, undefined, 1207]) harness.heard(found);
    expect(told).toEqual(["right"]);
  });

  it("of another machine is told once, as an alarm with both numbers, and once when it is right again", () => {
    const { harness, told } = open(1207);
    for (const found of [1208, 1208, undefined, 1208, 1207]) harness.heard(found);
    expect(told).toEqual([
      ["wrong_machine", "alarm", { expected: 1207, found: 1208 }],
      "wrong",
      ["right_machine", "info", { expected: 1207, found: 1207 }],
      "right",
    ]);
  });

  it("that cannot be read says nothing for or against, and is nothing where none is configured", () => {
    const { harness, told } = open(1207);
    harness.heard(undefined);
    expect([harness.word, told]).toEqual(["unknown", []]);
    harness.heard(1208);
    harness.heard(undefined);
    expect(harness.word).toBe("wrong");
    const none = open(undefined);
    none.harness.heard(1208);
    expect([none.harness.word, none.told]).toEqual([undefined, []]);
  });
});
