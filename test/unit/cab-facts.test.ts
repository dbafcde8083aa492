import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import { loadConfig } from "../../src/config/load.ts";
import { QUALITY } from "../../src/model/quality.ts";
import type { SourceHealth, StateMessage } from "../../src/model/record.ts";
import { type CabFacts, createCabFacts } from "../../src/unit/cab-facts.ts";
import { createTimebase } from "../../src/unit/timebase.ts";

const dir = realpathSync(mkdtempSync(join(tmpdir(), "swath-cab-")));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const file = join(dir, "unit.yaml");
writeFileSync(
  file,
  `extends: ${JSON.stringify(relative(dir, join(import.meta.dirname, "../../config/demo.yaml")))}\ncab: {}\nbroker: { url: "mqtt://127.0.0.1" }\n`,
);
const config = loadConfig(file, { catalogue });
const tables = [
  {
    kind: "telemetry" as const,
    columns: ["rotor_speed.mean", "rotor_speed.min", "tool_depth.mean"].map((name) => ({ name, resolution: 0.001 })),
  },
  {
    kind: "track" as const,
    columns: ["lat", "lon", "speed", "fix_mode", "fix_quality", "satellites"].map((name) => ({
      name,
      resolution: 0.001,
    })),
  },
];

let nowMs: number;
let sources: Record<string, SourceHealth>;
let candidateMs: number | undefined;
let bundle: StateMessage["bundle"];
let facts: CabFacts;
beforeEach(() => {
  nowMs = 1_000_000;
  sources = {};
  candidateMs = undefined;
  bundle = undefined;
  facts = createCabFacts({
    config,
    cab: config.cab!,
    tables,
    timebase: createTimebase(),
    source: {
      nowMs: () => nowMs,
      lamp: () => "ok",
      sampler: () => "running",
      bundle: () => bundle,
      stick: () => null,
      sources: () => sources,
      openCandidate: () => candidateMs,
      hq: () => ({ connected: false, unsent: 0, lastAckS: null, spool: "ok" }),
    },
  });
});

function telemetry(rotorRpm: number, depthM: number, q = 0): void {
  facts.row({
    table: 0,
    monoMs: nowMs,
    values: Float64Array.of(rotorRpm, rotorRpm, depthM),
    q: Uint16Array.of(q, 0, 0),
  });
}

function fix(quality: number, speedMps = 0.14, mode = 3): void {
  const lat = quality === 0 ? Number.NaN : 12.5;
  const values = Float64Array.of(lat, lat, speedMps, mode, quality, 17);
  facts.row({ table: 1, monoMs: nowMs, values, q: new Uint16Array(6) });
}

describe("what the page in the cab shows", () => {
  it("is nothing at all before the first row, and no zero", () => {
    const view = facts.view();
    expect(view).toMatchObject({
      work: "unknown",
      depth: { value: null, target: 0.2, verdict: "none" },
      rotor: { value: null, target: 200, verdict: "none" },
      speed: { value: null, verdict: "none" },
      gnss: { fix: "silent", satellites: null },
      clock: { trust: "none", utcMs: null },
    });
  });

  it("judges depth, speed and rotor while the tool works", () => {
    fix(4, 0.2);
    telemetry(150, 0.15);
    expect(facts.view()).toMatchObject({
      work: "working",
      depth: { value: 0.15, verdict: "low" },
      speed: { value: 0.2, verdict: "high" },
      rotor: { value: 150, verdict: "low" },
    });
    fix(4, 0.14);
    telemetry(198, 0.2);
    expect(facts.view()).toMatchObject({
      depth: { verdict: "good" },
      speed: { verdict: "good" },
      rotor: { verdict: "good" },
    });
  });

  it("judges nothing while the machine only drives", () => {
    fix(4, 1.5);
    telemetry(0, -0.4);
    const { work, depth, speed, rotor } = facts.view();
    expect([work, depth.verdict, speed.verdict, rotor.verdict]).toEqual(["idle", "none", "none", "none"]);
  });

  it.each([
    ["suspect", QUALITY.suspect | QUALITY.range],
    ["missing", QUALITY.missing],
    ["stale", QUALITY.stale],
  ])("takes no %s value for a figure", (_name, q) => {
    telemetry(200, 0.2, q);
    expect(facts.view()).toMatchObject({ work: "unknown", rotor: { value: null } });
  });

  it("drops what is old instead of showing it on", () => {
    fix(4);
    telemetry(200, 0.2);
    nowMs += 10_000;
    expect(facts.view()).toMatchObject({ depth: { value: null }, gnss: { fix: "silent" }, work: "unknown" });
  });

  it.each([
    [0, 1, "no_fix"],
    [1, 2, "2d"],
    [1, 3, "3d"],
    [2, 3, "dgnss"],
    [5, 3, "float"],
    [4, 3, "fixed"],
  ] as const)("names quality %i, mode %i %s", (quality, mode, name) => {
    fix(quality, 0, mode);
    expect(facts.view().gnss).toEqual({ fix: name, satellites: 17 });
    expect(facts.gnssFix()).toBe(name === "no_fix" ? "no_fix" : "fix");
  });

  it("says which signed configuration runs and what became of the newest one, and nothing where none is signed", () => {
    expect(facts.view().bundle).toBeNull();
    bundle = {
      serial: 7,
      trial: false,
      refused: "serial 8: it is older than what was here",
      rehearsal: "28 s of the rings",
    };
    expect(facts.view().bundle).toEqual(bundle);
  });

  it("lists what needs a hand first", () => {
    const health = (state: SourceHealth["state"]): SourceHealth => ({
      state,
      part: "adxl375",
      verified: "id",
      counters: {},
    });
    sources = { a: health("running"), b: health("degraded"), c: health("failed"), d: health("absent") };
    expect(facts.view().sources.map((s) => s.name)).toEqual(["c", "d", "b", "a"]);
  });

  it("asks about a shock that nobody has judged, and shows marks of the key beside its own", () => {
    expect(facts.view().question).toBeNull();
    candidateMs = nowMs - 90_000;
    expect(facts.view().question).toEqual({ agoS: 90 });
    facts.event({ name: "mark", mono: nowMs, detail: { kind: "breakdown", origin: "key" } });
    facts.event({ name: "mark", mono: nowMs, detail: { kind: "start_engine", origin: "key" } });
    expect(facts.view().marks.map((m) => m.kind)).toEqual(["breakdown"]);
  });

  it("keeps the last twenty marks, newest first, and counts candidates", () => {
    for (let i = 0; i < 25; i++) facts.marked(i === 24 ? "breakdown" : "standby", nowMs + i);
    facts.event({ name: "detonation_candidate", mono: nowMs, detail: {} });
    facts.event({ name: "source_state", mono: nowMs, detail: {} });
    const view = facts.view();
    expect(view.marks.length).toBe(20);
    expect(view.marks[0]!.kind).toBe("breakdown");
    expect(view.shift.candidates).toBe(1);
  });
});
