import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { newestRecording, rehearse } from "../../src/unit/rehearsal.ts";
import { runSwath } from "../rigs/unit.ts";

const entry = resolve(import.meta.dirname, "../../dist/src/unit/rehearsal-main.js");
const never = new Promise<void>(() => undefined);
let dir: string;
const dirs = () => [join(dir, "none"), join(dir, "recordings")];

function unitFile(channel: object, detectors = {}): { name: string; text: string }[] {
  const config = {
    org: "test",
    unit: "unit-1",
    machine: "machine-1",
    broker: { url: "mqtt://127.0.0.1:1" },
    buses: { i2c1: { kind: "i2c", device: 1, clockHz: 400000 } },
    parts: { shock: { part: "adxl375", bus: "i2c1", address: 0x1d, options: { mode: "stream", odrHz: 800 } } },
    channels: { shock_x: { from: "shock.shockX", label: "Shock", ...channel } },
    detectors,
    rows: { everyMs: 500, batch: 4 },
    simulation: { seed: 3 },
  };
  return [{ name: "unit.yaml", text: JSON.stringify(config) }];
}
const before = unitFile({ stats: ["mean"] });

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "swath-rehearsal-"));
  mkdirSync(join(dir, "recordings"));
  writeFileSync(join(dir, "unit.yaml"), before[0]?.text ?? "");
  const out = join(dir, "recordings/day.rec");
  const { code } = await runSwath(["record", "--config", join(dir, "unit.yaml"), "--out", out, "--for", "10"]);
  expect(code).toBe(0);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A process in place of the one that replays. */
function script(text: string): string {
  const path = join(dir, "script.mjs");
  writeFileSync(path, text);
  return path;
}

it("says what the new configuration makes of the recording, while this process goes on", async () => {
  let longestMs = 0;
  let last = performance.now();
  const beat = setInterval(() => {
    longestMs = Math.max(longestMs, performance.now() - last);
    last = performance.now();
  }, 5);
  const began = performance.now();
  const after = unitFile(
    { stats: ["mean", "max"] },
    { knock: { limit: { channel: "shock_x", above: 0.2, releaseAt: 0 } } },
  );
  const got = await rehearse({ entry, dirs: dirs(), before, after, asked: never });
  const tookMs = performance.now() - began;
  clearInterval(beat);
  expect(got?.refused).toBeUndefined();
  expect(got?.lines[0]).toBe("Rehearsed with day.rec:");
  expect(got?.lines.join("\n")).toMatch(/columns that come: \S+max/);
  expect(got?.lines.join("\n")).toMatch(/new: .* knock/);
  expect(got?.lines.at(-1)).toMatch(/^ {2}and \d+ lines more$/);
  expect(got?.lines.length).toBeLessThanOrEqual(61);
  expect(got?.summary).toMatch(/^10 s of recording: 0 columns differ, 0 go, 1 come; 0 events are gone, \d+ are new$/);
  expect(longestMs).toBeLessThan(tookMs / 2);
  const same = await rehearse({ entry, dirs: dirs(), before, after: before, asked: never });
  expect(same?.lines.join("\n")).toMatch(/no shared column differs\n {2}the events are the same/);
});

it("refuses a configuration that throws where the one that runs does not, and none that throws where both do", async () => {
  const broken = [{ name: "unit.yaml", text: "org: x\n" }];
  const got = await rehearse({ entry, dirs: dirs(), before, after: broken, asked: never });
  expect(got?.refused).toMatch(/it throws when day.rec is replayed/);
  const both = await rehearse({ entry, dirs: dirs(), before: broken, after: broken, asked: never });
  expect(both).toMatchObject({ summary: expect.stringMatching(/^not rehearsed, day.rec: /) });
  expect(both?.refused).toBeUndefined();
});

it.each([
  ["goes on for ever", "for (;;);", 500, /not through after 0.5 s/],
  ["crashes", "process.exit(9)", 20_000, /ended with 9/],
  ["eats memory", "const all = []; for (;;) all.push(new Array(1e6).fill({}));", 60_000, /ended with/],
  ["says nothing", "", 20_000, /gave no answer/],
  ["says too much", "const go = () => process.stdout.write('x'.repeat(1e5), go); go();", 20_000, /too much/],
])("a replay that %s blocks nothing, and is told", async (_, text, limitMs, words) => {
  const got = await rehearse({ entry: script(text), dirs: dirs(), before, after: before, asked: never, limitMs });
  expect(got?.refused).toBeUndefined();
  expect(got?.summary).toMatch(words);
});

it("refuses one that makes nothing usable of a channel, says which, and what to do", async () => {
  const after = unitFile({ stats: ["mean"], filters: [{ plausible: { max: -1e6 } }] });
  const got = await rehearse({ entry, dirs: dirs(), before, after, asked: never });
  expect(got?.refused).toMatch(
    /^replayed with day.rec: all \d+ values of shock_x are marked unusable, .* deliver it again while it works$/,
  );
});

it("says why the rings could not be had, and what came of them that are none", async () => {
  const none = [join(dir, "none")];
  const missing = { missing: "no sampler is there" };
  const got = await rehearse({ entry, dirs: none, rings: missing, before, after: before, asked: never });
  expect(got).toEqual({
    summary: "not rehearsed, the rings: no sampler is there",
    lines: ["not rehearsed, the rings: no sampler is there"],
  });
  const frames = [new Uint8Array(64)];
  const damaged = await rehearse({ entry, dirs: none, rings: { frames }, before, after: before, asked: never });
  expect(damaged?.summary).toMatch(/not rehearsed, the rings: this is not what a sampler tells/);
});

it("is given up when the unit is to end", async () => {
  const asked = Promise.resolve();
  const got = await rehearse({ entry: script("for (;;);"), dirs: dirs(), before, after: before, asked });
  expect(got?.summary).toContain("the unit was asked to end");
});

it("takes the newest plain recording, no link; one that is none is told", async () => {
  expect(await newestRecording([join(dir, "none")])).toBeUndefined();
  expect(await rehearse({ entry, dirs: [join(dir, "none")], before, after: before, asked: never })).toBeUndefined();
  symlinkSync("/etc/passwd", join(dir, "recordings/link.rec"));
  const old = join(dir, "recordings/old.rec");
  writeFileSync(old, "");
  utimesSync(old, 1000, 1000);
  expect(await newestRecording(dirs())).toBe(join(dir, "recordings/day.rec"));
  const bad = join(dir, "recordings/new.rec");
  writeFileSync(bad, "SWREC 1\n");
  truncateSync(bad, 1e9);
  utimesSync(bad, Date.now() / 1000 + 60, Date.now() / 1000 + 60);
  const got = await rehearse({ entry, dirs: dirs(), before, after: before, asked: never });
  expect(got?.summary).toMatch(/not rehearsed, new.rec: this is no recording/);
});
