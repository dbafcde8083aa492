import { describe, expect, it } from "vitest";
import { modelCuts, unharmed } from "../rigs/power-cuts.ts";

describe("power cuts on a model file system", () => {
  it("lose nothing acknowledged, tear nothing, give no number twice, and never part rows from their record", async () => {
    const figures = await modelCuts({ cuts: 600, seed: 11 });
    expect(figures.firstFailure).toBeUndefined();
    expect(unharmed(figures)).toBe(true);
    expect(figures.acknowledged).toBeGreaterThan(5000);
    expect(figures.duringRecovery).toBeGreaterThan(50);
    expect(figures.killed).toBeGreaterThan(20);
  }, 120_000);

  it("lose records as soon as sync is taken away (negative control)", async () => {
    const figures = await modelCuts({ cuts: 60, seed: 11, syncIgnored: true });
    expect(figures.lost).toBeGreaterThan(0);
    expect(unharmed(figures)).toBe(false);
  });
});
