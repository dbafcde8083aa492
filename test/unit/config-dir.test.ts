import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import { clearConfigDir, openConfigDir } from "../../src/unit/config-dir.ts";

let run: string;
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), "swath-config-dir-"));
});
afterEach(() => rmSync(run, { recursive: true, force: true }));

const config = (everyMs: number) => ({
  org: "test",
  unit: "unit-1",
  machine: "machine-1",
  broker: { url: "mqtt://127.0.0.1:1883" },
  spool: { dir: "/var/spool/swath", maxMb: 16 },
  buses: { i2c1: { kind: "i2c", device: 1 } },
  parts: { temp: { part: "tmp105", bus: "i2c1", address: 0x48 } },
  channels: { temperature: { from: "temp.temperature", stats: ["last"] } },
  rows: { everyMs, batch: 5 },
});
const filesOf = (everyMs = 1000) => [{ name: "unit.yaml", text: JSON.stringify(config(everyMs)) }];
const unitFile = () => join(run, "config/unit.yaml");
const inode = () => statSync(unitFile()).ino;

describe("the folder of the configuration that a sampler under systemd runs", () => {
  it("stays as it is when a unit ends and another one runs the same, so that the sampler goes on", () => {
    const first = openConfigDir(run);
    const loaded = first.load(filesOf(), catalogue);
    const was = inode();
    first.close();
    expect(inode()).toBe(was);
    expect(openConfigDir(run).load(filesOf(), catalogue).hash).toBe(loaded.hash);
    expect(inode()).toBe(was);
    expect(statSync(unitFile()).mode & 0o777).toBe(0o640);
    expect(statSync(join(run, "config")).mode & 0o777).toBe(0o750);
  });

  it.each([
    ["another text", () => undefined, 2000],
    ["a file cut short", () => writeFileSync(unitFile(), filesOf()[0]!.text.slice(0, -9)), 1000],
    ["a file that does not belong there", () => writeFileSync(join(run, "config/site.yaml"), ""), 1000],
  ])("is made anew for %s, so that the sampler ends", (_what, change, everyMs) => {
    openConfigDir(run).load(filesOf(), catalogue);
    change();
    openConfigDir(run).load(filesOf(everyMs), catalogue);
    expect(readFileSync(unitFile(), "utf8")).toBe(filesOf(everyMs)[0]!.text);
    expect(existsSync(join(run, "config/site.yaml"))).toBe(false);
  });

  it("is taken away when there is no configuration any more", () => {
    openConfigDir(run).load(filesOf(), catalogue);
    clearConfigDir(run);
    expect(existsSync(join(run, "config"))).toBe(false);
    clearConfigDir(undefined);
  });

  it("is one of its own, gone with it, where the unit starts its sampler itself", () => {
    const dir = openConfigDir(undefined);
    const { file } = dir.load(filesOf(), catalogue);
    expect(existsSync(file)).toBe(true);
    expect(file.startsWith(run)).toBe(false);
    dir.close();
    expect(existsSync(file)).toBe(false);
  });
});
