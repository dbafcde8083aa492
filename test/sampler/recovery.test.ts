import { describe, expect, it } from "vitest";
import type { Note } from "../../src/link/frame.ts";
import type { HookEnd } from "../../src/sampler/hook-run.ts";
import { createRecovery, type RecoverySpec } from "../../src/sampler/recovery.ts";

const SPEC: RecoverySpec = {
  buses: {
    i2c1: { port: "/dev/i2c-1", hooks: { busClear: "/h/clear", powerCycle: "/h/power" } },
    gnss: { port: "/dev/ttyACM0" },
  },
  parts: [
    { name: "shock", bus: "i2c1", hooks: { powerCycle: "/h/shock" } },
    { name: "adc", bus: "i2c1" },
    { name: "gnss", bus: "gnss" },
  ],
};

function rig(ending: HookEnd = { outcome: "done", code: 0 }, takesMs = 500) {
  let nowMs = 0;
  const runs: string[] = [];
  const notes: Note[] = [];
  const pending: { atMs: number; end: () => void }[] = [];
  const recovery = createRecovery(SPEC, {
    nowMs: () => nowMs,
    note: (note) => notes.push(note),
    start(path, args, _limitMs, onEnd) {
      runs.push(`${nowMs / 1000} ${[path, ...args].join(" ")}`);
      pending.push({ atMs: nowMs + takesMs, end: () => onEnd(ending) });
    },
  });
  return {
    recovery,
    runs,
    notes,
    run(toS: number) {
      for (; nowMs < toS * 1000; nowMs += 100) {
        while (pending[0] !== undefined && pending[0].atMs <= nowMs) pending.shift()!.end();
        if (recovery.due.dueMs <= nowMs) recovery.due.step(nowMs);
      }
    },
  };
}

describe("the last rungs of the recovery ladder", () => {
  it("runs nothing while parts are well, being found, or were never there", () => {
    const { recovery, runs, run } = rig();
    recovery.state("shock", "running", "settled");
    recovery.state("adc", "absent", "bus/no-ack");
    recovery.state("gnss", "degraded", "silent");
    run(500);
    expect(runs).toEqual([]);
  });

  it("clears a bus that hangs at once, and takes the power away when that did not help", () => {
    const { recovery, runs, run, notes } = rig();
    recovery.state("adc", "running", "settled");
    run(100);
    recovery.state("adc", "failed", "bus/timeout");
    run(120);
    expect(runs).toEqual(["100 /h/clear /dev/i2c-1", "115 /h/power /dev/i2c-1"]);
    expect(notes).toMatchObject([
      { name: "recovery_hook", severity: "info", source: "adc", detail: { hook: "busClear", outcome: "done" } },
      { name: "recovery_hook", severity: "info", source: "adc", detail: { hook: "powerCycle", bus: "i2c1" } },
    ]);
    expect(recovery.counters("adc")).toEqual({ busClears: 1, powerCycles: 1 });
  });

  it("stops when the part runs again", () => {
    const { recovery, runs, run } = rig();
    recovery.state("adc", "failed", "bus/timeout");
    run(10);
    recovery.state("adc", "running", "settled");
    run(4000);
    expect(runs).toHaveLength(1);
  });

  it("takes a part's own hook before that of its bus", () => {
    const { recovery, runs, run } = rig();
    recovery.state("shock", "failed", "device/readback");
    run(20);
    expect(runs).toEqual(["15 /h/shock /dev/i2c-1 shock"]);
  });

  it.each([
    ["a sensor that froze", "degraded", "device/stuck", true],
    ["a part that was there and went", "absent", "bus/no-ack", true],
    ["noise on the wires", "degraded", "bus/crc", false],
    ["another part at the address", "failed", "device/stranger", false],
    ["a missing permission", "failed", "bus/denied", false],
  ] as const)("for %s: %s, %s → power away: %s", (_, state, reason, wanted) => {
    const { recovery, runs, run } = rig();
    recovery.state("shock", "running", "settled");
    recovery.state("shock", state, reason);
    run(40);
    expect(runs.length > 0).toBe(wanted);
  });

  it("runs a hook that does not help less and less often, never twice at once, and counts its failures", () => {
    const { recovery, runs, run, notes } = rig({ outcome: "failed", code: 3 }, 9000);
    recovery.state("shock", "failed", "bus/io");
    run(24 * 3600);
    const atS = runs.map((r) => Number(r.split(" ")[0]));
    const waits = atS.slice(1).map((s, i) => Math.round(s - atS[i]!));
    expect(waits.slice(0, 7)).toEqual([60, 120, 240, 480, 960, 1920, 3600]);
    expect(Math.max(...waits)).toBe(3600);
    expect(recovery.counters("shock")).toEqual({ powerCycles: runs.length, hookFailures: runs.length });
    expect(notes[0]).toMatchObject({ severity: "warning", detail: { outcome: "failed", code: 3, tookMs: 9000 } });
  });

  it("lets parts that share a bus share the limit of its hook", () => {
    const { recovery, runs, run } = rig();
    recovery.state("adc", "failed", "bus/timeout");
    recovery.state("shock", "failed", "bus/timeout");
    run(14);
    expect(runs).toHaveLength(1);
  });
});
