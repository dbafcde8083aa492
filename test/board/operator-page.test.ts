import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { KEY, LAMP_PATTERNS, lengthOf, SOUNDS } from "../../src/board/panel-patterns.ts";
import { LAMPS, type Lamp } from "../../src/model/operator.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/operator.md"), "utf8");
const languages = page.split("## ភ្លើង");
const cells = (line: string) => line.split("|").map((cell) => cell.trim());
const rowOf = (text: string, lamp: Lamp) => cells(text.split("\n").find((l) => l.startsWith(`| \`${lamp}\``)) ?? "");

describe("the operator's page", () => {
  it("has a row for every word of the lamp in both languages, with what to see, its meaning and what to do", () => {
    expect(languages).toHaveLength(2);
    for (const text of languages)
      for (const lamp of LAMPS) {
        const row = rowOf(text, lamp);
        expect(row, lamp).toHaveLength(6);
        expect(
          row.slice(2, 5).every((cell) => cell.length > 3),
          lamp,
        ).toBe(true);
      }
  });

  it("tells the counts and times that the lamp, the buzzer and the key really have", () => {
    for (const text of languages) {
      for (const lamp of ["ok", "degraded", "no_fix"] as const)
        expect(rowOf(text, lamp)[2]).toContain(` ${LAMP_PATTERNS[lamp].length / 2} `.trim());
      expect(rowOf(text, "ok")[2]).toContain(String(lengthOf(LAMP_PATTERNS.ok) / 1000));
      for (const ms of LAMP_PATTERNS.trial) expect(rowOf(text, "trial")[2]).toContain(String(ms / 1000));
      for (const ms of [KEY.longMs, KEY.muteMs]) expect(text).toContain(`${ms / 1000} `);
    }
    expect([SOUNDS.fault, SOUNDS.short, SOUNDS.long, SOUNDS.lost].map((s) => Math.ceil(s.length / 2))).toEqual([
      3, 1, 2, 1,
    ]);
  });

  it("says that a native speaker must read the Khmer text", () => {
    expect(page).toContain("must be read by a native speaker");
  });
});
