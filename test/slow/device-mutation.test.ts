import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import type { I2cDevice } from "../../src/device/define.ts";
import { type Mutant, mutantsOf } from "../conformance/mutants.ts";
import { twinChecks } from "../conformance/twin-checks.ts";
import { type Check, type Golden, goldenChecks } from "../golden/checks.ts";

const parts = Object.values(catalogue).filter((d): d is I2cDevice => d.kind === "i2c");

function goldenOf(part: string): Golden {
  return JSON.parse(readFileSync(join(import.meta.dirname, "../golden", `${part}.json`), "utf8")) as Golden;
}

function found(mutant: Mutant, checks: readonly Check[]): boolean {
  for (const check of checks) {
    try {
      check.run(mutant.device);
    } catch {
      return true;
    }
  }
  return false;
}

/** Mistakes that change nothing anybody could see, and why. */
const HARMLESS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ads1115: {
    "a0 encoding u16be": "counts below 0 and counts above 32,767 lie in bands of the same meaning: a fault, no value",
    "a1 encoding u16be": "as a0",
  },
};

describe("a mistake in a part's table", () => {
  for (const device of parts) {
    it(`is found by the golden vectors or the sweep: ${device.part}`, { timeout: 300_000 }, () => {
      const golden = goldenOf(device.part);
      const swept = [golden.options, ...golden.runs.filter((r) => r.sweep === true).map((r) => r.options)];
      // Checks of what the driver does about faults say nothing about a table, and are the long ones.
      const aboutFaults = (check: Check) => /parked|pulled|never throws|each kind of fault/.test(check.title);
      const twin = swept.flatMap((options) => twinChecks(options)).filter((check) => !aboutFaults(check));
      const vectors = goldenChecks(golden);
      const slow = (check: Check) => check.title.includes("notices any");
      const checks = [...vectors.filter((c) => !slow(c)), ...twin, ...vectors.filter(slow)];
      const seen = new Map<string, Mutant>();
      for (const options of swept) for (const m of mutantsOf(device, options)) seen.set(m.title, m);
      const survivors = [...seen.values()].filter((m) => !found(m, checks)).map((m) => m.title);
      const rate = 1 - survivors.length / seen.size;
      const harmless = HARMLESS[device.part] ?? {};
      console.log(
        `${device.part}: ${seen.size} mistakes, ${(100 * rate).toFixed(1)} % found${survivors.map((s) => `\n  not found: ${s}: ${harmless[s]}`).join("")}`,
      );
      expect(survivors).toEqual(Object.keys(harmless));
    });
  }
});
