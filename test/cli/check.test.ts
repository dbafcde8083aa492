import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { check } from "../../src/cli/check.ts";

const config = (name: string) => join(import.meta.dirname, "../../config", name);

async function run(...args: string[]): Promise<{ code: number; text: string }> {
  let text = "";
  const code = await check(args, { write: (more) => (text += more) });
  return { code, text };
}

describe("swath check", () => {
  it("says what a right file means, in plain words, and ends with 0", async () => {
    const { code, text } = await run(config("demo.yaml"));
    expect(code).toBe(0);
    for (const words of [
      "demo.yaml is right.",
      "Unit demo-01 of cmac, on machine d85ms-demo",
      "machines/komatsu-d85ms-15.yaml",
      "Komatsu D85MS-15, tiller (prepare ground)",
      "SIMULATED",
      "Broker: mqtt://127.0.0.1:1883",
      "i2c1: I2C /dev/i2c-1 at 400 kHz",
      "shock: adxl375 at 0x1d",
      "rotor_speed: Rotor speed, 0 to 400 rpm, from adc.a0, 20 samples/s",
      "columns: shock_x.min, shock_x.max, shock_x.rms",
      "Track: from gnss, lat, lon",
      "bytes/s",
      "MB of memory",
    ])
      expect(text).toContain(words);
  });

  it("lists every problem with its line and ends with 78", async () => {
    const folder = mkdtempSync(join(tmpdir(), "swath-check-"));
    try {
      const file = join(folder, "unit.yaml");
      writeFileSync(file, "org: cmac\nunit: HQ\nmachin: x\n");
      const { code, text } = await run(file);
      expect(code).toBe(78);
      expect(text).toContain("unit.yaml:2: unit: found");
      expect(text).toContain('unit.yaml:3: machin: not known here; did you mean "machine"?');
      expect(text).toMatch(/\n\d+ problems; nothing was started\.\n$/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("ends with 64 and says how it is used when the command line is not understood", async () => {
    for (const args of [[], ["--all"], ["a.yaml", "b.yaml"]])
      expect(await run(...args)).toEqual({ code: 64, text: "usage: swath check FILE\n" });
  });

  it("says which secret files are not there", async () => {
    const { code, text } = await run(config("example-pi.yaml"));
    expect(code).toBe(0);
    expect(text).toContain("password from /etc/swath/broker.pass (NOT THERE on this computer)");
  });
});
