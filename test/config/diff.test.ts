import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { diff } from "../../src/cli/diff.ts";

const folder = mkdtempSync(join(tmpdir(), "swath-diff-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BASE = `
org: cmac
unit: unit-1
machine: d85ms-1
broker: { url: "mqtt://broker.example.org" }
buses: { i2c1: { kind: i2c, device: 1, clockHz: 400000 } }
parts:
  shock: { part: adxl375, bus: i2c1, address: 0x1d, options: { mode: stream, odrHz: 800 } }
channels:
  shock_x: { from: shock.shockX }
  shock_z: { from: shock.shockZ, stats: [max] }
detectors:
  blow: { limit: { channel: shock_z, above: 500, releaseAt: 400 } }
`;

async function run(before: string, after: string, ...more: string[]) {
  writeFileSync(join(folder, "a.yaml"), before);
  writeFileSync(join(folder, "b.yaml"), after);
  let text = "";
  const code = await diff([join(folder, "a.yaml"), join(folder, "b.yaml"), ...more], { write: (t) => (text += t) });
  return { code, text };
}

describe("swath diff", () => {
  it("says that nothing would change when only the way of writing has", async () => {
    const other = BASE.replace("address: 0x1d", "address: 29").replace(
      "{ from: shock.shockX }",
      '{ from: "shock.shockX", filters: [] }',
    );
    const { code, text } = await run(BASE, other);
    expect(text).toContain("Nothing would change on the machine.");
    expect(code).toBe(0);
  });

  it("tells channels, rates, filters, limits, buses, broker and budgets in plain words", async () => {
    const after = BASE.replace("broker.example.org", "other.example.org")
      .replace("clockHz: 400000", "clockHz: 1000000")
      .replace("odrHz: 800", "odrHz: 400")
      .replace("shock_x: { from: shock.shockX }", "shock_y: { from: shock.shockY, filters: [{ median: 3 }] }")
      .replace("stats: [max]", "stats: [max], filters: [{ median: 5 }]")
      .replace("above: 500", "above: 600");
    const { code, text } = await run(BASE, after.replace("1000000", "200000"));
    expect(code).toBe(1);
    for (const words of [
      "~ broker mqtt://other.example.org\n    url: mqtt://broker.example.org ⇒ mqtt://other.example.org",
      "~ bus i2c1\n    clockHz: 400000 ⇒ 200000",
      "~ part shock\n    options: mode stream, odrHz 800",
      "+ channel shock_y\n    from shock.shockY",
      "- channel shock_x\n    from shock.shockX",
      "    rate: 800 samples/s ⇒ 400 samples/s",
      "    filters: none ⇒ median",
      "~ detector blow\n    above: 500 ⇒ 600",
      "~ budget time of bus i2c1",
      "~ budget memory of the rings",
    ])
      expect(text).toContain(words);
  });

  it("gives the same as JSON for a program", async () => {
    const { code, text } = await run(BASE, BASE.replace("above: 500", "above: 600"), "--json");
    expect(code).toBe(1);
    const told = JSON.parse(text);
    expect(told.changes).toEqual([{ topic: "detector", name: "blow", change: "changed", words: ["above: 500 ⇒ 600"] }]);
    expect(told.before).not.toBe(told.after);
  });

  it("compares nothing when one of the files is wrong, and says how it is used", async () => {
    expect((await run(BASE, "org: x\n")).code).toBe(78);
    let text = "";
    expect(await diff(["one"], { write: (t) => (text += t) })).toBe(64);
    expect(text).toContain("usage: swath diff A B [--json]");
  });
});
