import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import type { I2cDevice } from "../../src/device/define.ts";
import { type Golden, goldenChecks } from "./checks.ts";

const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".json"));
const goldens = files.map((name) => JSON.parse(readFileSync(join(import.meta.dirname, name), "utf8")) as Golden);

describe("golden vectors", () => {
  it("exist for every I2C part of the catalogue, under its name", () => {
    const parts = Object.values(catalogue).filter((d) => d.kind === "i2c");
    const named = goldens.filter((g) => g.runs !== undefined).map((g) => g.part);
    expect(named).toEqual(expect.arrayContaining(parts.map((d) => d.part)));
  });

  for (const golden of goldens) {
    const device = catalogue[golden.part];
    if (device?.kind !== "i2c") continue;
    describe(golden.part, () => {
      for (const check of goldenChecks(golden)) it(check.title, () => check.run(device as I2cDevice));
    });
  }
});
