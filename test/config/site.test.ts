import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { explainConfig } from "../../src/config/explain.ts";
import { loadConfig } from "../../src/config/load.ts";
import { areaM2, borderM, type Corner } from "../../src/config/site.ts";
import { isSwathError } from "../../src/model/errors.ts";
import { parts } from "./parts.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "swath-site-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const UNIT = `org: o\nunit: u\nmachine: m\nbroker: { url: "mqtt://h" }\nbuses: {}\nparts: {}\n`;
const AREA = "[[13, 103], [13, 103.001], [13.001, 103.001], [13.001, 103]]";
const SITE = `id: task-1\nname: Field\nrequiredDepthM: 0.2\narea: ${AREA}\n`;

function load(unit: string, site?: string) {
  const file = join(folder, "unit.yaml");
  writeFileSync(file, unit);
  if (site !== undefined) writeFileSync(join(folder, "site.yaml"), site);
  return loadConfig(file, { catalogue: parts });
}

function refusal(unit: string, site?: string): string {
  try {
    load(unit, site);
  } catch (e) {
    if (isSwathError(e, "config")) return e.message.replaceAll(`${folder}/`, "");
    throw e;
  }
  throw new Error("it loads");
}

describe("a site", () => {
  it("comes from the file that the unit names, and changes the hash of the configuration", () => {
    const loaded = load(`${UNIT}site: site.yaml\n`, SITE);
    expect(loaded.site).toMatchObject({ id: "task-1", requiredDepthM: 0.2 });
    expect(loaded.files.map((f) => f.slice(folder.length + 1))).toEqual(["unit.yaml", "site.yaml"]);
    expect(loaded.hash).not.toBe(load(UNIT).hash);
    const inline = load(`${UNIT}site: { id: task-1, name: Field, requiredDepthM: 0.2, area: ${AREA} }\n`);
    expect(inline.hash).toBe(loaded.hash);
  });

  it("is explained with its size, and with a warning where the machine works less deep than it asks", () => {
    const words = explainConfig(load(`${UNIT}site: site.yaml\n`, SITE), Date.now()).join("\n");
    // 0.001° of latitude is 111.2 m, of longitude at 13° 108.3 m.
    expect(words).toContain("Site: Field (task-1), 4 corners from 13.00000 103.00000, 1.20 ha within 439 m of border");
    const shallow = `${UNIT}site: site.yaml\nprofile: { name: X, role: detonate, tool: flail, targetDepthM: 0.15 }\n`;
    expect(explainConfig(load(shallow, SITE), Date.now()).join("\n")).toContain(
      "NOT DEEP ENOUGH: the machine is set to work 0.15 m",
    );
  });

  it.each([
    ["two corners", "[[13, 103], [13, 103.001]]", "expected at least 3 items"],
    ["corners the wrong way round", "[[103, 13], [103.001, 13], [103.001, 13.001]]", "site.yaml:4: area[0][0]"],
    [
      "a border that crosses itself",
      "[[13, 103], [13.001, 103.001], [13, 103.001], [13.001, 103]]",
      "does not cross itself",
    ],
    ["a corner twice", "[[13, 103], [13, 103], [13, 103.001], [13.001, 103.001]]", "are the same place"],
    [
      "a mistyped degree",
      "[[13, 103], [13, 104], [13.001, 104], [13.001, 103]]",
      "expected at most 4 km², but the corners enclose 12.0 km²",
    ],
    ["no size", "[[13, 103], [13, 103.00001], [13.00001, 103.00001]]", "expected at least 25 m²"],
  ])("with %s is refused with file, line and reason", (_, area, words) => {
    const text = refusal(`${UNIT}site: site.yaml\n`, SITE.replace(AREA, area));
    expect(text).toContain("site.yaml:4: ");
    expect(text).toContain(words.replace("area[", "site.area["));
  });

  it("that is not there, or is named by a path from the root, is refused at the line that names it", () => {
    expect(refusal(`${UNIT}site: nowhere.yaml\n`)).toBe(
      "unit.yaml:7: site: nowhere.yaml: there is no such file; the path starts at the folder of the file that names it",
    );
    expect(refusal(`${UNIT}site: /etc/passwd\n`)).toContain("expected the path of a site file, relative to this file");
  });
});

describe("the size of an area", () => {
  it("is that of a square of known sides, whichever way round its corners stand", () => {
    const d = 100 / ((Math.PI / 180) * 6_371_008.8);
    const square: Corner[] = [
      [0, 10],
      [0, 10 + d],
      [d, 10 + d],
      [d, 10],
    ];
    expect(areaM2(square)).toBeCloseTo(10_000, 3);
    expect(areaM2([...square].reverse())).toBeCloseTo(10_000, 3);
    expect(borderM(square)).toBeCloseTo(400, 3);
  });
});
