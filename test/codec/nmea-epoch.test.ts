import { describe, expect, it } from "vitest";
import { encodeNmea } from "../../src/codec/nmea-encode.ts";
import fc from "../properties.ts";
import { bytesOf, createReceiver, line, receive } from "./nmea-run.ts";

const LAT = "1321.45678,N,10318.12345,E";

const gga = (utc: string, quality = 4, place = LAT): string =>
  `GNGGA,${utc},${place},${quality},19,0.58,14.321,M,-14.5,M,1.1,0017`;
const rmc = (utc: string, date = "240326", status = "A", mode = "R"): string =>
  `GNRMC,${utc},${status},${LAT},2.5,90.5,${date},,,${mode},V`;
const zda = (utc: string, day = "24,03,2026"): string => `GNZDA,${utc},${day},00,00`;
const gsa = (mode: number, system = 1): string => `GNGSA,A,${mode},01,02,,,,,,,,,,,1.05,0.64,0.83,${system}`;

function fixesOf(...bodies: string[]) {
  return receive(bytesOf(bodies.map(line).join("")));
}

function utcOf(second: number): string {
  return `0315${String(second).padStart(2, "0")}.00`;
}

describe("an epoch", () => {
  it("gathers the sentences of one UTC into one fix", () => {
    const { fixes, counters } = fixesOf(
      "GPGSV,3,1,11,02,28,259,33",
      "GLGSV,3,1,07,66,28,259,33",
      gga("031502.10"),
      rmc("031502.10"),
      gsa(3),
      "GNVTG,90.5,T,,M,2.5,N,4.63,K,R",
      "GNGST,031502.10,0.1,,,,0.012,0.011,0.02",
      "GNHDT,274.07,T",
    );
    expect(counters).toMatchObject({ epochs: 1, late: 0, repeated: 0 });
    expect(fixes[0]).toEqual({
      atMs: 0,
      todMs: 11_702_100,
      dateMs: Date.UTC(2026, 2, 24),
      utcMs: Date.UTC(2026, 2, 24, 3, 15, 2, 100),
      lat: expect.closeTo(13.357613, 10),
      lon: expect.closeTo(103.3020575, 10),
      altMsl: 14.321,
      geoidSep: -14.5,
      quality: 4,
      mode: 3,
      satsUsed: 19,
      hdop: 0.58,
      pdop: 1.05,
      vdop: 0.83,
      speed: expect.closeTo(2.5 * 0.514444, 10),
      course: 90.5,
      heading: 274.07,
      diffAge: 1.1,
      station: 17,
      sigmaLat: 0.012,
      sigmaLon: 0.011,
      sigmaAlt: 0.02,
      satsInView: 18,
    });
  });

  it("comes out at the sentence that ended the ones before, without waiting for the next", () => {
    const r = createReceiver();
    for (let s = 0; s < 2; s++) r.say(gga(utcOf(s)), gsa(3), rmc(utcOf(s)));
    expect(r.say(gga(utcOf(2)), gsa(3))).toBe(2);
    expect(r.say(rmc(utcOf(2)))).toBe(3);
    expect(r.say(gga(utcOf(3)), gsa(3))).toBe(3);
    expect(r.say(rmc(utcOf(3)))).toBe(4);
    expect(r.counters().late).toBe(0);
  });

  it("learns its end anew when the order changes, and loses at most one sentence for it", () => {
    const r = createReceiver();
    for (let s = 0; s < 4; s++) r.say(gga(utcOf(s)), rmc(utcOf(s)));
    for (let s = 4; s < 8; s++) r.say(rmc(utcOf(s)), gga(utcOf(s)));
    expect(r.say(rmc(utcOf(8)))).toBe(8);
    expect(r.say(gga(utcOf(8)))).toBe(9);
    expect(r.counters().late).toBe(1);
    expect(r.fixes[4]).toMatchObject({ quality: Number.NaN, mode: 2 });
    for (const fix of r.fixes.slice(5)) expect(fix).toMatchObject({ quality: 4, mode: 3 });
  });

  it("does not take a sentence without UTC that comes after its end into the next one", () => {
    const r = createReceiver();
    for (let s = 0; s < 4; s++) r.say(gga(utcOf(s)));
    r.say(gga(utcOf(4)), "GNHDT,10.0,T", gga(utcOf(5)), "GNHDT,20.0,T", gga(utcOf(6)), "GNHDT,30.0,T", gga(utcOf(7)));
    expect(r.fixes.slice(4, 7).map((f) => f.heading)).toEqual([Number.NaN, 20, 30]);
    expect(r.counters().late).toBe(1);
  });

  it("keeps its learned end when noise took the last sentence once", () => {
    const r = createReceiver();
    for (let s = 0; s < 3; s++) r.say(gga(utcOf(s)), rmc(utcOf(s)));
    r.say(gga(utcOf(3)));
    expect(r.say(gga(utcOf(4)))).toBe(4);
    expect(r.say(rmc(utcOf(4)))).toBe(5);
  });

  it("is not cut after one epoch whose last sentence was lost to noise", () => {
    const r = createReceiver();
    r.say(gga(utcOf(0)));
    for (let s = 1; s < 5; s++) r.say(gga(utcOf(s)), rmc(utcOf(s)));
    expect(r.counters().late).toBe(0);
    expect(r.fixes.slice(1).every((f) => f.dateMs === Date.UTC(2026, 2, 24))).toBe(true);
  });

  it("counts the satellites in view once, though each constellation tells them per signal", () => {
    const r = createReceiver();
    for (let s = 0; s < 3; s++)
      r.say(gga(utcOf(s)), "GPGSV,2,1,08,,1", "GPGSV,2,2,08,,1", "GPGSV,1,1,06,,6", "GAGSV,1,1,04,,7");
    r.assembler.flush();
    expect(r.fixes.at(-1)!.satsInView).toBe(12);
  });

  it("has an end of its own on whole seconds, where slow sentences come", () => {
    const r = createReceiver();
    const cycle = (s: number): number => {
      r.say(gga(`0315${10 + s}.00`), rmc(`0315${10 + s}.00`));
      const n = r.say(zda(`0315${10 + s}.00`));
      r.say(gga(`0315${10 + s}.50`), rmc(`0315${10 + s}.50`));
      return n;
    };
    for (let s = 0; s < 2; s++) cycle(s);
    expect(cycle(2)).toBe(5);
    expect(cycle(3)).toBe(7);
    expect(r.fixes).toHaveLength(8);
    expect(r.counters().late).toBe(0);
  });

  it("counts the GSA of several constellations, the highest mode of which holds", () => {
    const r = createReceiver();
    for (let s = 0; s < 3; s++) r.say(rmc(utcOf(s)), gga(utcOf(s)), gsa(1, 1), gsa(3, 2), gsa(3, 3));
    expect(r.fixes).toHaveLength(3);
    for (const fix of r.fixes) expect(fix.mode).toBe(3);
    for (let s = 3; s < 6; s++) r.say(rmc(utcOf(s)), gga(utcOf(s)), gsa(3, 1), gsa(3, 2), gsa(3, 3), gsa(3, 4));
    expect(r.fixes).toHaveLength(6);
    expect(r.counters().late).toBe(1);
  });

  it("is out at once when a silence is over, and begins anew", () => {
    const r = createReceiver();
    r.say(gga(utcOf(1)));
    r.assembler.flush();
    expect(r.fixes).toHaveLength(1);
    r.assembler.flush();
    expect(r.fixes).toHaveLength(1);
    expect(r.say(rmc(utcOf(1)))).toBe(1);
    expect(r.counters().late).toBe(1);
  });

  it("gives the heading to the UTC after it when the line was quiet before it", () => {
    const r = createReceiver();
    for (let s = 0; s < 4; s++) {
      r.say(`GNHDT,${s + 10}.0,T`, gga(utcOf(s)), "GNVTG,90.5,T,,M,2.5,N,4.63,K,R");
      r.assembler.pause();
    }
    expect(r.fixes.map((f) => f.heading)).toEqual([10, 11, 12, 13]);
    expect(r.counters()).toMatchObject({ late: 0, repeated: 0 });
  });

  it("is never cut by a pause inside it once its end is known", () => {
    const r = createReceiver();
    for (let s = 0; s < 3; s++) r.say(gga(utcOf(s)), rmc(utcOf(s)));
    r.say(gga(utcOf(3)));
    r.assembler.pause();
    expect(r.say(rmc(utcOf(3)))).toBe(4);
    expect(r.fixes[3]).toMatchObject({ quality: 4, dateMs: Date.UTC(2026, 2, 24) });
  });

  it("counts what comes late for the one before", () => {
    const r = createReceiver();
    r.say(gga(utcOf(0)), gga(utcOf(1)), rmc(utcOf(0)));
    r.assembler.flush();
    expect(r.fixes).toHaveLength(2);
    expect(r.counters().late).toBe(1);
    expect(r.fixes[1]!.dateMs).toBeNaN();
  });

  it("of a compass that says headings only is one heading", () => {
    const r = createReceiver();
    r.say("HEHDT,1.0,T", "HEHDT,2.0,T", "HEHDT,3.0,T", "HEHDT,4.0,T");
    expect(r.fixes.map((f) => [f.heading, f.mode])).toEqual([1, 2, 3, 4].map((h) => [h, 1]));
  });
});

describe("a fix", () => {
  it.each([
    ["GGA alone with a height is 3D", [gga("031502.10")], 3],
    ["GGA alone without a height is 2D", [`GNGGA,031502.10,${LAT},1,04,2.5,,M,,M,,`], 2],
    ["RMC alone is 2D", [rmc("031502.10")], 2],
    ["RMC void is none", [rmc("031502.10", "240326", "V", "N")], 1],
    ["RMC with mode N is none", [rmc("031502.10", "240326", "A", "N")], 1],
    ["GSA says 2D of a GGA with a height", [gga("031502.10"), gsa(2)], 2],
    ["GSA says none", [gga("031502.10"), gsa(1)], 1],
    ["GGA without fix is none, whatever RMC says", [gga("031502.10", 0), rmc("031502.10")], 1],
    ["GGA from no satellite is none", [`GNGGA,031502.10,${LAT},1,00,3.3,10.8,M,-33.0,M,,`], 1],
    ["dead reckoning needs no satellite", [`GNGGA,031502.10,${LAT},6,00,3.3,10.8,M,-33.0,M,,`], 3],
    ["a quality without a position is none", ["GNGGA,031502.10,,,,,1,04,2.5,,M,,M,,"], 1],
  ])("%s", (_, bodies, mode) => {
    const { fixes } = fixesOf(...bodies);
    expect(fixes).toHaveLength(1);
    expect(fixes[0]!.mode).toBe(mode);
    expect(Number.isNaN(fixes[0]!.lat)).toBe(mode === 1);
    expect(Number.isNaN(fixes[0]!.altMsl)).toBe(mode < 3);
  });

  it.each([
    ["manual", [gga("031502.10", 7), rmc("031502.10")]],
    ["simulated", [gga("031502.10", 8), gsa(3)]],
    ["manual, by RMC", [rmc("031502.10", "240326", "A", "M")]],
    ["simulated, by RMC", [gga("031502.10"), rmc("031502.10", "240326", "A", "S"), "GNHDT,274.07,T"]],
  ])("that is %s is never a live position, nor a time", (_, bodies) => {
    const { fixes, counters } = fixesOf(...bodies);
    expect(counters.notLive).toBe(1);
    for (const key of ["lat", "lon", "altMsl", "speed", "course", "heading", "utcMs"] as const)
      expect(fixes[0]![key], key).toBeNaN();
    expect(fixes[0]!.mode).toBe(1);
  });

  it("without a fix holds no position, not even the 0,0 that some receivers send", () => {
    const { fixes } = fixesOf(
      "GPGGA,,0000.0000,N,00000.0000,E,0,00,99.99,0.0,M,0.0,M,,",
      "GPGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99",
    );
    expect(fixes).toHaveLength(1);
    for (const key of ["lat", "lon", "altMsl", "hdop", "pdop", "vdop", "todMs"] as const)
      expect(fixes[0]![key]).toBeNaN();
    expect(fixes[0]).toMatchObject({ quality: 0, mode: 1, satsUsed: 0 });
  });

  it("comes for each cycle of a receiver that has neither UTC nor fix", () => {
    const cycle = [
      "GPRMC,,V,,,,,,,,,,N",
      "GPVTG,,,,,,,,,N",
      "GPGGA,,,,,,0,00,99.99,,,,,,",
      "GPGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99",
    ];
    const r = createReceiver();
    for (let i = 0; i < 5; i++) r.say(...cycle);
    expect(r.fixes).toHaveLength(5);
    expect(r.counters()).toMatchObject({ late: 0, repeated: 0, badFields: 0 });
  });

  it("takes the speed from VTG where RMC is not sent, in km/h where knots are not", () => {
    expect(fixesOf(gga("031502.10"), "GNVTG,90.5,T,,M,,N,3.6,K,A").fixes[0]).toMatchObject({ speed: 1, course: 90.5 });
  });
});

describe("the time of a fix", () => {
  it("is never made of the time of one day and the date of another", () => {
    const r = createReceiver();
    r.say(gga("235959.90"), rmc("235959.90", "311226"), gga("000000.00"), gga("000000.10"), rmc("000000.10", "010127"));
    r.assembler.flush();
    expect(r.fixes.map((f) => f.utcMs)).toEqual([
      Date.UTC(2026, 11, 31, 23, 59, 59, 900),
      Number.NaN,
      Date.UTC(2027, 0, 1, 0, 0, 0, 100),
    ]);
  });

  it.each([
    ["rolled over to 1999", "220899"],
    ["of a cold start, 1980", "060180"],
    ["before the floor", "311223"],
    ["more than 20 years after the floor", "010146"],
  ])("is not given for a date %s, while the position is", (_, date) => {
    const { fixes, counters } = fixesOf(rmc("031502.10", date));
    expect(counters.implausibleDate).toBe(1);
    expect(fixes[0]!.utcMs).toBeNaN();
    expect(fixes[0]!.lat).toBeCloseTo(13.357613, 9);
  });

  it("is not given for the year 2080 of a cold start", () => {
    expect(fixesOf(gga("031502.10"), zda("031502.10", "06,01,2080"))).toMatchObject({
      counters: { implausibleDate: 1 },
    });
  });

  it("is not given where RMC and ZDA differ, one of them having rolled over", () => {
    const { fixes, counters } = fixesOf(gga("031502.10"), rmc("031502.10"), zda("031502.10", "08,08,2006"));
    expect(counters.implausibleDate).toBe(1);
    expect(fixes[0]!.utcMs).toBeNaN();
  });

  it("is not given by a void RMC, with a fix or without, nor by ZDA beside it", () => {
    for (const bodies of [
      [rmc("031502.10", "240326", "V", "N")],
      [gga("031502.10", 6), rmc("031502.10", "240326", "V", "E"), zda("031502.10")],
    ])
      expect(fixesOf(...bodies).fixes[0]!.utcMs).toBeNaN();
  });

  it("is given by ZDA where RMC is not sent, with a fix only", () => {
    expect(fixesOf(gga("031502.10"), zda("031502.10")).fixes[0]!.utcMs).toBe(Date.UTC(2026, 2, 24, 3, 15, 2, 100));
    expect(fixesOf(gga("031502.10", 0), zda("031502.10")).fixes[0]!.utcMs).toBeNaN();
  });
});

/** A stream as a receiver sends it, with noise between the sentences and damage to some of them. */
const stream = fc
  .array(
    fc.record({
      head: fc.constantFrom("", "", "$GN", "# note\r\n", "\x00\xff\x24", "junk*00\r\n"),
      hurt: fc.option(fc.tuple(fc.nat(60), fc.nat(255)), { freq: 4 }),
      order: fc.shuffledSubarray(["GGA", "RMC", "VTG", "GSA", "GST", "ZDA", "HDT"], { minLength: 1 }),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((cycles) => {
    const bytes: number[] = [];
    cycles.forEach(({ head, hurt, order }, s) => {
      bytes.push(...bytesOf(head));
      const from = bytes.length;
      for (const type of order) bytes.push(...bytesOf(sentenceOf(type, s)));
      if (hurt !== null) bytes[from + hurt[0]] = hurt[1];
    });
    return Uint8Array.from(bytes.map((b) => b ?? 0));
  });

function sentenceOf(type: string, s: number): string {
  const utc = 11_700_000 + s * 200;
  if (type === "GGA") return line(gga(`0315${String((utc - 11_700_000) / 1000).padStart(2, "0")}`.slice(0, 6)));
  if (type === "RMC")
    return encodeNmea("GN", "RMC", { utc, status: "A", lat: 13, lon: 103, date: Date.UTC(2026, 2, 24), mode: "A" });
  if (type === "VTG") return encodeNmea("GN", "VTG", { course: s, speedKn: s });
  if (type === "GSA") return line(gsa(3)) + line(gsa(3, 2));
  if (type === "GST") return encodeNmea("GN", "GST", { utc, sigmaLat: s + 1, sigmaLon: 1, sigmaAlt: 1 });
  if (type === "ZDA") return encodeNmea("GN", "ZDA", { utc, day: 24, month: 3, year: 2026 });
  return encodeNmea("GN", "HDT", { heading: s });
}

describe("a stream of NMEA 0183", () => {
  it("gives the same fixes and counters however it is cut", () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(3000), { maxLength: 30 }), (bytes, cuts) => {
        const whole = receive(bytes);
        expect(receive(bytes, cuts)).toEqual(whole);
        expect(receive(bytes, [...bytes.keys()])).toEqual(whole);
      }),
      { numRuns: 100 },
    );
  });

  it("never throws and never gives a fix from random bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        const { fixes, counters } = receive(bytes);
        expect(fixes).toEqual([]);
        expect(counters.sentences).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it("with one byte changed in a sentence loses that sentence, counts it, and publishes nothing else", () => {
    const clean = bytesOf([0, 1, 2].map((s) => line(gga(utcOf(s)))).join(""));
    const from = line(gga(utcOf(0))).length;
    const want = receive(clean).fixes;
    fc.assert(
      fc.property(fc.nat(from - 3), fc.nat(255), (at, value) => {
        fc.pre(clean[from + at] !== value && (clean[from + at]! | 0x20) !== (value | 0x20));
        const hurt = clean.slice();
        hurt[from + at] = value;
        const { fixes, counters } = receive(hurt);
        expect(fixes).toEqual([want[0], want[2]]);
        expect(counters.badChecksum + counters.malformed + counters.junkBytes).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });
});
