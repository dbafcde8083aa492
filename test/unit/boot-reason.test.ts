import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { bootReason, readResetFacts } from "../../src/unit/boot-reason.ts";
import { createClockFloor, validity } from "../../src/unit/clock-floor.ts";
import { openRunFile, type RunFacts } from "../../src/unit/run-file.ts";

const root = mkdtempSync(join(tmpdir(), "swath-run-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const left = (facts: Partial<RunFacts> = {}): RunFacts => ({
  ...{ v: 1, boot: "boot-1", ended: false, undervoltage: false, utcMs: 0, sent: {} },
  ...facts,
});

describe("why the unit starts", () => {
  it.each([
    ["first, when nothing is known of a run before", undefined, "boot-1", {}, "first"],
    ["planned, when it was stopped in order in this boot", left({ ended: true }), "boot-1", {}, "planned"],
    ["crash, when it died in this boot", left(), "boot-1", {}, "crash"],
    ["ignition, when the boot is new and the stop was in order", left({ ended: true }), "boot-2", {}, "ignition"],
    ["watchdog, when the hardware says so", left(), "boot-2", { watchdog: true }, "watchdog"],
    ["brown-out, when the power chip says so", left(), "boot-2", { underVoltage: true }, "brown-out"],
    ["brown-out, when the supply was low to the end", left({ undervoltage: true }), "boot-2", {}, "brown-out"],
    [
      "ignition, when it was off before the supply sagged and went",
      left({ ignition: "off", undervoltage: true }),
      "boot-2",
      { underVoltage: true },
      "ignition",
    ],
    [
      "brown-out, when the supply went with the ignition on",
      left({ ignition: "on", undervoltage: true }),
      "boot-2",
      {},
      "brown-out",
    ],
    ["power-cut, when the power went with the ignition on", left({ ignition: "on" }), "boot-2", {}, "power-cut"],
    [
      "planned, when the computer was restarted in order with the ignition on",
      left({ ended: true, ignition: "on" }),
      "boot-2",
      {},
      "planned",
    ],
    [
      "ignition, when it was stopped in order with the ignition off",
      left({ ended: true, ignition: "off" }),
      "boot-2",
      {},
      "ignition",
    ],
    [
      "watchdog, when the computer hung with the ignition off",
      left({ ignition: "off" }),
      "boot-2",
      { watchdog: true },
      "watchdog",
    ],
    ["crash, when it died in this boot with the ignition off", left({ ignition: "off" }), "boot-1", {}, "crash"],
    ["power-cut, when nothing tells more", left(), "boot-2", { watchdog: false }, "power-cut"],
    [
      "ignition, also when the watchdog fired after the stop",
      left({ ended: true }),
      "boot-2",
      { watchdog: true },
      "ignition",
    ],
  ] as const)("is %s", (_, previous, boot, reset, reason) => {
    expect(bootReason(previous, boot, reset)).toBe(reason);
  });

  it("reads what the kernel and the firmware tell, and nothing where they do not", () => {
    expect(readResetFacts(join(root, "nowhere"))).toEqual({});
    const sys = join(root, "host");
    mkdirSync(join(sys, "sys/class/watchdog/watchdog0"), { recursive: true });
    writeFileSync(join(sys, "sys/class/watchdog/watchdog0/bootstatus"), "32\n");
    expect(readResetFacts(sys)).toEqual({ watchdog: true });
    writeFileSync(join(sys, "sys/class/watchdog/watchdog0/bootstatus"), "0\n");
    mkdirSync(join(sys, "proc/device-tree/chosen/power"), { recursive: true });
    writeFileSync(join(sys, "proc/device-tree/chosen/power/power_reset"), Buffer.from([0, 0, 0, 2]));
    expect(readResetFacts(sys)).toEqual({ watchdog: false, underVoltage: true });
  });
});

describe("the run file", () => {
  it("leaves what the next run must know, with the floor of the clock as its own time", async () => {
    const path = join(root, "run.json");
    const failures: unknown[] = [];
    const open = () => openRunFile({ path, failed: (e) => failures.push(e) });
    const first = await open();
    expect(first.previous).toBeUndefined();
    const utcMs = Date.UTC(2026, 10, 23, 7);
    let ended = false;
    const stop = first.keep(() => ({
      boot: "boot-1",
      ended,
      undervoltage: false,
      utcMs,
      sent: { abcd1234: { log: 7 } },
    }));
    await first.keepNow();
    expect((await open()).previous).toMatchObject({ boot: "boot-1", ended: false, sent: { abcd1234: { log: 7 } } });
    ended = true;
    await stop();
    expect((await open()).previous).toMatchObject({ ended: true, utcMs });
    expect(statSync(path).mtimeMs).toBe(utcMs);
    expect(failures).toEqual([]);
  });

  it("that is damaged or cannot be written keeps nobody from starting, and is told once", async () => {
    const path = join(root, "broken.json");
    writeFileSync(path, '{"v":1,"boot":');
    expect((await openRunFile({ path, failed: () => undefined })).previous).toBeUndefined();
    const failures: unknown[] = [];
    const run = await openRunFile({ path: join(root, "no/such/folder/run.json"), failed: (e) => failures.push(e) });
    let utcMs = 1;
    const stop = run.keep(() => ({ ended: false, undervoltage: false, utcMs: utcMs++, sent: {} }));
    await run.keepNow();
    await run.keepNow();
    await stop();
    expect(failures.length).toBe(1);
  });
});

describe("the floor of the clock", () => {
  it("is the newest of what earlier runs knew, the certificates, and trusted time, and only rises", () => {
    execFileSync(
      "openssl",
      [
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
        ...["-subj", "/CN=u", "-keyout", "u.key", "-out", "u.crt"],
      ],
      { cwd: root, stdio: "pipe" },
    );
    const pem = readFileSync(join(root, "u.crt"), "utf8");
    const { fromMs, toMs } = validity(pem)!;
    expect(toMs - fromMs).toBe(2 * 86_400_000);
    let utcMs: number | undefined;
    const floor = createClockFloor({ previousMs: 5000, certificates: [pem, undefined, "none"], utcMs: () => utcMs });
    expect(floor.floorMs).toBe(fromMs);
    expect(floor.isPast(0)).toBe(true);
    expect(floor.isPast(fromMs + 1)).toBe(false);
    expect(floor.bestMs(0)).toBe(fromMs);
    utcMs = fromMs + 100_000;
    expect([floor.floorMs, floor.bestMs(0)]).toEqual([utcMs, utcMs]);
    utcMs = undefined;
    expect(floor.floorMs).toBe(fromMs + 100_000);
  });

  it("is what the script at boot sets a clock to that is before it, and only that", () => {
    const script = join(import.meta.dirname, "../../scripts/clock-floor");
    const spool = join(root, "spool");
    mkdirSync(spool);
    const run = () => execFileSync(script, [spool], { env: { ...process.env, SWATH_SET_CLOCK: "true" }, cwd: root });
    expect(run().toString()).toBe(""); // nothing is known yet
    const file = join(spool, "run.json");
    writeFileSync(file, "{}");
    utimesSync(file, new Date("2020-01-01T00:00:00Z"), new Date("2020-01-01T00:00:00Z"));
    expect(run().toString()).toBe("");
    utimesSync(file, new Date("2090-01-01T00:00:00Z"), new Date("2090-01-01T00:00:00Z"));
    expect(run().toString()).toContain("but it was 2090-01-01T00:00:00Z already");
  });

  it("sees that the clock was set", () => {
    const floor = createClockFloor({ previousMs: 0, certificates: [], utcMs: () => undefined });
    expect([
      floor.wasSet(0, 0),
      floor.wasSet(5000, 5000),
      floor.wasSet(1e12, 10_000),
      floor.wasSet(1e12 + 5000, 15_000),
    ]).toEqual([false, false, true, false]);
  });
});
