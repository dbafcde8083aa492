import { describe, expect, it } from "vitest";
import { type LampFacts, lampOf } from "../../src/unit/lamp.ts";

const GOOD: LampFacts = {
  sampler: "running",
  sources: { gnss: "running" },
  spool: "ok",
  trial: false,
  switchingOff: false,
  delivery: undefined,
  gnss: "fix",
};

describe("the operator's lamp", () => {
  it.each([
    ["ok while all is well", {}, "ok"],
    ["ok while a part starts", { sources: { gnss: "starting" } }, "ok"],
    ["degraded for a part that fails now and then", { sources: { gnss: "running", shock: "degraded" } }, "degraded"],
    ["degraded for a disk that complains", { spool: "degraded" }, "degraded"],
    ["fault for a part that is gone", { sources: { gnss: "absent" } }, "fault"],
    ["fault for a part that failed", { sources: { gnss: "failed" } }, "fault"],
    ["fault while nothing is measured", { sampler: "restarting" }, "fault"],
    ["fault when records are in memory only", { spool: "failed" }, "fault"],
    ["trial while a configuration is tried", { trial: true }, "trial"],
    ["no fix before degraded", { gnss: "no_fix", spool: "degraded" }, "no_fix"],
    [
      "switching off before all else, for what falls silent then is no fault",
      { switchingOff: true, sources: { a: "failed" } },
      "switching_off",
    ],
    [
      "what became of a delivery before a fault: who mends it looks",
      { delivery: "refused", spool: "failed" },
      "refused",
    ],
    ["switching off before a delivery", { delivery: "reading", switchingOff: true }, "switching_off"],
    ["fault before what is left", { trial: true, gnss: "no_fix", sources: { a: "failed" } }, "fault"],
  ] as const)("is %s", (_words, change, lamp) => {
    expect(lampOf({ ...GOOD, ...change } as LampFacts)).toBe(lamp);
  });
});
