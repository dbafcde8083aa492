import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import { configSchema, siteFileSchema } from "../../scripts/config-schema.ts";
import { errorsPage } from "../../scripts/errors-doc.ts";
import { buildDescriptor } from "../../src/config/descriptor.ts";
import { loadConfig } from "../../src/config/load.ts";
import { ERRORS } from "../../src/model/errors.ts";
import { descriptorBody } from "../../src/model/record.ts";

const root = join(import.meta.dirname, "../..");
const config = join(root, "config");
const machines = readdirSync(join(config, "machines"));

describe("the samples that come with the product", () => {
  it.each(["demo.yaml", "example-pi.yaml", "example-board.yaml"])("%s loads without a word", (name) => {
    const loaded = loadConfig(join(config, name), { catalogue });
    expect(descriptorBody.parse(buildDescriptor(loaded).body)).toBeDefined();
    expect(loaded.channels.length).toBeGreaterThan(0);
  });

  it("hold a display in a comment that is right once it is none", () => {
    const folder = mkdtempSync(join(tmpdir(), "swath-sample-"));
    try {
      cpSync(config, folder, { recursive: true });
      const file = join(folder, "example-pi.yaml");
      writeFileSync(file, readFileSync(file, "utf8").replace("# display:", "display:"));
      expect(loadConfig(file, { catalogue }).display).toMatchObject({
        bus: "i2c1",
        address: 0x3c,
        depth: "tool_depth",
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it.each(machines)("the profile machines/%s can be extended by a unit", (name) => {
    const folder = mkdtempSync(join(tmpdir(), "swath-sample-"));
    try {
      writeFileSync(join(folder, name), readFileSync(join(config, "machines", name)));
      const file = join(folder, "unit-x.yaml");
      writeFileSync(
        file,
        `extends: ${name}\norg: o\nunit: u\nmachine: m\nbroker: { url: "mqtt://h" }\nbuses: {}\nparts: {}\n`,
      );
      expect(loadConfig(file, { catalogue }).profile?.name).toMatch(/^[A-Z]/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it.each(readdirSync(join(config, "sites")))("the site sites/%s fits a unit, with an area and a depth", (name) => {
    const folder = mkdtempSync(join(tmpdir(), "swath-sample-"));
    try {
      writeFileSync(join(folder, name), readFileSync(join(config, "sites", name)));
      const file = join(folder, "unit-x.yaml");
      writeFileSync(
        file,
        `site: ${name}\norg: o\nunit: u\nmachine: m\nbroker: { url: "mqtt://h" }\nbuses: {}\nparts: {}\n`,
      );
      const loaded = loadConfig(file, { catalogue });
      expect(loaded.site?.name).toMatch(/^[A-Z]/);
      expect(loaded.files).toEqual([file, join(folder, name)]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("mark as an estimate every figure of a machine that nobody has published", () => {
    for (const name of machines) {
      const text = readFileSync(join(config, "machines", name), "utf8");
      const figures = text.split("\n").filter((line) => /^ {2}(?:toolWidthM|rotorRpm|workSpeedMps):/.test(line));
      for (const line of figures) expect(line, name).toMatch(/# (?:published|ESTIMATE)/);
    }
  });
});

describe("what is generated", () => {
  it("config/schema.json is what the schemas and the catalogue say (npm run docs)", () => {
    expect(readFileSync(join(config, "schema.json"), "utf8") === configSchema(), "npm run docs").toBe(true);
  });

  it("config/site-schema.json is what the schema of a site says (npm run docs)", () => {
    expect(readFileSync(join(config, "site-schema.json"), "utf8") === siteFileSchema(), "npm run docs").toBe(true);
  });

  it("docs/errors.md is what the table says, and has every code in it (npm run docs)", () => {
    const page = readFileSync(join(root, "docs/errors.md"), "utf8");
    expect(page).toBe(errorsPage());
    for (const code of Object.keys(ERRORS)) expect(page).toContain(`\`${code}\``);
  });
});
