import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import { aboveLine, gridText, runGrid } from "./detect-grid.ts";
import { gridSvg } from "./detect-grid-svg.ts";

// `GRID=write` runs the long form, 10,000 shocks in 10 h, with every processor busy besides, and writes
// docs/results/detection.txt and the figure docs/detection.svg.
const long = process.env["GRID"] === "write";
const size = long ? { shocksPerCell: 80, everyMs: 3250 } : { shocksPerCell: 5, everyMs: 1500 };

it("no simulated shock above the stated line is missed, and no rock strike is taken for a detonation", () => {
  const busy = long
    ? Array.from({ length: availableParallelism() }, () => new Worker("for (;;);", { eval: true }))
    : [];
  const result = runGrid({ ...size, seed: 11 });
  const load = `Run beside ${busy.length} busy threads on ${availableParallelism()} processors, load average ${loadavg()[0]!.toFixed(1)}`;
  for (const each of busy) void each.terminate();
  const text = gridText(result);
  console.log(text);
  if (long) {
    const folder = join(import.meta.dirname, "../../docs/results");
    mkdirSync(folder, { recursive: true });
    const command = "GRID=write npx vitest run --project slow test/slow/detect-grid.test.ts";
    writeFileSync(join(folder, "detection.txt"), `${command}\n\n${text}${load}\n`);
    writeFileSync(join(folder, "../detection.svg"), gridSvg(result));
  }
  for (const cell of result.cells.filter(aboveLine)) expect(cell.found, JSON.stringify(cell)).toBe(cell.shocks);
  expect(result.falseCandidates).toBe(0);
  expect(result.captures).toEqual({ complete: result.captures.asked, asked: result.captures.asked });
  // Negative control: below the floor nothing is a candidate.
  expect(result.cells.filter((c) => c.peak === 400).reduce((n, c) => n + c.found, 0)).toBe(0);
}, 600_000);
