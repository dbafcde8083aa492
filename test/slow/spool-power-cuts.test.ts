import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { modelCuts, unharmed } from "../rigs/power-cuts.ts";
import { killCuts, loopCuts, realUnharmed } from "../rigs/real-cuts.ts";

/** Compiled by the build that the test command begins with. */
const script = join(import.meta.dirname, "../../dist/scripts/powercut.js");

const canLoop =
  process.getuid?.() === 0 &&
  ["/dev/loop-control", "/usr/sbin/mkfs.ext4", "/usr/sbin/mkfs.xfs"].every((path) => existsSync(path));

describe("power cuts", () => {
  it("on a model file system: 20,000, nothing lost, torn or given twice", async () => {
    const figures = await modelCuts({ cuts: 20_000, seed: Date.now() % 1e9 });
    console.log("model cuts", JSON.stringify(figures));
    expect(figures.firstFailure).toBeUndefined();
    expect(unharmed(figures)).toBe(true);
  }, 900_000);

  it("of the process: 100 times kill -9 on real files, nothing acknowledged lost", async () => {
    const figures = await killCuts({ cuts: 100, seed: 5, script });
    console.log("kill -9", JSON.stringify(figures));
    expect(figures.firstFailure).toBeUndefined();
    expect(realUnharmed(figures)).toBe(true);
    expect(figures.acknowledged).toBeGreaterThan(1000);
  }, 600_000);

  it("under ext4 on a loop device: 200, nothing acknowledged lost; without sync records are lost (negative control)", async () => {
    if (!canLoop) {
      console.log("ext4 cuts need root, loop devices, mkfs.ext4 and mkfs.xfs: absent here");
      return;
    }
    const figures = await loopCuts({ cuts: 200, seed: 5, script, sync: true });
    console.log("ext4 cuts", JSON.stringify(figures));
    expect(figures.firstFailure).toBeUndefined();
    expect(realUnharmed(figures)).toBe(true);
    const control = await loopCuts({ cuts: 10, seed: 5, script, sync: false });
    console.log("ext4 cuts without sync", JSON.stringify(control));
    expect(control.lost).toBeGreaterThan(0);
  }, 900_000);
});
