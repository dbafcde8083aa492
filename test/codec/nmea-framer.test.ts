import { describe, expect, it } from "vitest";
import { createNmeaFramer, NMEA_MAX_BODY } from "../../src/codec/nmea-framer.ts";
import fc from "../properties.ts";
import { bytesOf, line } from "./nmea-run.ts";

function frame(text: string | Uint8Array, cuts: readonly number[] = []) {
  const bytes = typeof text === "string" ? bytesOf(text) : text;
  const bodies: string[] = [];
  const starts: number[] = [];
  const framer = createNmeaFramer((body, length, startedMs) => {
    bodies.push(Buffer.from(body.subarray(0, length)).toString("latin1"));
    starts.push(startedMs);
  });
  let from = 0;
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    framer.push(bytes.subarray(from, cut), at++);
    from = cut;
  }
  return { bodies, starts, counters: framer.counters };
}

const NOTHING = { sentences: 0, junkBytes: 0, badChecksum: 0, tooLong: 0, malformed: 0 };

describe("the NMEA framer", () => {
  it("hands on what stands between $ and * when the checksum is right, in either case of hex", () => {
    const { bodies, counters } = frame("$GNHDT,274.07,T*1D\r\n$GNHDT,274.07,T*1d\n$GPROT,35.6,A*01\r");
    expect(bodies).toEqual(["GNHDT,274.07,T", "GNHDT,274.07,T", "GPROT,35.6,A"]);
    expect(counters).toEqual({ ...NOTHING, sentences: 3 });
  });

  it("takes no sentence without a checksum", () => {
    expect(frame("$GNHDT,274.07,T\r\n")).toMatchObject({ bodies: [], counters: { malformed: 1 } });
  });

  it("takes no sentence with a wrong checksum, and counts it", () => {
    expect(frame("$GNHDT,274.08,T*1D\r\n").counters).toEqual({ ...NOTHING, badChecksum: 1 });
  });

  it.each([
    ["one digit", "$GNHDT,274.07,T*1\r\n"],
    ["three digits", "$GNHDT,274.07,T*1D0\r\n"],
    ["letters that are no digits", "$GNHDT,274.07,T*1G\r\n"],
    ["a byte that does not print", "$GNHDT,27\x004.07,T*1D\r\n"],
    ["a byte above ASCII", "$GNHDT,27\xb04.07,T*1D\r\n"],
  ])("takes no sentence with %s in it", (_, text) => {
    const { bodies, counters } = frame(text);
    expect(bodies).toEqual([]);
    expect(counters.malformed).toBe(1);
  });

  it.each(["$GNHDT,27", "$", "$GNHDT,274.07,T*", "$GNHDT,274.07,T*1", "$GNHDT,274.07,T*1D"])(
    "begins anew at a $ after %s",
    (start) => {
      const { bodies, counters } = frame(`${start}$GPROT,35.6,A*01\r\n`);
      expect(bodies).toEqual(["GPROT,35.6,A"]);
      expect(counters).toEqual({ ...NOTHING, sentences: 1, malformed: 1 });
    },
  );

  it("takes a body of 160 characters and drops one of 161", () => {
    const longest = `GNTXT,${"x".repeat(NMEA_MAX_BODY - 6)}`;
    expect(frame(line(longest))).toMatchObject({ bodies: [longest], counters: { tooLong: 0 } });
    const { bodies, counters } = frame(line(`${longest}x`) + line("GPROT,35.6,A"));
    expect(bodies).toEqual(["GPROT,35.6,A"]);
    expect(counters).toMatchObject({ tooLong: 1, sentences: 1, malformed: 0 });
  });

  it("counts the bytes between sentences as junk, and no line end that belongs to one", () => {
    expect(frame("# note\r\n$GPROT,35.6,A*01\r\nab$GPROT,35.6,A*01\r\n").counters).toEqual({
      ...NOTHING,
      sentences: 2,
      junkBytes: 10,
    });
  });

  it("says when the chunk with the $ came, not the one that ended the sentence", () => {
    const text = "$GPROT,35.6,A*01\r\n$GPROT,35.6,A*01\r\n";
    expect(frame(text, [3, 18, 19, 20]).starts).toEqual([0, 2]);
  });

  it("forgets a begun sentence at a reset, so that two halves never make one", () => {
    const bodies: string[] = [];
    const framer = createNmeaFramer((b, n) => bodies.push(Buffer.from(b.subarray(0, n)).toString("latin1")));
    framer.push(bytesOf("$GPROT,3"), 0);
    framer.reset();
    framer.push(bytesOf("5.6,A*01\r\n"), 0);
    expect(bodies).toEqual([]);
    expect(framer.counters.malformed).toBe(1);
  });

  it("never throws, and gives the same whatever bytes come and however they are cut", () => {
    const byte = fc.oneof(fc.constantFrom(...bytesOf("$*,\r\n0A\x00\xff")), fc.integer({ min: 0, max: 255 }));
    const piece = fc.oneof(fc.constant([...bytesOf("$GPROT,35.6,A*01\r\n")]), fc.array(byte, { maxLength: 200 }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.array(fc.nat(600), { maxLength: 12 }), (pieces, cuts) => {
        const bytes = Uint8Array.from(pieces.flat());
        const whole = frame(bytes);
        const sorted = cuts.filter((c) => c <= bytes.length).sort((a, b) => a - b);
        expect(frame(bytes, sorted)).toMatchObject({ bodies: whole.bodies, counters: whole.counters });
      }),
      { numRuns: 300 },
    );
  });
});
