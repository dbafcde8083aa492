import { describe, expect, it } from "vitest";
import { receive } from "../codec/nmea-run.ts";
import { hasRecordings, loadRecording } from "./gnss-witness.ts";

const DAY_MS = 86_400_000;

/** Recordings of NMEA 0183, the least day to believe of each, and how many of its times the witness knows. */
const NMEA = [
  { name: "april6_2019", floor: "1990-01-01", fixes: 3, times: 1 },
  { name: "hemi", floor: "2014-01-01", fixes: 215, times: 118 },
  { name: "neo-m8n", floor: "2014-01-01", fixes: 23, times: 22 },
  { name: "nmea-fuzzy-cases", floor: "2014-01-01", fixes: 14, times: 14 },
  { name: "nmea-rtk", floor: "2014-01-01", fixes: 122, times: 122 },
  { name: "ublox-zed-f9p-nmea", floor: "2014-01-01", fixes: 29, times: 29 },
] as const;

/** Places to cut, the same at every run. */
function someCuts(length: number, seed: number): number[] {
  const cuts: number[] = [];
  let x = seed;
  for (let at = 0; at < length; at += 1 + (x % 257)) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) & 0x7fffffff;
    cuts.push(at);
  }
  return cuts;
}

describe.runIf(hasRecordings())("recorded NMEA 0183", () => {
  it.each(NMEA)("of $name says where, when and how well as its witness does", ({ name, floor, fixes, times }) => {
    const { bytes, witness } = loadRecording(name);
    const got = receive(bytes, [], floor);
    expect(got.fixes).toHaveLength(fixes);
    expect(witness).toHaveLength(times);
    expect(got.counters).toMatchObject({ late: 0, badChecksum: 0, implausibleDate: 0, notLive: 0 });
    // No recording spans midnight, so the time of day names the epoch; half of hemi's have no date sentence.
    const byTime = new Map(got.fixes.map((fix) => [fix.todMs, fix]));
    for (const { utcMs, lat, lon, mode } of witness) {
      const at = new Date(utcMs).toISOString();
      const fix = byTime.get(utcMs % DAY_MS);
      expect(fix?.mode, at).toBe(mode);
      if (!Number.isNaN(fix!.utcMs)) expect(Math.abs(fix!.utcMs - utcMs), at).toBeLessThanOrEqual(1);
      if (!Number.isNaN(fix!.dateMs)) expect(fix!.dateMs + fix!.todMs, at).toBe(utcMs);
      if (lat === undefined || lon === undefined) expect(fix!.lat, at).toBeNaN();
      else {
        expect(Math.abs(fix!.lat - lat), at).toBeLessThan(1e-7);
        expect(Math.abs(fix!.lon - lon), at).toBeLessThan(1e-7);
      }
    }
    const timed = got.fixes.filter((fix) => !Number.isNaN(fix.utcMs)).length;
    // hemi dates whole seconds only, and has a fix at its last three; the others date every fix but april6's unreadable one.
    expect(timed).toBe({ april6_2019: 1, hemi: 3 }[name as string] ?? fixes);
  });

  it.each(NMEA)("of $name gives the same whole, byte by byte, and cut at random", ({ name, floor }) => {
    const { bytes } = loadRecording(name);
    const whole = receive(bytes, [], floor);
    expect(receive(bytes, [...bytes.keys()], floor)).toEqual(whole);
    for (let seed = 1; seed <= 5; seed++) expect(receive(bytes, someCuts(bytes.length, seed), floor)).toEqual(whole);
  });

  it("of ublox-zed-f9p-nmea sees the satellites of four constellations, each on two signals, and errors in metres", () => {
    const { fixes } = receive(loadRecording("ublox-zed-f9p-nmea").bytes, [], "2014-01-01");
    expect(fixes.at(-1)).toMatchObject({ satsInView: 12 + 10 + 9 + 10, sigmaLat: 2.4, sigmaLon: 3.5, sigmaAlt: 4.2 });
  });

  it("of april6_2019 tells no time when no day before 2014 is believed, and still the position", () => {
    const { fixes, counters } = receive(loadRecording("april6_2019").bytes, [], "2014-01-01");
    expect(counters).toMatchObject({ implausibleDate: 1, badFields: 1 });
    expect(fixes.map((f) => [f.mode, f.utcMs])).toEqual([1, 2, 2].map((mode) => [mode, Number.NaN]));
  });

  it.each(["ublox-neo-m8u", "ublox-zed-f9p-rtk"])("is not found in the UBX of %s, whose bytes are counted", (name) => {
    const { bytes } = loadRecording(name);
    const { fixes, counters } = receive(bytes);
    expect(fixes).toEqual([]);
    expect(counters).toMatchObject({ sentences: 0, epochs: 0 });
    expect(counters.malformed).toBeGreaterThan(0);
    expect(counters.junkBytes).toBeGreaterThan(bytes.length * 0.9);
    expect(receive(bytes, [...bytes.keys()])).toEqual({ fixes, counters });
  });
});
