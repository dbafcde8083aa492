import { isDeepStrictEqual } from "node:util";
import { describe, it } from "vitest";
import { z } from "zod";
import type * as UbxDevice from "../../devices/gnss-ubx.ts";
import * as nmeaParse from "../../src/codec/nmea-parse.ts";
import type * as Config from "../../src/codec/ubx-config.ts";
import * as framer from "../../src/codec/ubx-framer.ts";
import type * as Pvt from "../../src/codec/ubx-nav-pvt.ts";
import type * as RelPos from "../../src/codec/ubx-relposned.ts";
import * as serialDevice from "../../src/device/serial-device.ts";
import { ubxProtocol } from "../../src/device/ubx-receiver.ts";
import { ubxTwin } from "../../src/device/ubx-twin.ts";
import { serialRig } from "../device/serial-rig.ts";
import { bytesOf, close, goldenOf, hexOf, judge } from "../rigs/source-judge.ts";
import { sourceMutants, UNTOLD } from "../rigs/source-mutants.ts";

describe("a mistake in the text of", () => {
  const ubx = goldenOf("gnss-ubx");
  const payloadOf = (frame: string) => bytesOf(frame).subarray(6, -2);

  it("NAV-PVT is found by a captured message, one of extremes and what each flag means", () => {
    const vectors = [ubx.navPvt, ubx.extremes, ubx.rtk] as { frame: string; fields: Pvt.NavPvt }[];
    const floorMs = Date.UTC(2020, 0, 1);
    const day = 86_400_000;
    const { fields } = ubx.rtk as { fields: Pvt.NavPvt };
    const none = {
      lat: Number.NaN,
      lon: Number.NaN,
      speed: Number.NaN,
      course: Number.NaN,
      utcMs: Number.NaN,
      mode: 1,
    };
    const noAcc = { hAcc: Number.NaN, vAcc: Number.NaN, sAcc: Number.NaN, headAcc: Number.NaN, rtkStale: false };
    const flat = { mode: 2, altMsl: Number.NaN, geoidSep: Number.NaN, vAcc: Number.NaN, lat: -13.3670987, hAcc: 0.014 };
    const utcMs = Date.UTC(2026, 10, 25, 7, 8, 59) - 123;
    const timeless = { todMs: Number.NaN, dateMs: Number.NaN, utcMs: Number.NaN, tAcc: Number.NaN, mode: 3 };
    /** What is changed in a good message, and what must come of it. */
    const meanings: [Partial<Pvt.NavPvt>, Partial<Pvt.PvtFix>][] = [
      [{}, { utcMs, todMs: utcMs % day, dateMs: utcMs - (utcMs % day), mode: 3, quality: 4, atMs: 5, satsUsed: 31 }],
      [{}, { lat: -13.3670987, lon: 103.8567123, altMsl: 38.901, geoidSep: -26.556, pdop: 1.21, hdop: Number.NaN }],
      [{}, { speed: 1.389, course: 271.12345, hAcc: 0.014, vAcc: 0.023, sAcc: 0.055, headAcc: 1.73205, tAcc: 2.1e-8 }],
      [{ flags: 0x82 }, { ...none, ...noAcc, quality: 0 }],
      [{ flags3: 9 }, { ...none, ...noAcc, quality: 4, altMsl: Number.NaN }],
      [{ flags3: 19 }, { ...none, rtkStale: false, diffAge: 60 }],
      ...[0, 1, 5, 6].map((fixType): [Partial<Pvt.NavPvt>, Partial<Pvt.PvtFix>] => [
        { fixType },
        { ...none, ...noAcc },
      ]),
      [{ fixType: 2 }, flat],
      [{ fixType: 4 }, { mode: 3, altMsl: 38.901, vAcc: 0.023 }],
      ...([1, 2, 4, 3, 5, 6, 0xf8].map((valid) => [{ valid }, timeless]) as [
        Partial<Pvt.NavPvt>,
        Partial<Pvt.PvtFix>,
      ][]),
      [{ valid: 7 }, { utcMs, tAcc: 2.1e-8 }],
      [{ flags: 0x43 }, { quality: 5, rtkStale: false }],
      [{ flags: 0x03 }, { quality: 2 }],
      [{ flags: 0x01 }, { quality: 1 }],
      [{ flags: 0x03, fixType: 1 }, { quality: 6 }],
      [{ flags: 0xc3 }, { quality: 2 }],
      ...[Number.NaN, 1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 121, 121, 121, 121].map(
        (diffAge, i): [Partial<Pvt.NavPvt>, Partial<Pvt.PvtFix>] => [{ flags3: i << 1 }, { diffAge, rtkStale: i > 6 }],
      ),
      [{ flags: 0x43, flags3: 18 }, { rtkStale: false }],
      [{ flags: 0xc3, flags3: 18 }, { rtkStale: false }],
      [{ nano: 999_500_000 }, { utcMs: utcMs + 1123 }],
      [{ nano: 999_499_999 }, { utcMs: utcMs + 1122 }],
      [
        { year: 2019, month: 12, day: 31 },
        { utcMs: Number.NaN, implausibleDate: true, dateMs: floorMs - day },
      ],
      [
        { year: 2020, month: 1, day: 1 },
        { implausibleDate: false, dateMs: floorMs },
      ],
      [
        { year: 2039, month: 12, day: 31 },
        { implausibleDate: false, dateMs: Date.UTC(2039, 11, 31) },
      ],
      [
        { year: 2040, month: 1, day: 1 },
        { implausibleDate: false, dateMs: Date.UTC(2040, 0, 1) },
      ],
      [
        { year: 2040, month: 1, day: 2 },
        { implausibleDate: true, utcMs: Number.NaN },
      ],
      [{ valid: 0 }, { implausibleDate: false }],
    ];
    judge<typeof Pvt>(
      "NAV-PVT",
      sourceMutants("src/codec/ubx-nav-pvt", { "./nmea-parse": nmeaParse }, ["encodeNavPvt"]),
      (m) =>
        vectors.some(({ frame, fields: wanted }) => {
          const bytes = bytesOf(frame);
          return (
            bytes[2] !== m.NAV_PVT.cls ||
            bytes[3] !== m.NAV_PVT.id ||
            !isDeepStrictEqual({ ...m.decodeNavPvt(payloadOf(frame)) }, wanted)
          );
        }) ||
        [91, 93].some((n) => m.decodeNavPvt(new Uint8Array(n)) !== undefined) ||
        meanings.some(([change, wanted]) => {
          const fix = m.fixOfNavPvt({ ...fields, ...change }, 5, floorMs) as unknown as Record<string, unknown>;
          return Object.entries(wanted).some(([key, x]) => !Object.is(fix[key], x));
        }),
      // A half is rounded to one; no class of ages begins at 21 s; the last day of the twenty years is told to the day.
      [/^1 → \(2\) in \w+: \[/, /^20 → \(21\) in const RTK_STALE_S/, /^86_400_000 → \(86400001\)/],
    );
  });

  it("NAV-RELPOSNED is found by messages packed by the interface description", () => {
    const vectors = ubx.relPos as { frame: string; fields: RelPos.RelPos }[];
    judge<typeof RelPos>(
      "NAV-RELPOSNED",
      sourceMutants("src/codec/ubx-relposned", {}, ["encodeRelPos"]),
      (m) =>
        vectors.some(({ frame, fields }) => {
          const bytes = bytesOf(frame);
          const payload = payloadOf(frame);
          const changed = (at: number, x: number) => Uint8Array.from(payload, (b, i) => (i === at ? x : b));
          const isValid = (lo: number, hi: number) => m.decodeRelPos(changed(60, lo).fill(hi, 61, 62))?.isValid;
          return (
            bytes[2] !== m.NAV_RELPOSNED.cls ||
            bytes[3] !== m.NAV_RELPOSNED.id ||
            !isDeepStrictEqual({ ...m.decodeRelPos(payload) }, fields) ||
            m.decodeRelPos(changed(0, 0)) !== undefined ||
            m.decodeRelPos(new Uint8Array(63).fill(1)) !== undefined ||
            m.decodeRelPos(new Uint8Array(65).fill(1)) !== undefined ||
            // Fix, position and heading must each be valid, and nothing else is asked.
            isValid(0x05, 1) !== true ||
            [isValid(0x04, 1), isValid(0x01, 1), isValid(0x05, 0), isValid(0xfa, 0xfe)].includes(true) ||
            [0x05, 0x0d, 0x15, 0x1d, 0x25].some((lo, i) => m.decodeRelPos(changed(60, lo))?.carrier !== i % 4)
          );
        }),
      // By no places.
      [/^<< → >> in const GNSS_FIX_OK = 1 << 0/],
    );
  });

  it("a receiver's table and settings is found by the frames that are written and the channels of one message", () => {
    const FIELDS = [
      "lat",
      "lon",
      "altMsl",
      "geoidSep",
      "mode",
      "quality",
      "satsUsed",
      "pdop",
      "speed",
      "course",
      "diffAge",
    ];
    const MORE = ["hAcc", "vAcc", "sAcc", "headAcc", "tAcc", "utcMs", "headingTrue", "headingAcc", "baseline"];
    const imports = {
      zod: { z },
      "../src/device/serial-device": serialDevice,
      "../src/device/ubx-receiver": { ubxProtocol },
      "../src/device/ubx-twin": { ubxTwin },
    };
    const skip = [...UNTOLD, "twin"];
    judge<typeof UbxDevice>("gnss-ubx", sourceMutants("devices/gnss-ubx", imports, skip, [...FIELDS, ...MORE]), (m) => {
      const pair = { setup: true, dateFloor: "2020-01-01", dualAntenna: { baselineM: 1.2, offsetDeg: 90 } };
      const wanted = { ...ubx.rtk.channels, headingTrue: 30.12345, headingAcc: 0.21, baseline: 1.2345 };
      const heard = serialRig(m.gnssUbx, pair);
      heard.send(bytesOf(ubx.rtk.frame));
      heard.send(bytesOf(ubx.relPos[1].frame));
      const x = heard.scans[0]?.x ?? {};
      if (Object.entries(wanted).some(([key, y]) => !close(x[key] ?? -1e9, y as number))) return true;
      // With two antennas there is one group more; without, none; and nothing is written unless it is told to.
      return [pair, { setup: true }, {}, { setup: true, rateHz: 1 }].some((options, i) => {
        const names = [
          ["rate5Hz", "navPvtOn", "relPosOn", "nmeaOff"],
          ["rate5Hz", "navPvtOn", "nmeaOff"],
          [],
          ["rate1Hz"],
        ][i]!;
        const { send, link, run } = serialRig(m.gnssUbx, options);
        let sent = i === 2 ? "" : hexOf(bytesOf(ubx.written.version));
        send(framer.encodeUbx(0x0a, 0x04, new Uint8Array(100)));
        for (const name of names) {
          sent += hexOf(bytesOf(ubx.written[name]));
          run(20);
          if (hexOf(link.written()) !== sent) return true;
          send(bytesOf(ubx.ack));
        }
        return i === 2 && link.written().length > 0;
      });
    });
  });

  it("the settings' frames is found by what is written and read back", () => {
    const { written, valget, ack, nak } = ubx;
    const lists: [string, [number, number][]][] = [
      [
        "rate5Hz",
        [
          [0x3021_0001, 200],
          [0x3021_0002, 1],
          [0x2011_0021, 4],
        ],
      ],
      [
        "navPvtOn",
        [
          [0x2091_0007, 1],
          [0x2091_0009, 1],
        ],
      ],
      [
        "nmeaOff",
        [
          [0x1074_0002, 0],
          [0x1078_0002, 0],
        ],
      ],
    ];
    const itemsOf = (pairs: [number, number][]) => pairs.map(([key, value]) => ({ key, value }));
    judge<typeof Config>(
      "UBX settings",
      sourceMutants("src/codec/ubx-config", { "./ubx-framer": framer }, []),
      (m) => {
        const answer = payloadOf(valget.answer);
        const all = itemsOf(valget.items);
        const frames: [{ cls: number; [id: string]: number }, string, string][] = [
          [m.UBX_ACK, "ack", ack],
          [m.UBX_ACK, "nak", nak],
          [m.UBX_MON_VER, "id", written.version],
          [m.UBX_CFG, "valset", written.rate5Hz],
          [m.UBX_CFG, "valget", valget.ask],
        ];
        // Where each item of the answer ends: a piece that is cut in one has those before it.
        let end = 4;
        const ends = all.map(({ key }) => (end += 4 + [0, 1, 1, 2, 4, 8][key >>> 28]!));
        return (
          frames.some(([names, id, frame]) => bytesOf(frame)[2] !== names.cls || bytesOf(frame)[3] !== names[id]) ||
          lists.some(([name, pairs]) => hexOf(m.encodeValset(itemsOf(pairs))) !== hexOf(bytesOf(written[name]))) ||
          [0, 1, 1, 2, 4, 8, 0, 0].some((bytes, size) => m.valueBytes(size * 2 ** 28 + 5) !== bytes) ||
          hexOf(m.encodeValget(all.map((item) => item.key))) !== valget.ask ||
          hexOf(m.encodeValues(all)) !== valget.answer ||
          !isDeepStrictEqual(
            m.decodeKeys(payloadOf(valget.ask)),
            all.map((item) => item.key),
          ) ||
          !isDeepStrictEqual(m.decodeKeys(payloadOf(valget.ask).subarray(0, -1)).length, all.length - 1) ||
          Array.from({ length: answer.length - 3 }, (_, i) => 4 + i).some(
            (n) =>
              !isDeepStrictEqual(m.decodeItems(answer.slice(0, n)), all.slice(0, ends.filter((e) => e <= n).length)),
          ) ||
          // A key of no size ends what can be read.
          m.decodeItems(Uint8Array.from([1, 0, 0, 0, 1, 0, 0x21, 0x70, 5, 6, 7, 8, 9, 10])).length > 0
        );
      },
      // A key without a value at the end is none, by this rule or by the next.
      [/^(< → <=|4 → \(3\)) in for \(let at = HEAD; at \+ 4 < /],
    );
  });

  it("UBX framing is found by frames whole, damaged, within false ones, longest, and at two instants", () => {
    /** A frame whose check sum is worked out here: the sum of all bytes, and the sum of those sums. */
    const frameOf = (cls: number, id: number, payload: Uint8Array) => {
      const body = [cls, id, payload.length % 256, payload.length >> 8, ...payload];
      let [a, b] = [0, 0];
      for (const byte of body) {
        a += byte;
        b += a;
      }
      return Uint8Array.from([0xb5, 0x62, ...body, a % 256, b % 256]);
    };
    const ack = bytesOf(ubx.ack);
    const nak = bytesOf(ubx.nak);
    const long = frameOf(
      1,
      7,
      Uint8Array.from({ length: 4096 }, (_, i) => (i * 7) % 251),
    );
    const none = { frames: 0, badChecksum: 0, tooLong: 0, junkBytes: 0 };
    const told = (b: Uint8Array) => `${b[2]} ${b[3]} ${hexOf(b.subarray(6, -2))}`;
    const join = (...parts: (Uint8Array | string)[]) =>
      Uint8Array.from(parts.flatMap((p) => [...(typeof p === "string" ? bytesOf(p) : p)]));
    const bent = (at: number, by: number) => Uint8Array.from(ack, (b, i) => (i === at ? b ^ by : b));
    const streams: [Uint8Array, Uint8Array[], Partial<framer.UbxFramerCounters>][] = [
      [join(ack, nak, ack), [ack, nak, ack], { frames: 3 }],
      [join("0001b5", ack), [ack], { frames: 1, junkBytes: 3 }],
      [join("b500", ack), [ack], { frames: 1, junkBytes: 2 }],
      ...[8, 9].flatMap((at) =>
        [1, 2, 4, 8, 16, 32, 64, 128].map((by): (typeof streams)[number] => [
          join(bent(at, by), nak),
          [nak],
          { frames: 1, badChecksum: 1, junkBytes: 10 },
        ]),
      ),
      ...[2, 3, 6, 7].map((at): (typeof streams)[number] => [
        join(bent(at, 4), nak),
        [nak],
        { frames: 1, badChecksum: 1, junkBytes: 10 },
      ]),
      // A false beginning of two bytes' payload, within which a true one begins.
      [join("b56205010200", ack), [ack], { frames: 1, badChecksum: 1, junkBytes: 6 }],
      [frameOf(0x0a, 0x04, new Uint8Array(0)), [frameOf(0x0a, 0x04, new Uint8Array(0))], { frames: 1 }],
      [join("00", long, ack, long), [long, ack, long], { frames: 3, junkBytes: 1 }],
      // What can be told at the second byte, and at the sixth.
      [join("b500"), [], { junkBytes: 2 }],
      [join("b56201070110"), [], { tooLong: 1, junkBytes: 6 }],
      [join("b56201070110", ack), [ack], { frames: 1, tooLong: 1, junkBytes: 6 }],
      [frameOf(1, 7, new Uint8Array(300).fill(0xff)), [frameOf(1, 7, new Uint8Array(300).fill(0xff))], { frames: 1 }],
    ];
    judge<typeof framer>("UBX framing", sourceMutants("src/codec/ubx-framer", {}, []), (m) => {
      const started: number[] = [];
      const timed = m.createUbxFramer((_c, _i, _p, startedMs) => started.push(startedMs));
      timed.push(ack.subarray(0, 9), 5);
      timed.push(join(ack.subarray(9), nak.subarray(0, 1)), 9);
      timed.push(nak.subarray(1), 12);
      // One read of more than the framer holds, and then another.
      let heard = 0;
      const full = m.createUbxFramer(() => heard++);
      full.push(join(long, long, ack), 0);
      full.push(nak, 0);
      const halves: string[] = [];
      const halved = m.createUbxFramer((c) => halves.push(`${c}`));
      halved.push(ack.subarray(0, 6), 0);
      halved.reset();
      halved.push(join(ack.subarray(6), nak), 0);
      return (
        !isDeepStrictEqual([started, halves], [[5, 9], ["5"]]) ||
        halved.counters.junkBytes !== 10 ||
        heard !== 4 ||
        full.counters.junkBytes !== 0 ||
        [ack, nak, long, frameOf(1, 2, Uint8Array.of(7, 8, 9))].some(
          (b) => hexOf(m.encodeUbx(b[2]!, b[3]!, b.subarray(6, -2))) !== hexOf(b),
        ) ||
        streams.some(([stream, frames, counters]) =>
          [1, 5, 100_000].some((cut) => {
            if (cut < 100 && stream.length > 1000) return false;
            const got: string[] = [];
            const f = m.createUbxFramer((c, i, payload) => got.push(`${c} ${i} ${hexOf(payload)}`));
            for (let at = 0; at < stream.length; at += cut) f.push(stream.subarray(at, at + cut), at);
            return !isDeepStrictEqual([got, f.counters], [frames.map(told), { ...none, ...counters }]);
          }),
        )
      );
    });
  });
});
