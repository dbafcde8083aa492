import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { decodeItems, decodeKeys, encodeValget, encodeValues } from "../../src/codec/ubx-config.ts";
import { encodeUbx, UBX_MAX_PAYLOAD } from "../../src/codec/ubx-framer.ts";
import { decodeNavPvt, encodeNavPvt, fixOfNavPvt, type NavPvt } from "../../src/codec/ubx-nav-pvt.ts";
import { pieces } from "../device/serial-rig.ts";
import fc from "../properties.ts";
import { hex, readUbx } from "./ubx-run.ts";

interface Golden {
  navPvt: { frame: string; fields: NavPvt };
  ack: string;
}
const golden = JSON.parse(readFileSync(resolve(import.meta.dirname, "../golden/gnss-ubx.json"), "utf8")) as Golden;
const GOOD = hex(golden.navPvt.frame);
const FLOOR = Date.parse("2014-01-01");

function fixWith(change: Partial<NavPvt>) {
  return fixOfNavPvt({ ...golden.navPvt.fields, ...change }, 0, FLOOR);
}

describe("UBX frames", () => {
  it("are read as captured, and written as read", () => {
    const pvt = decodeNavPvt(GOOD.subarray(6, 98))!;
    expect(pvt).toEqual(golden.navPvt.fields);
    const again = encodeNavPvt(pvt);
    // Not carried: time of week, confirmation flags, four reserved bytes.
    for (const at of [0, 1, 2, 3, 22, 80, 81, 82, 83]) again[at] = GOOD[6 + at]!;
    expect(encodeUbx(1, 7, again)).toEqual(GOOD);
  });

  it("carry configuration both ways", () => {
    const list = [0x3021_0001, 0x2011_0021, 0x4052_0001, 0x1074_0002].map((key, i) => ({ key, value: 200 - i * 66 }));
    expect(decodeItems(encodeValues(list).subarray(6, -2))).toEqual(list);
    expect(decodeKeys(encodeValget([1, 2 ** 31]).subarray(6, -2))).toEqual([1, 2 ** 31]);
  });

  it("are the same for any chunks, and none that is whole is lost in noise, NMEA or a false beginning", () => {
    const junk = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.constant(Buffer.from("$GNGGA,,,,,,0*66\r\n", "latin1")),
      fc.constant(hex("b562 0107 5c00 0102")),
      fc.constant(hex("b5b562")),
    );
    fc.assert(
      fc.property(fc.array(junk, { maxLength: 6 }), fc.array(fc.nat(900), { maxLength: 8 }), (noise, cuts) => {
        const tail = new Uint8Array(UBX_MAX_PAYLOAD + 8);
        const stream = Uint8Array.from([...noise.flatMap((n) => [...n, ...GOOD]), ...GOOD, ...tail]);
        const whole = readUbx([stream]);
        expect(readUbx(pieces(stream, cuts))).toEqual(whole);
        expect(whole.fixes.length).toBeGreaterThanOrEqual(noise.length + 1);
      }),
      { numRuns: 150 },
    );
  });

  it("with a wrong checksum are not handed on", () => {
    for (let at = 2; at < GOOD.length; at += 7) {
      const bad = Uint8Array.from(GOOD);
      bad[at]! ^= 0x10;
      expect(readUbx([bad, GOOD, new Uint8Array(5000)]).fixes, `byte ${at}`).toHaveLength(1);
    }
  });
});

describe("a fix of NAV-PVT", () => {
  it("has position and time when the receiver vouches for both", () => {
    expect(fixWith({})).toMatchObject({
      lat: 53.4506691,
      lon: -2.2402964,
      altMsl: 27.215,
      geoidSep: 48.484,
      mode: 3,
      quality: 1,
      utcMs: Date.UTC(2020, 9, 23, 11, 33, 15),
      hAcc: 6.298,
    });
  });

  it.each([
    ["gnssFixOK is not set", { flags: 0 }],
    ["there is no fix", { fixType: 0 }],
    ["it only reckons", { fixType: 1 }],
    ["it knows the time only", { fixType: 5 }],
    ["it says invalidLlh", { flags3: 1 }],
  ])("has no position and no time when %s", (_, change) => {
    const fix = fixWith(change);
    for (const x of [fix.lat, fix.lon, fix.altMsl, fix.speed, fix.course, fix.hAcc, fix.utcMs]) expect(x).toBeNaN();
    expect(fix.mode).toBe(1);
  });

  it("has no time unless date and time are valid and fully resolved, and no day before the floor", () => {
    for (const valid of [0, 1, 2, 3, 4, 5, 6]) expect(fixWith({ valid }).utcMs, `${valid}`).toBeNaN();
    expect(fixWith({ valid: 7 }).utcMs).not.toBeNaN();
    expect(fixWith({ year: 2001 })).toMatchObject({ utcMs: Number.NaN, implausibleDate: true, lat: 53.4506691 });
    expect(fixWith({ month: 13 }).utcMs).toBeNaN();
  });

  it("tells RTK fixed, float and differential as NMEA does, and that fixed has stale corrections", () => {
    expect(fixWith({ flags: 0x83 }).quality).toBe(4);
    expect(fixWith({ flags: 0x43 }).quality).toBe(5);
    expect(fixWith({ flags: 0x03 }).quality).toBe(2);
    expect(fixWith({ flags: 0x83, flags3: 6 << 1 })).toMatchObject({ diffAge: 20, rtkStale: false });
    expect(fixWith({ flags: 0x83, flags3: 7 << 1 })).toMatchObject({ diffAge: 30, rtkStale: true });
    expect(fixWith({ flags: 0x43, flags3: 7 << 1 }).rtkStale).toBe(false);
  });

  it("has no height in two dimensions", () => {
    expect(fixWith({ fixType: 2 })).toMatchObject({ mode: 2, altMsl: Number.NaN, lat: 53.4506691 });
  });
});
