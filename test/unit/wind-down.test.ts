import { existsSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { COMMIT_LIMIT_MS, TAKEN_LIMIT_MS } from "../../src/model/power.ts";
import { createPowerRequest, REQUEST_FILE } from "../../src/unit/power-request.ts";
import { createWindDown, type WindDownPorts } from "../../src/unit/wind-down.ts";

const HOLD_UP_MS = 30_000;
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "swath-power-"));
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(dir, { recursive: true, force: true });
});

function open(own: Partial<WindDownPorts> = {}, wasOn = false) {
  const told: string[] = [];
  const ports: WindDownPorts = {
    settle: async () => void told.push("settled"),
    keep: async () => void told.push(`kept ${windDown.ignition}`),
    tell: async (name) => void told.push(name),
    changed: () => void told.push(windDown.step),
    request: createPowerRequest(dir),
    ...own,
  };
  const windDown = createWindDown({ ports, holdUpMs: HOLD_UP_MS, wasOn, log: pino({ level: "silent" }) });
  const asked = () => existsSync(join(dir, REQUEST_FILE));
  return {
    windDown,
    told,
    asked,
    take: () => unlinkSync(join(dir, REQUEST_FILE)),
    pass: vi.advanceTimersByTimeAsync.bind(vi),
  };
}

describe("winding down", () => {
  it("makes all durable, keeps why, and asks; once that is taken it stays asleep until the power goes", async () => {
    const { windDown, told, asked, take, pass } = open();
    windDown.heard("on");
    windDown.heard("leaving");
    expect(windDown.sleeping).toBe(false);
    windDown.heard("off");
    expect(windDown.sleeping).toBe(true);
    await pass(10);
    expect(told.slice(told.indexOf("winding"))).toEqual(["winding", "ignition_off", "settled", "kept off", "asked"]);
    expect(asked()).toBe(true);
    take();
    await pass(100);
    expect(windDown.step).toBe("going");
    windDown.heard("unknown");
    await pass(HOLD_UP_MS - 1000);
    expect(windDown).toMatchObject({ step: "going", sleeping: true });
  });

  it("never begins without `off`: not for leaving, unknown, silence, or a key that never was on in this boot", async () => {
    const { windDown, asked, pass } = open();
    windDown.heard("off");
    await pass(10_000);
    expect(windDown).toMatchObject({ step: "none", resting: false });
    for (const word of ["on", "leaving", "unknown", undefined, "leaving"] as const) {
      windDown.heard(word);
      await pass(60_000);
      expect([windDown.step, asked()]).toEqual(["none", false]);
    }
    windDown.heard("off");
    await pass(10);
    expect(asked()).toBe(true);
    // It was on before this process started.
    const again = open({}, true);
    again.windDown.heard("off");
    await again.pass(10);
    expect(again.asked()).toBe(true);
  });

  it("is cancelled by a key turned on again, before the request and while nobody has taken it, and begins again with the next off", async () => {
    let settled: () => void = () => undefined;
    const { windDown, told, asked, pass } = open({ settle: () => new Promise((done) => (settled = done)) });
    windDown.heard("on");
    windDown.heard("off");
    await pass(100);
    windDown.heard("on");
    settled();
    await pass(10);
    expect([windDown.step, asked()]).toEqual(["none", false]);
    expect(told.slice(-3)).toEqual(["none", "ignition_on", "kept on"]);
    windDown.heard("off");
    settled();
    await pass(200);
    expect(asked()).toBe(true);
    windDown.heard("on");
    await pass(200);
    expect([windDown.step, windDown.sleeping, asked()]).toEqual(["none", false, false]);
    windDown.heard("off");
    settled();
    await pass(200);
    expect(asked()).toBe(true);
  });

  it("is not cancelled once the request is taken; with power still there after the hold-up time the unit goes on", async () => {
    const { windDown, told, take, pass } = open();
    windDown.heard("on");
    windDown.heard("off");
    await pass(10);
    take();
    await pass(100);
    windDown.heard("on");
    await pass(1000);
    expect(windDown.sleeping).toBe(true);
    await pass(HOLD_UP_MS);
    expect(windDown).toMatchObject({ step: "none", sleeping: false });
    expect(told).toContain("power_off_failed");
    expect(told.at(-2)).toBe("ignition_on");
  });

  it("says that nobody takes the request, takes it back, and goes on measuring; it asks again only after the key was on", async () => {
    const { windDown, told, asked, pass } = open();
    windDown.heard("on");
    windDown.heard("off");
    await pass(TAKEN_LIMIT_MS + 200);
    expect([windDown.step, windDown.sleeping, asked()]).toEqual(["stayed", false, false]);
    expect(told.at(-1)).toBe("power_off_failed");
    windDown.heard("unknown");
    windDown.heard("off");
    await pass(60_000);
    expect([windDown.step, asked()]).toEqual(["stayed", false]);
    windDown.heard("on");
    expect(windDown.step).toBe("none");
    windDown.heard("off");
    await pass(100);
    expect(asked()).toBe(true);
  });

  it.each([
    ["a card that hangs", () => new Promise<void>(() => undefined)],
    ["a card that refuses", () => Promise.reject(new Error("EIO"))],
  ])("asks within its time also with %s", async (_, work) => {
    const { windDown, asked, pass } = open({ settle: work, tell: work });
    windDown.heard("on");
    windDown.heard("off");
    let waitedMs = 0;
    for (; !asked() && waitedMs < 10_000; waitedMs += 50) await pass(50);
    expect(waitedMs).toBeLessThanOrEqual(COMMIT_LIMIT_MS + 50);
  });

  it("leaves no request behind: neither one of an earlier run nor its own when it is stopped", async () => {
    writeFileSync(join(dir, REQUEST_FILE), "");
    const { windDown, asked, pass } = open();
    expect(asked()).toBe(false);
    windDown.heard("on");
    windDown.heard("off");
    await pass(10);
    expect(asked()).toBe(true);
    windDown.stop();
    expect(asked()).toBe(false);
  });

  it("goes on where the request cannot even be left", async () => {
    const gone = open();
    rmSync(dir, { recursive: true });
    gone.windDown.heard("on");
    gone.windDown.heard("off");
    await gone.pass(10);
    expect(gone.windDown.step).toBe("stayed");
    expect(gone.told.at(-1)).toBe("power_off_failed");
  });
});
