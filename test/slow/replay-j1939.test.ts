import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { j1939Slcan } from "../../devices/j1939-slcan.ts";
import { encodeSlcanHeard } from "../../src/codec/slcan.ts";
import { pieces, serialRig, someCuts } from "../device/serial-rig.ts";

const FILE = resolve(import.meta.dirname, "../../../shared/data/j1939/truck-key-on.candump");
const there = existsSync(FILE);
if (!there) console.log(`recording not found: ${FILE}`);

function stream(): Uint8Array {
  const frames = readFileSync(FILE, "latin1").matchAll(/can0 ([0-9A-F]{8})#([0-9A-F]*)/g);
  return Buffer.concat([...frames].map((m) => encodeSlcanHeard(Number.parseInt(m[1]!, 16), Buffer.from(m[2]!, "hex"))));
}

function replay(chunks: Uint8Array[]) {
  const { run, send, scans, samples, source } = serialRig(j1939Slcan, { dialect: "lawicel" });
  run(150);
  for (const answer of ["V1013\r", "\r", "\r"]) send(answer);
  for (const chunk of chunks) send(chunk);
  return { scans, samples, counters: { ...source.counters } };
}

/** Values that the recording has, as the reference sheet reads them. */
const VALUES: Record<string, number> = {
  engineSpeed: 0,
  coolantTemp: 11,
  oilTemp: 10.125,
  fuelPressure: 1000,
  oilPressure: 0,
  coolantLevel: 99.6,
  fuelLevel: 81.6,
  batteryVoltage: 11.2,
  keyVoltage: 10.9,
  barometer: 98.5,
  ambientTemp: -256,
};

describe.runIf(there)("a recorded truck bus", () => {
  it("decodes to the values of the reference sheet, errors and absent values kept apart", () => {
    const { samples, counters } = replay([stream()]);
    expect(counters).toMatchObject({ canFrames: 1587, malformed: 0, tooLong: 0, standard: 0, early: 0 });
    for (const [key, x] of Object.entries(VALUES)) {
      const got = samples[key]?.map((s) => s.x) ?? [];
      expect(
        got.some((y) => Math.abs(y - x) < 0.11),
        `${key} ${got.slice(0, 5).join(" ")}`,
      ).toBe(true);
    }
    // Errors of the fuel temperature; a second address that has no engine speed never hides that of the first.
    expect(new Set(samples["fuelTemp"]?.map((s) => s.q))).toEqual(new Set([136]));
    expect(new Set(samples["engineSpeed"]?.map((s) => s.q))).toEqual(new Set([0]));
    expect(new Set(samples["ambientTemp"]?.map((s) => s.q))).toEqual(new Set([20]));
    expect(counters["dm1"]).toBeGreaterThan(5);
  });

  it("gives the same for any chunking of the text", () => {
    const bytes = stream();
    const whole = replay([bytes]);
    for (let seed = 1; seed <= 3; seed++) expect(replay(pieces(bytes, someCuts(bytes.length, seed)))).toEqual(whole);
    expect(replay(pieces(bytes, [...bytes.keys()]))).toEqual(whole);
  });
});
