import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { vedirect } from "../../devices/vedirect.ts";
import { encodeVeDirect } from "../../src/codec/vedirect.ts";
import { QUALITY } from "../../src/model/quality.ts";
import { serialRig } from "./serial-rig.ts";

interface Golden {
  cases: { title: string; text: string; expect: Record<string, number | null> }[];
}
const golden = JSON.parse(readFileSync(resolve(import.meta.dirname, "../golden/vedirect.json"), "utf8")) as Golden;

describe("a battery monitor over VE.Direct", () => {
  it.each(golden.cases)("reads $title", ({ text, expect: wanted }) => {
    const { scans, send, source } = serialRig(vedirect);
    send(text);
    expect(scans).toHaveLength(1);
    expect(Object.keys(scans[0]!.x).sort()).toEqual(Object.keys(wanted).sort());
    for (const [key, x] of Object.entries(wanted)) {
      if (x === null) expect(scans[0]!.q[key], key).toBe(QUALITY.missing);
      else {
        expect(scans[0]!.x[key], key).toBeCloseTo(x, 6);
        expect(scans[0]!.q[key], key).toBe(0);
      }
    }
    expect(source.counters).toMatchObject({ blocks: 1, badChecksum: 0, badFields: 0, junkBytes: 0 });
    expect(source.verified).toBe("sentences");
  });

  it("publishes nothing of a block whose sum is wrong, and counts it", () => {
    const { scans, send, source } = serialRig(vedirect);
    const block = encodeVeDirect([["V", "12000"]]);
    block[5]! ^= 1;
    send(block);
    expect(scans).toEqual([]);
    expect(source.counters).toMatchObject({ blocks: 0, badChecksum: 1 });
  });

  it("keeps the fields it understands when one is no number, and counts that one", () => {
    const { scans, send, source } = serialRig(vedirect);
    send(encodeVeDirect(Object.entries({ V: "12000", I: "abc", Alarm: "MAYBE" })));
    expect(scans[0]!.x).toEqual({ voltage: 12 });
    expect(source.counters).toMatchObject({ badFields: 2 });
  });

  it("says when it falls silent, when only noise comes, and when it is back", () => {
    const { run, send, states, link, source } = serialRig(vedirect);
    const block = encodeVeDirect([["V", "12000"]]);
    for (let i = 0; i < 3; i++) send(block);
    run(4000);
    for (let i = 0; i < 3; i++) send(block);
    for (let i = 0; i < 16; i++) {
      run(250, undefined, 250);
      send("noise");
    }
    for (let i = 0; i < 3; i++) send(block);
    link.pull();
    link.plug();
    expect(states).toEqual([
      "starting: opened",
      "running: blocks",
      "degraded: silent",
      "running: blocks",
      "degraded: no-blocks",
      "running: blocks",
      "failed: bus/closed",
      "starting: opened",
    ]);
    expect(source.counters).toMatchObject({ silences: 2, linkFailures: 1 });
  });

  it("gives through its twin what went in, on every channel, and nothing where the scene knows nothing", () => {
    const wanted: Record<string, number> = {};
    const { channels } = vedirect.plan({});
    for (const [key, { range, resolution }] of Object.entries(channels)) {
      const lo = Math.max(range[0], -4e9);
      wanted[key] = Math.round((lo + 0.6 * (Math.min(range[1], 4e9) - lo)) / resolution) * resolution;
    }
    for (const key of ["alarm", "relay", "load"]) wanted[key] = 1;
    delete wanted["power"];
    const { run, scans, send } = serialRig(vedirect);
    const twin = vedirect.plan({}).twin!({ startMs: 1000, value: (key) => wanted[key], send });
    run(1100, twin);
    expect(scans.at(-1)!.q["power"]).toBe(QUALITY.missing);
    for (const [key, x] of Object.entries(wanted)) expect(scans.at(-1)!.x[key], key).toBeCloseTo(x, 6);
  });
});
