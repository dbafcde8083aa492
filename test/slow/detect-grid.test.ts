import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { aboveLine, gridText, runGrid } from "./detect-grid.ts";

// `GRID=write` runs the long form, 10,000 shocks in 10 h, and writes docs/results/detection.txt.
const long = process.env["GRID"] === "write";
const size = long ? { shocksPerCell: 80, everyMs: 3250 } : { shocksPerCell: 5, everyMs: 1500 };

it("no simulated shock above the stated line is missed, and no rock strike is taken for a detonation", () => {
  const result = runGrid({ ...size, seed: 11 });
  const text = gridText(result);
  console.log(text);
  if (long) {
    const folder = join(import.meta.dirname, "../../docs/results");
    mkdirSync(folder, { recursive: true });
    const command = "GRID=write npx vitest run --project slow test/slow/detect-grid.test.ts";
    writeFileSync(join(folder, "detection.txt"), `${command}\n\n${text}`);
  }
  for (const cell of result.cells.filter(aboveLine)) expect(cell.found, JSON.stringify(cell)).toBe(cell.shocks);
  expect(result.falseCandidates).toBe(0);
  // Negative control: below the floor nothing is a candidate.
  expect(result.cells.filter((c) => c.peak === 400).reduce((n, c) => n + c.found, 0)).toBe(0);
}, 600_000);
