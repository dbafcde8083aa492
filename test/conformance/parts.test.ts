import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import type { I2cDevice } from "../../src/device/define.ts";
import type { Golden } from "../golden/checks.ts";
import { twinChecks } from "./twin-checks.ts";

const parts = Object.values(catalogue).filter((d): d is I2cDevice => d.kind === "i2c");

function goldenOf(part: string): Golden {
  return JSON.parse(readFileSync(join(import.meta.dirname, "../golden", `${part}.json`), "utf8")) as Golden;
}

describe("every I2C part of the catalogue, through its twin", () => {
  it("is there under its own name, with an address and a clock", () => {
    expect(parts.length).toBeGreaterThan(2);
    for (const [name, device] of Object.entries(catalogue)) expect(device.part).toBe(name);
    for (const { part, addresses, maxClockHz } of parts) {
      expect(addresses.length, part).toBeGreaterThan(0);
      for (const address of addresses) expect(address >= 0x08 && address <= 0x77, part).toBe(true);
      expect(maxClockHz, part).toBeGreaterThanOrEqual(100_000);
    }
  });

  for (const device of parts) {
    const golden = goldenOf(device.part);
    describe(device.part, () => {
      for (const check of twinChecks(golden.options)) it(check.title, () => check.run(device));
    });
    for (const run of golden.runs.filter((r) => r.sweep === true))
      describe(`${device.part}: ${run.title}`, () => {
        for (const check of twinChecks(run.options)) it(check.title, () => check.run(device));
      });
  }
});
