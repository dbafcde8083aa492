import { describe, expect, it } from "vitest";
import { encodeNmea, nmeaChecksum } from "../../src/codec/nmea-encode.ts";
import { createNmeaParser } from "../../src/codec/nmea-parse.ts";
import { type FieldSpec, SENTENCES, type SentenceSpec, type SentenceType } from "../../src/codec/nmea-sentence.ts";
import golden from "../golden/nmea.json" with { type: "json" };
import fc from "../properties.ts";
import { bytesOf } from "./nmea-run.ts";

const TYPES = Object.keys(SENTENCES) as SentenceType[];

function parse(body: string) {
  const parser = createNmeaParser();
  const bytes = bytesOf(body);
  const sentence = parser.parse(bytes, bytes.length);
  return { type: sentence?.type, talker: sentence?.talker, fields: sentence?.fields as any, counters: parser.counters };
}

const bodyOf = (text: string): string => text.slice(1, text.indexOf("*"));

describe("NMEA sentences", () => {
  it.each(golden.lines)("have the checksum that others gave $body", ({ body, checksum }) => {
    expect(nmeaChecksum(body)).toBe(checksum);
  });

  it.each(golden.angles)("read $field $side as $deg degrees", ({ field, side, deg }) => {
    const lat = side === "N" || side === "S";
    const { fields } = parse(lat ? `GPGGA,,${field},${side},,` : `GPGGA,,,,${field},${side}`);
    expect(Math.abs((lat ? fields.lat : fields.lon) - deg)).toBeLessThan(1e-10);
  });

  it.each(golden.decoded)("read $body", ({ body, type, talker, fields }) => {
    const got = parse(body);
    expect(got).toMatchObject({ type, talker, counters: { unknown: 0, badFields: 0 } });
    for (const [name, want] of Object.entries(fields)) {
      const value = got.fields[name];
      if (want === null) expect(Number.isNaN(value ?? Number.NaN), name).toBe(true);
      else if (typeof want === "string") expect(value, name).toBe(want);
      else expect(Math.abs(value - want), name).toBeLessThan(1e-10);
    }
  });

  it("know every talker, and count what is proprietary or of another type", () => {
    for (const talker of ["GP", "GL", "GA", "GB", "BD", "GQ", "GN", "GI", "II"])
      expect(parse(`${talker}HDT,1,T`)).toMatchObject({ type: "HDT", talker });
    for (const body of ["PUBX,00", "PGHDT,1,T", "GNGBS,170556.00,3.0", "HDT,1,T", "GNXHDT,1,T", "", ",,,"])
      expect(parse(body)).toMatchObject({ type: undefined, counters: { unknown: 1 } });
  });

  it.each([
    ["a date that is none", "GPRMC,000231.099,A,4829.0005,N,00022.0015,E,0.15,212.28,2208-1,,,A", "date"],
    ["the 30th of February", "GPRMC,000231.099,A,4829.0005,N,00022.0015,E,0.15,212.28,300220,,,A", "date"],
    ["hour 24", "GPRMC,240231.099,A,4829.0005,N,00022.0015,E,0.15,212.28,220820,,,A", "utc"],
    ["minutes of 60", "GPRMC,000231.099,A,4860.0005,N,00022.0015,E,0.15,212.28,220820,,,A", "lat"],
    ["latitude over 90", "GPRMC,000231.099,A,9000.0005,N,00022.0015,E,0.15,212.28,220820,,,A", "lat"],
    ["a latitude without its side", "GPRMC,000231.099,A,4829.0005,,00022.0015,E,0.15,212.28,220820,,,A", "lat"],
    ["a longitude to the north", "GPRMC,000231.099,A,4829.0005,N,00022.0015,N,0.15,212.28,220820,,,A", "lon"],
    ["an exponent", "GPRMC,000231.099,A,4829.0005,N,00022.0015,E,1e3,212.28,220820,,,A", "speedKn"],
    ["two points", "GPRMC,000231.099,A,4829.0005,N,00022.0015,E,1.2.3,212.28,220820,,,A", "speedKn"],
    ["a bare sign", "GPRMC,000231.099,A,4829.0005,N,00022.0015,E,-,212.28,220820,,,A", "speedKn"],
    ["two letters for one", "GPRMC,000231.099,AA,4829.0005,N,00022.0015,E,0.15,212.28,220820,,,A", "status"],
  ])("lose only the field with %s", (_, body, broken) => {
    const { fields, counters } = parse(body);
    expect(counters.badFields).toBe(1);
    for (const name of ["utc", "status", "lat", "lon", "speedKn", "course", "date", "mode"]) {
      const absent = fields[name] === undefined || Number.isNaN(fields[name]);
      expect(absent, name).toBe(name === broken);
    }
  });

  it("never take a value from the sentence before", () => {
    const parser = createNmeaParser();
    const full = bytesOf(golden.decoded[0]!.body);
    const empty = bytesOf("GPGGA");
    parser.parse(full, full.length);
    const fields = parser.parse(empty, empty.length)!.fields;
    for (const value of Object.values(fields)) expect(value).toBeNaN();
  });

  it("read a seventeenth digit as nothing worse than the sixteenth, and a leap second as the end of the minute", () => {
    expect(parse("GNHDT,1.00000000000000000001,T").fields.heading).toBe(1);
    expect(parse("GPZDA,235960.00,31,12,2016,00,00").fields.utc).toBe(86_400_000);
  });

  it("carry 59.999… minutes over to the next degree when written", () => {
    expect(bodyOf(encodeNmea("GN", "GLL", { lat: 12.9999999999999, lon: -0.0000000000001 }))).toContain(
      ",1300.00000000,N,00000.00000000,E,",
    );
  });

  it("never throw, whatever stands in them", () => {
    const parser = createNmeaParser();
    const char = fc.constantFrom(..."GPGGARMCHDTZ,,,,,,..-+0123456789NSEWAV*$ ");
    const random = fc.array(char, { maxLength: 160 }).map((c) => c.join(""));
    const known = fc.tuple(fc.constantFrom(...TYPES), random).map(([type, rest]) => `GN${type},${rest}`.slice(0, 160));
    fc.assert(
      fc.property(fc.oneof(random, known), (body) => {
        parser.parse(bytesOf(body), body.length);
      }),
      { numRuns: 1000 },
    );
  });

  it.each(TYPES)("of type %s read back as they were written, each field at its resolution", (type) => {
    fc.assert(
      fc.property(fieldsOf(SENTENCES[type]), (fields) => {
        const text = encodeNmea("GN", type, fields as any);
        expect(text).toMatch(/^\$GN[A-Z]{3},[^*]*\*[0-9A-F]{2}\r\n$/);
        const got = parse(bodyOf(text));
        expect(got.counters).toEqual({ unknown: 0, badFields: 0 });
        for (const [name, want] of Object.entries(fields)) {
          const value = got.fields[name];
          if (typeof want === "number" && !Number.isNaN(want)) expect(Math.abs(value - want), name).toBeLessThan(1e-9);
          else expect(value, name).toBe(want);
        }
        expect(encodeNmea("GN", type, got.fields)).toBe(text);
      }),
      { numRuns: 100 },
    );
  });
});

/** Any values a sentence can hold, at the resolution it is written with, some of them absent. */
function fieldsOf(spec: SentenceSpec): fc.Arbitrary<Record<string, number | string | undefined>> {
  const one = ([, kind, digits]: FieldSpec): fc.Arbitrary<number | string | undefined> => {
    if (kind === "letter") return fc.option(fc.constantFrom("A", "V", "N", "D", "R"), { nil: undefined });
    return fc.option(numberOf(kind, digits), { nil: Number.NaN });
  };
  return fc.record(Object.fromEntries(Object.entries(spec.fields).map(([name, field]) => [name, one(field)])));
}

function numberOf(kind: string, digits: number): fc.Arbitrary<number> {
  if (kind === "utc") return fc.nat(86_399_999);
  if (kind === "date") return fc.nat(365 * 79).map((day) => Date.UTC(1980, 0, 1) + day * 86_400_000);
  if (kind === "int") return fc.integer({ min: -999, max: 9999 });
  if (kind === "number") return fc.integer({ min: -999_999, max: 999_999 }).map((n) => n / 10 ** digits + 0);
  const limit = kind === "lat" ? 90 : 180;
  return fc.double({ min: -limit, max: limit, noNaN: true });
}
