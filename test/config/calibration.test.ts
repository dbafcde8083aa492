import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import { buildDescriptor } from "../../src/config/descriptor.ts";
import { diffConfigs } from "../../src/config/diff.ts";
import { explainConfig } from "../../src/config/explain.ts";
import { signalOf } from "../../src/config/filters.ts";
import { loadConfig } from "../../src/config/load.ts";
import { createChain } from "../../src/dsp/chain.ts";
import { createStatBlock } from "../../src/dsp/stat-block.ts";
import { descriptorBody } from "../../src/model/record.ts";

const folder = mkdtempSync(join(tmpdir(), "swath-calibration-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The demo's unit file, which has a depth, a rotor and a track; paths made whole. */
const demo = readFileSync("config/demo.yaml", "utf8").replace(/^extends:.*$/m, "");
const WHO = "by: Sok Dara, at: 2026-11-20T07:00:00Z, machine: d85ms-demo, unit: demo-01";
const DEPTH = `kind: depth, ${WHO}, source: adc.a1, scale: 1.05, offset: -0.02, residualM: 0.003, uncertaintyM: 0.008, points: [[-0.2667, -0.3], [0.019, 0], [0.21, 0.2]]`;
const ARM = `leverArm: { ${WHO}, forwardM: -2.4, rightM: 0.1, upM: 3.15, uncertaintyM: 0.02 }`;
const NOW = Date.parse("2026-11-25T00:00:00Z");

function load(calibration: string, text = demo) {
  const file = join(folder, "unit.yaml");
  writeFileSync(file, `${text}\n${calibration}\n`);
  return loadConfig(file, { catalogue });
}

function refusal(calibration: string, text = demo): string {
  try {
    load(calibration, text);
  } catch (e) {
    return e instanceof Error ? e.message : String(e);
  }
  throw new Error("it was not refused");
}

const depthOf = (body: string) => `calibration: { channels: { tool_depth: { ${body} } } }`;

describe("a calibration in the unit file", () => {
  it("is the last step of its channel: what is published is scale × reading + offset", () => {
    const channel = load(depthOf(DEPTH)).channels.find((c) => c.column === "tool_depth")!;
    expect(channel.filters.at(-1)).toEqual({ calibrate: { scale: 1.05, offset: -0.02 } });
    const chain = createChain(channel.filters.slice(-1), { ...signalOf(channel.source, 30), capacity: 4 });
    const block = createStatBlock(4);
    block.n = 1;
    block.x[0] = 0.21;
    expect(chain.process(block).x[0]).toBeCloseTo(0.2005, 6);
    expect(channel.spec.range[1]).toBeCloseTo(1.05 * 0.6 - 0.02, 9);
  });

  it("stands before a deadband, so that the band is in true metres", () => {
    const text = demo.replace("    from: adc.a1\n", "    from: adc.a1\n    deadband: 0.01\n");
    const names = load(depthOf(DEPTH), text).channels.find((c) => c.column === "tool_depth")!.filters;
    expect(names.map((f) => Object.keys(f)[0]).slice(-2)).toEqual(["calibrate", "deadband"]);
  });

  it("takes the mounting of an angle off, and scales a rotor's speed that is not counted", () => {
    const axes = ["x", "y", "z"].map((a) => `${a}: shock_${a}`).join(", ");
    const text = demo.replace("channels:\n", `channels:\n  pitch: { from: { pitch: { ${axes} } } }\n`);
    const config = load("", text);
    const source = config.channels.find((c) => c.column === "pitch")!.key;
    const tilt = `pitch: { kind: tilt, ${WHO}, source: ${JSON.stringify(source)}, offsetDeg: 1.5, slopeDeg: 0.2, uncertaintyDeg: 0.1 }`;
    const rotor = `rotor_speed: { kind: rotor, ${WHO}, source: adc.a0, method: tachometer, scale: 0.98, uncertainty: 0.01 }`;
    const found = load(`calibration: { channels: { ${tilt}, ${rotor} } }`, text).channels;
    expect(found.find((c) => c.column === "pitch")!.filters.at(-1)).toEqual({ offset: { value: -1.5 } });
    expect(found.find((c) => c.column === "rotor_speed")!.filters.at(-1)).toEqual({ calibrate: { scale: 0.98 } });
  });

  it("is refused on another machine, with another sensor, for a channel that is not there, in a wrong unit, off its own points", () => {
    expect(refusal(depthOf(DEPTH), demo.replace("machine: d85ms-demo", "machine: d85ms-4"))).toMatch(
      /calibration\.channels\.tool_depth\.machine: it was measured on machine d85ms-demo, and this is d85ms-4/,
    );
    expect(refusal(depthOf(DEPTH.replace("adc.a1", "adc.a2")))).toMatch(
      /measured with adc\.a2, and the channel comes from adc\.a1/,
    );
    expect(refusal(depthOf(DEPTH).replace("tool_depth", "tool_dept"))).toMatch(/no channel "tool_dept".*"tool_depth"/);
    expect(refusal(depthOf(DEPTH.replace("adc.a1", "adc.a3")).replace("tool_depth", "hyd_pressure"))).toMatch(
      /hyd_pressure is in kPa, a depth is in m/,
    );
    expect(refusal(depthOf(DEPTH.replace("offset: -0.02", "offset: -0.2")))).toMatch(/points lie up to 0\.18\d? m off/);
    expect(refusal(depthOf(DEPTH.replace("scale: 1.05", "scale: 0")))).toMatch(/number other than 0/);
    expect(refusal(depthOf(DEPTH.replace("by: Sok Dara, ", "")))).toMatch(/by: is missing/);
    expect(refusal(`calibration: { ${ARM.replace("upM: 3.15", "upM: 315")} }`)).toMatch(
      /upM: found 315, expected at most 10/,
    );
  });

  it("of a pulse count must say what the option of the part says", () => {
    const file = resolve("config/example-board.yaml");
    const text = readFileSync(file, "utf8").replace(/^extends: /m, `extends: ${resolve("config")}/`);
    const board = text.replace(/^extends:.*$/m, "");
    const config = load("", board);
    const channel = config.channels.find((c) => c.spec.unit === "rpm" && c.part !== "")!;
    const rotor = (pulses: number) =>
      `calibration: { channels: { ${channel.column}: { kind: rotor, ${WHO.replace("d85ms-demo", config.machine)}, source: ${channel.part}.${channel.key}, method: turns, pulsesPerRevolution: ${pulses}, uncertainty: 0 } } }`;
    expect(refusal(rotor(9999), board)).toMatch(/pulsesPerRevolution is \d+: one of the two is wrong/);
  });

  it("changes the hash of the configuration, and is in the descriptor with who, when and how good", () => {
    const before = load("");
    const after = load(`${depthOf(DEPTH).slice(0, -2)}, ${ARM} }`.replace("} , leverArm", "}, leverArm"));
    expect(after.hash).not.toBe(before.hash);
    const { body, hash } = buildDescriptor(after);
    expect(descriptorBody.parse(body)).toEqual(body);
    expect(hash).not.toBe(buildDescriptor(before).hash);
    expect(body.channels["tool_depth"]!.calibration).toEqual({
      kind: "depth",
      by: "Sok Dara",
      at: "2026-11-20T07:00:00Z",
      unit: "demo-01",
      uncertainty: 0.008,
    });
    expect(body.channels["engine_speed"]!.calibration).toBeUndefined();
    expect(body.leverArm).toMatchObject({ forwardM: -2.4, upM: 3.15 });
    expect(
      diffConfigs(before, after)
        .filter((c) => c.topic === "calibration")
        .map((c) => c.name),
    ).toEqual(["tool_depth", "leverArm"]);
  });

  it("is told by swath check: what is missing, what is old, and what another unit measured", () => {
    const missing = explainConfig(load(""), NOW).filter((l) => l.includes("NOT CALIBRATED"));
    expect(missing).toEqual([
      "  NOT CALIBRATED (depth): tool_depth",
      "  NOT CALIBRATED (rotor): rotor_speed",
      "  NOT CALIBRATED (lever arm): where the antenna is",
    ]);
    const config = load(`calibration: { maxAgeDays: 30, channels: { tool_depth: { ${DEPTH} } }, ${ARM} }`);
    const fresh = explainConfig(config, NOW).join("\n");
    expect(fresh).toContain("tool_depth: depth × 1.05 − 0.02 m from 3 readings, 3 mm off the line at worst, ± 8 mm");
    expect(fresh).toContain("by Sok Dara on 2026-11-20");
    expect(fresh).not.toMatch(/OLD|FUTURE|ANOTHER UNIT|NOT CALIBRATED \((depth|lever)/);
    expect(explainConfig(config, NOW + 60 * 86_400_000).join("\n")).toContain("OLD: 64 days ago, at most 30");
    expect(explainConfig(config, NOW - 60 * 86_400_000).join("\n")).toContain("IN THE FUTURE");
    const swapped = load(depthOf(DEPTH), demo.replace("unit: demo-01", "unit: demo-02"));
    expect(explainConfig(swapped, NOW).join("\n")).toContain("WITH ANOTHER UNIT, demo-01");
  });
});
