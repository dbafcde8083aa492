import { describe, expect, it } from "vitest";
import type { Lamp } from "../../src/model/operator.ts";
import { createUnitWatch } from "../../src/sampler/unit-watch.ts";

describe("what the unit says to the operator, as the sampler passes it on", () => {
  it("is the unit's word, and fault when no word has come for ten seconds", () => {
    let now = 0;
    const told: string[] = [];
    const watch = createUnitWatch<Lamp>(
      (lamp) => told.push(lamp),
      "fault",
      () => now,
    );
    const pass = (ms: number) => {
      for (const end = now + ms; now < end; ) {
        now += 100;
        if (watch.dueMs <= now) watch.step(now);
      }
    };
    watch.told("no_fix");
    pass(9000);
    expect(told).toEqual(["no_fix"]);
    pass(3000);
    expect(told.at(-1)).toBe("fault");
    watch.told("ok");
    pass(5000);
    expect(told.at(-1)).toBe("ok");
  });
});
