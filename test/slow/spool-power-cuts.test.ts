import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { addFigures, type CutFigures, modelCuts, noCuts, unharmed } from "../rigs/power-cuts.ts";
import { killCuts, loopCuts, realUnharmed } from "../rigs/real-cuts.ts";

/** Compiled by the build that the test command begins with. */
const script = join(import.meta.dirname, "../../dist/scripts/powercut.js");

const canLoop =
  process.getuid?.() === 0 &&
  ["/dev/loop-control", "/usr/sbin/mkfs.ext4", "/usr/sbin/mkfs.xfs"].every((path) => existsSync(path));

const run = promisify(execFile);

/** Model cuts in a process of their own, which ends with 1 and its figures all the same when anything was harmed. */
async function cutsOf(cuts: number, seed: number): Promise<CutFigures> {
  const ended = run(process.execPath, [script, "--cuts", String(cuts), "--seed", String(seed)]);
  const { stdout } = await ended.catch((error: { stdout: string }) => error);
  return JSON.parse(stdout);
}

describe("power cuts", () => {
  it("on a model file system: 200,000 that all differ, nothing lost, torn or given twice", async () => {
    const figures = noCuts();
    const seed = 1;
    for (const half of await Promise.all([cutsOf(100_000, seed), cutsOf(100_000, seed + 1)])) addFigures(figures, half);
    console.log("model cuts", JSON.stringify(figures));
    expect(figures.firstFailure).toBeUndefined();
    expect(unharmed(figures)).toBe(true);
    expect(figures.cuts).toBeGreaterThanOrEqual(200_000);
    expect(figures.duringRecovery).toBeGreaterThan(20_000);
    const control = await modelCuts({ cuts: 100, seed, syncIgnored: true });
    expect(control.lost).toBeGreaterThan(0);
  }, 1_200_000);

  it.concurrent("of the process: 500 spools cut by kill -9 on real files, nothing acknowledged lost; with late writes records are lost (negative control)", async () => {
    const figures = await killCuts({ cuts: 500, seed: 5, script, files: "disk" });
    console.log("kill -9", JSON.stringify(figures));
    expect(figures.firstFailure).toBeUndefined();
    expect(realUnharmed(figures)).toBe(true);
    expect(figures.acknowledged - figures.dropped).toBeGreaterThan(1000);
    const control = await killCuts({ cuts: 10, seed: 5, script, files: "late-writes" });
    console.log("kill -9 with late writes", JSON.stringify(control));
    expect(control.lost).toBeGreaterThan(0);
  }, 600_000);

  it.concurrent("under ext4 on a loop device: 500, nothing acknowledged lost; without sync records are lost (negative control)", async () => {
    if (!canLoop) {
      console.log("ext4 cuts need root, loop devices, mkfs.ext4 and mkfs.xfs: absent here");
      return;
    }
    const figures = await loopCuts({ cuts: 500, seed: 5, script, files: "disk" });
    console.log("ext4 cuts", JSON.stringify(figures));
    expect(figures.firstFailure).toBeUndefined();
    expect(realUnharmed(figures)).toBe(true);
    const control = await loopCuts({ cuts: 10, seed: 5, script, files: "without-sync" });
    console.log("ext4 cuts without sync", JSON.stringify(control));
    expect(control.lost).toBeGreaterThan(0);
  }, 900_000);
});
