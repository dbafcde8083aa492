import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { isSwathError } from "../../src/model/errors.ts";
import { parts } from "./parts.ts";

const folder = relative(process.cwd(), join(import.meta.dirname, "wrong"));
const names = readdirSync(folder)
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => name.slice(0, -".yaml".length));

/** What is said about a wrong file, with the code first and the folder left out. */
function complaint(name: string): string {
  try {
    loadConfig(join(folder, `${name}.yaml`), { catalogue: parts });
  } catch (e) {
    if (!isSwathError(e, "config")) throw e;
    return `${e.code}\n${e.message.replaceAll(`${folder}/`, "")}\n`;
  }
  throw new Error(`${name}.yaml loads without an error`);
}

describe("a wrong configuration", () => {
  it("is looked at in at least forty ways", () => {
    expect(names.length).toBeGreaterThanOrEqual(40);
  });

  // `GOLDEN=write` writes the texts anew; read them before they are committed.
  it.each(names)("%s is refused with exactly the text beside it", (name) => {
    const golden = join(folder, `${name}.txt`);
    const text = complaint(name);
    if (process.env["GOLDEN"] === "write") writeFileSync(golden, text);
    expect(existsSync(golden)).toBe(true);
    expect(text).toBe(readFileSync(golden, "utf8"));
  });

  it("never shows a password", () => {
    for (const name of names) expect(complaint(name)).not.toContain("do-not-print-me");
  });
});
