import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadWords } from "../../src/cab/words.ts";
import { LAMPS, MARK_KINDS } from "../../src/model/operator.ts";
import { SOURCE_STATES } from "../../src/model/record.ts";
import { TRUST } from "../../src/model/time.ts";

const shipped = resolve(import.meta.dirname, "../../src/cab/page/languages");
const own = (code: string) => JSON.parse(readFileSync(join(shipped, `${code}.json`), "utf8")) as Record<string, string>;

let more: string;
beforeEach(() => {
  more = mkdtempSync(join(tmpdir(), "swath-words-"));
});
afterEach(() => rmSync(more, { recursive: true, force: true }));

describe("the languages of the page in the cab", () => {
  it("have every sentence of each other", () => {
    const english = Object.keys(own("en")).sort();
    for (const name of readdirSync(shipped)) {
      expect(Object.keys(own(name.slice(0, -5))).sort(), name).toEqual(english);
    }
  });

  it("have a word for everything the unit can say", () => {
    const english = own("en");
    for (const lamp of [...LAMPS, "lost"]) expect(english, lamp).toHaveProperty([`lamp.${lamp}`]);
    for (const kind of MARK_KINDS) expect(english, kind).toHaveProperty([`mark.${kind}`]);
    for (const state of SOURCE_STATES) expect(english, state).toHaveProperty([`do.${state}`]);
    for (const trust of TRUST) expect(english, trust).toHaveProperty([`clock.${trust}`]);
  });

  it("speak Khmer in Khmer letters but for names of techniques", () => {
    const latin = Object.entries(own("km")).filter(([, text]) => !/[\u1780-\u17ff]/.test(text));
    expect(latin.map(([key]) => key).sort()).toEqual(["do.running", "gnss.dgnss", "gnss.fixed", "gnss.float"]);
  });

  it("are added by a file, without code; what the file leaves out is English", () => {
    writeFileSync(join(more, "pt.json"), JSON.stringify({ language: "Português", depth: "Profundidade" }));
    writeFileSync(join(more, "km.json"), JSON.stringify({ depth: "ជម្រៅដី" }));
    const words = loadWords(shipped, more);
    expect([...words.keys()].sort()).toEqual(["en", "km", "pt"]);
    expect(words.get("pt")).toMatchObject({ depth: "Profundidade", rotor: "Rotor" });
    expect(words.get("km")).toMatchObject({ depth: "ជម្រៅដី", rotor: own("km")["rotor"] });
  });

  it.each(["not json", "[]", '{"depth": 3}', '{"Depth": "x"}'])("refuse the file %s by its name", (text) => {
    writeFileSync(join(more, "pt.json"), text);
    expect(() => loadWords(shipped, more)).toThrow(/pt\.json: expected JSON/);
  });
});
