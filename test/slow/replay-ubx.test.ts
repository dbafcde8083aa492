import { describe, expect, it } from "vitest";
import { readUbx } from "../codec/ubx-run.ts";
import { pieces, someCuts } from "../device/serial-rig.ts";
import { hasRecordings, loadRecording } from "./gnss-witness.ts";

/** Recordings of UBX, and how many epochs each has of which the witness knows the time. */
const UBX = [
  { name: "ublox-zed-f9p-rtk", fixes: 10, times: 9, quality: 5 },
  { name: "ublox-neo-m8u", fixes: 3, times: 2, quality: 2 },
] as const;

describe.runIf(hasRecordings())("recorded UBX", () => {
  it.each(UBX)("of $name says where, when and how well as its witness does", ({ name, fixes, times, quality }) => {
    const { bytes, witness } = loadRecording(name);
    const got = readUbx([bytes]);
    expect(got.counters).toMatchObject({ badChecksum: 0, tooLong: 0 });
    expect(got.fixes).toHaveLength(fixes);
    expect(witness).toHaveLength(times);
    const byTime = new Map(got.fixes.map((fix) => [fix.utcMs, fix]));
    for (const { utcMs, lat, lon, mode } of witness) {
      const fix = byTime.get(utcMs);
      const at = new Date(utcMs).toISOString();
      expect(fix, at).toMatchObject({ mode, quality });
      expect(Math.abs(fix!.lat - lat!), at).toBeLessThan(1e-9);
      expect(Math.abs(fix!.lon - lon!), at).toBeLessThan(1e-9);
    }
  });

  it.each(UBX)("of $name gives the same whole, byte by byte, and cut at random", ({ name }) => {
    const { bytes } = loadRecording(name);
    const whole = readUbx([bytes]);
    expect(readUbx(pieces(bytes, [...bytes.keys()]))).toEqual(whole);
    for (let seed = 1; seed <= 5; seed++) expect(readUbx(pieces(bytes, someCuts(bytes.length, seed)))).toEqual(whole);
  });
});
