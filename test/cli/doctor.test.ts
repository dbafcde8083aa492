import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import { ssd1306 } from "../../devices/ssd1306.ts";
import { checkClock, checkDeviceFile, checkDisk, checkPower } from "../../src/cli/doctor/host.ts";
import { judgeDisplay, judgePart } from "../../src/cli/doctor/parts.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { SourceHealth } from "../../src/model/record.ts";
import { askUnit, claimSpool } from "../../src/unit/presence.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "swath-doctor-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A file below the root, with its folders. */
function file(path: string, text = ""): void {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), text);
}

describe("what the doctor says of the computer", () => {
  const power = (alarm: string, milliCel: string) => {
    file("class/hwmon/hwmon1/name", "rpi_volt\n");
    file("class/hwmon/hwmon1/in0_lcrit_alarm", `${alarm}\n`);
    file("class/thermal/thermal_zone0/temp", `${milliCel}\n`);
    return checkPower(root, root).map((f) => f.verdict);
  };

  it("tells a supply that is too low and a processor that is too hot", () => {
    expect(power("0", "52000")).toEqual(["ok", "ok"]);
    expect(power("1", "52000")).toEqual(["wrong", "ok"]);
    expect(power("0", "81000")).toEqual(["ok", "look"]);
    expect(power("0", "86000")).toEqual(["ok", "wrong"]);
  });

  it("does not take for good what the computer does not tell", () => {
    expect(checkPower(root, root).map((f) => f.verdict)).toEqual(["unknown", "unknown"]);
  });

  it("tells a clock from before the software was made, and a missing clock battery", () => {
    expect(checkClock(Date.parse("1970-01-01T00:10:00Z"), root).map((f) => f.verdict)).toEqual(["wrong", "look"]);
    file("run/systemd/timesync/synchronized");
    file("dev/rtc0");
    expect(checkClock(Date.now(), root).map((f) => f.verdict)).toEqual(["ok", "ok"]);
  });

  it("finds a folder that takes no files, and leaves nothing behind in one that does", () => {
    expect(checkDisk(join(root, "spool/not/made/yet")).verdict).toBe("ok");
    file("a-file");
    const through = checkDisk(join(root, "a-file"));
    expect(through).toMatchObject({ verdict: "wrong", what: "disk" });
    expect(through.found).toContain("ENOTDIR");
  });

  it("names the ports there are when the one in the configuration is not", () => {
    const missing = checkDeviceFile("bus gnss", join(root, "ttyX"), "dialout");
    expect(missing).toMatchObject({ verdict: "wrong" });
    file("ttyY");
    chmodSync(join(root, "ttyY"), 0o600);
    expect(checkDeviceFile("bus gnss", join(root, "ttyY"), "dialout").verdict).toBe("ok");
  });
});

describe("what the doctor says of a part", () => {
  const config = loadConfig(join(import.meta.dirname, "../../config/demo.yaml"), { catalogue });
  const part = config.parts.find((p) => p.name === "shock")!;
  const health = (state: SourceHealth["state"], counters: Record<string, number> = {}): SourceHealth => ({
    state,
    part: part.device.part,
    verified: state === "running" ? "id" : "none",
    counters,
  });

  it.each([
    ["running", {}, "ok", undefined],
    ["degraded", { noAck: 3, samples: 900 }, "look", /plug/],
    ["failed", { noAck: 30 }, "wrong", /plug/],
    ["absent", { stranger: 2, noAck: 1 }, "wrong", /configuration names/],
    ["failed", { brownOut: 4, noAck: 9 }, "wrong", /supply/],
    ["absent", { denied: 5 }, "wrong", /right to the bus/],
    ["starting", {}, "look", /Wait/],
  ] as const)("%s with %j is %s", (state, counters, verdict, todo) => {
    const found = judgePart(part, health(state, counters));
    expect(found.verdict).toBe(verdict);
    if (todo === undefined) expect(found.todo).toBeUndefined();
    else expect(found.todo).toMatch(todo);
  });

  it("is unknown when nothing was heard of it", () => {
    expect(judgePart(part, undefined).verdict).toBe("unknown");
  });
});

describe("what the doctor says of the display", () => {
  const display = { device: ssd1306, bus: "i2c1", address: 0x3c, size: "128x64", depth: "d", rotor: "r" } as const;
  const judge = (state: SourceHealth["state"], counters: Record<string, number> = {}) =>
    judgeDisplay(display, { state, part: "ssd1306", verified: state === "running" ? "ack-only" : "none", counters });

  it("is that it runs, and that its acknowledge is all that is known", () => {
    const found = judge("running");
    expect(found).toMatchObject({ what: "display", verdict: "ok" });
    expect(found.found).toBe("ssd1306, 0x3c on i2c1: written to, verified by its acknowledge alone");
  });

  it.each([
    ["absent", { noAck: 4 }, /plug/],
    ["failed", { timeout: 1 }, /./],
    ["starting", {}, /Wait/],
  ] as const)("is worth a look and never wrong, because nothing is measured with it: %s", (state, counters, todo) => {
    const found = judge(state, counters);
    expect(found.verdict).toBe("look");
    expect(found.found).toContain(state);
    expect(found.todo).toMatch(todo);
  });

  it("is unknown when nothing was heard of it", () => {
    expect(judgeDisplay(display, undefined).verdict).toBe("unknown");
  });
});

describe("a spool's folder", () => {
  it("belongs to one unit at a time, which answers whoever asks", async () => {
    expect(await askUnit(root)).toBeUndefined();
    const claim = await claimSpool(root);
    expect(await askUnit(root)).toEqual({ pid: process.pid });
    claim.answerWith(() => ({ linkError: "cannot be reached" }));
    expect(await askUnit(root)).toEqual({ pid: process.pid, linkError: "cannot be reached" });
    await expect(claimSpool(root)).rejects.toMatchObject({ code: "spool/in-use" });
    expect(await askUnit(join(root, "other"))).toBeUndefined();
    await claim.close();
    await (await claimSpool(root)).close();
  });
});
