import { constants } from "node:os";
import { describe, expect, it } from "vitest";
import { errnoName, errnoOf, LINUX_ERRORS, linuxErrorCode } from "../../src/bus/linux-errors.ts";

const system = (errno: number, code = "") => Object.assign(new Error("x"), { errno, code });

describe("Linux errors", () => {
  it.each([
    [121, "bus/no-ack"],
    [6, "bus/no-ack"],
    [19, "bus/no-ack"],
    [110, "bus/timeout"],
    [11, "bus/arbitration"],
    [16, "bus/busy"],
    [74, "bus/crc"],
    [5, "bus/io"],
    [71, "bus/io"],
    [95, "bus/unsupported"],
    [13, "bus/denied"],
    [1, "bus/denied"],
  ] as const)("number %i of a transfer is %s, whatever its name says", (errno, code) => {
    expect(linuxErrorCode(system(errno), "transfer")).toBe(code);
    expect(linuxErrorCode(system(-errno, "EWRONG"), "transfer")).toBe(code);
  });

  it.each([
    [2, "bus/absent"],
    [19, "bus/absent"],
    [6, "bus/absent"],
    [13, "bus/denied"],
    [1, "bus/denied"],
    [16, "bus/busy"],
  ] as const)("number %i of opening is %s", (errno, code) => {
    expect(linuxErrorCode(system(-errno), "open")).toBe(code);
  });

  it("anything unknown, or no error of the system at all, is bus/io", () => {
    for (const e of [system(9999), new Error("x"), undefined, "x", { errno: "5" }]) {
      expect(linuxErrorCode(e, "transfer")).toBe("bus/io");
    }
    expect(errnoOf({ errno: "5" })).toBe(0);
    expect(errnoName(system(121))).toBe("EREMOTEIO (121)");
    expect(errnoName(system(-4000))).toBe("errno 4000");
  });

  it("the table's numbers are those of this system", () => {
    const here: Record<string, number> = { ...constants.errno };
    for (const [number, { errno }] of Object.entries(LINUX_ERRORS)) {
      if (errno in here) expect(here[errno], errno).toBe(Number(number));
    }
  });
});
