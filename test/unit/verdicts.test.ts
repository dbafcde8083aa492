import { describe, expect, it } from "vitest";
import { createVerdicts, verdictOf } from "../../src/unit/verdicts.ts";

describe("a person's verdict on a detonation candidate", () => {
  it("is about the newest that nobody has judged", () => {
    const verdicts = createVerdicts("boot-1");
    verdicts.candidate(1000);
    verdicts.candidate(5000);
    expect(verdicts.judge(9000)).toEqual({ ofBoot: "boot-1", ofMono: 5000 });
    expect(verdicts.judge(9500)).toEqual({ ofBoot: "boot-1", ofMono: 1000 });
    expect(verdicts.judge(9600)).toBeUndefined();
  });

  it("is about none that is older than ten minutes, unless it is named", () => {
    const verdicts = createVerdicts("boot-1");
    verdicts.candidate(1000);
    expect(verdicts.judge(700_000)).toBeUndefined();
    expect(verdicts.judge(700_000, { boot: "boot-1", mono: 1000 })).toEqual({ ofBoot: "boot-1", ofMono: 1000 });
    expect(verdicts.judge(700_000, { boot: "boot-0", mono: 77 })).toEqual({ ofBoot: "boot-0", ofMono: 77 });
  });

  it("is a confirmation when a detonation is marked, and nothing when anything else is", () => {
    expect(verdictOf("detonation")).toBe("detonation_confirmed");
    expect(verdictOf("no_detonation")).toBe("detonation_rejected");
    expect(verdictOf("mine_found")).toBeUndefined();
  });
});
