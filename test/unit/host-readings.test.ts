import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readHost } from "../../src/unit/host-readings.ts";

function fakeSys(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "swath-sys-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

describe("what the host tells", () => {
  it("reads temperature and undervoltage as the Pi's kernel writes them", () => {
    const sys = fakeSys({
      "class/thermal/thermal_zone0/temp": "61234\n",
      "class/hwmon/hwmon0/name": "cpu_thermal\n",
      "class/hwmon/hwmon1/name": "rpi_volt\n",
      "class/hwmon/hwmon1/in0_lcrit_alarm": "1\n",
    });
    expect(readHost(tmpdir(), sys)).toMatchObject({ cpuTempCel: 61.234, undervoltage: true });
  });

  it("leaves out what the host does not have, rather than say 0", () => {
    const host = readHost("/no/such/folder", fakeSys({ "class/thermal/thermal_zone0/temp": "nonsense" }));
    expect(host).toEqual({});
  });
});
