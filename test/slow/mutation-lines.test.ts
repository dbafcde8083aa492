import { isDeepStrictEqual } from "node:util";
import { describe, it } from "vitest";
import { z } from "zod";
import type * as Ascii from "../../devices/ascii-line.ts";
import type * as Maxbotix from "../../devices/maxbotix-hrxl.ts";
import { manualClock } from "../../src/bus/clock.ts";
import { createMemorySerial } from "../../src/bus/memory-serial.ts";
import type * as Lines from "../../src/codec/number-lines.ts";
import type * as VeDirect from "../../src/codec/vedirect.ts";
import * as lineDevice from "../../src/device/line-device.ts";
import { createLineSource } from "../../src/device/line-source.ts";
import * as units from "../../src/model/units.ts";
import { judge } from "../rigs/source-judge.ts";
import { sourceMutants } from "../rigs/source-mutants.ts";

const latin = (text: string) => Uint8Array.from(text, (ch) => ch.charCodeAt(0));

/** Value and quality of each line, as the running part delivers them. */
function said(device: lineDevice.LineDevice, options: unknown, text: string): [number, number][] {
  const clock = manualClock(1000);
  const link = createMemorySerial({ name: "line", clock });
  const out: [number, number][] = [];
  createLineSource({
    device,
    name: "part",
    options,
    link,
    clock,
    sink: {
      block: (_, b) => {
        for (let i = 0; i < b.n; i++) out.push([Math.round(b.x[i]! * 1e9) / 1e9, b.q[i]!]);
      },
      scan: () => undefined,
      state: () => undefined,
    },
  });
  link.feed(latin(text));
  return out;
}

/** Whether options are refused where they must be, and only there. */
const refuses = (device: lineDevice.LineDevice, cases: [options: object, isGood: boolean][]) =>
  cases.some(([options, isGood]) => device.options.safeParse(options).success !== isGood);

describe("a mistake in the text of", () => {
  it("numbers on lines is found by lines at every limit", () => {
    const good: [prefix: string, text: string, values: number[]][] = [
      ["R", "R1234\rR0480 \r\u00ff\u00ffR123\r", [1234, 480, 123]],
      ["", "1.25\r\n-0.5\n+7\n 12\n.5\n5.\n0\n9\n-10\n0.05\n", [1.25, -0.5, 7, 12, 0.5, 5, 0, 9, -10, 0.05]],
      ["", "123456789012345\n1\u008034\n1.0000000000001\n", [123456789012345, 134, 1.0000000000001]],
      ["", "12 \n34\n", [12, 34]], // the space of the line before lies behind the digits
      ["AB", "AB  -12  \rAB+1\nAB4\r\n", [-12, 1, 4]],
      ["", `${" ".repeat(27)}12.5 \n7\n`, [12.5, 7]],
    ];
    const bad: [prefix: string, text: string, malformed: number, tooLong: number][] = [
      ["R", "R\rX12\r12\rR1.2.3\rR12a\rR1e5\rRNaN\r", 7, 0],
      ["", "1234567890123456\n1/\n1:\n.\n-\n \n1 2\n--1\n+-1\n-+1\n..1\n1..2\n1\u007f\n*1\n,1\n1-\n1+\n", 17, 0],
      ["AB", "A12\rB12\rABX\rABAB1\r", 4, 0],
      ["", `${" ".repeat(28)}12.5 \n${"9".repeat(33)}\n${"9".repeat(400)}\n`, 0, 3],
    ];
    judge<typeof Lines>(
      "number lines",
      sourceMutants("src/codec/number-lines", {}, []),
      (m) => {
        const read = (prefix: string, text: string, cut: number) => {
          const values: number[] = [];
          const lines = m.createNumberLines(prefix, (x) => values.push(x));
          const bytes = latin(text);
          for (let at = 0; at < bytes.length; at += cut) lines.push(bytes.subarray(at, at + cut));
          return { values, counters: { ...lines.counters } };
        };
        const broken: number[] = [];
        const half = m.createNumberLines("", (x) => broken.push(x));
        half.push(latin("12"));
        half.reset();
        half.push(latin("34\n"));
        return (
          !isDeepStrictEqual(broken, [34]) ||
          good.some(([prefix, text, values]) =>
            [1, 7, 1000].some(
              (cut) =>
                !isDeepStrictEqual(read(prefix, text, cut), {
                  values,
                  counters: { lines: values.length, malformed: 0, tooLong: 0 },
                }),
            ),
          ) ||
          bad.some(
            ([prefix, text, malformed, tooLong]) =>
              !isDeepStrictEqual(read(prefix, text, 3), { values: [], counters: { lines: 0, malformed, tooLong } }),
          )
        );
      },
      [
        // What lies before the first byte or behind the last is no byte, and what is put there is not kept.
        /^0 → \(-1\) in (let i = 0;|for \(let i = 0; i < chunk)/,
        /^< → <= in (for \(let i = 0; i < chunk|while \(i < start\.length|if \(length < LINE_MAX\))/,
        // A line that ends there has no digit, and is refused for that.
        /^< → <= in (while \(i < n && line\[i\] === SPACE\)|if \(i < n && \(line\[i\] === MINUS)/,
        // The divisor is 0, 1 or a power of ten, and by 1 is by nothing; what is too long may be longer.
        /^(> → >=|1 → \(2\)|1 → \(0\)) in on\(divisor > 1/,
        /^1 → \(2\) in length = Math\.min\(LINE_MAX \+ 1/,
      ],
    );
  });

  it("a MaxBotix is found by distances at both ends of both types", () => {
    judge<typeof Maxbotix>(
      "maxbotix-hrxl",
      sourceMutants("devices/maxbotix-hrxl", { zod: { z }, "../src/device/line-device": lineDevice }, []),
      ({ maxbotixHrxl: part }) => {
        const { distance } = part.plan({}).channels;
        return (
          !isDeepStrictEqual(said(part, {}, "R1234\rR0301\rR0300\rR0299\rR4999\rR5000\rR5001\r"), [
            ...([
              [1.234, 0],
              [0.301, 0],
              [0.3, 1],
              [0.299, 21],
              [4.999, 0],
              [5, 1],
              [5.001, 21],
            ] as const),
          ]) ||
          !isDeepStrictEqual(said(part, { reachMm: 9999 }, "R9998\rR9999\r1234\r"), [
            ...([
              [9.998, 0],
              [9.999, 1],
            ] as const),
          ]) ||
          refuses(part, [
            [{ reachMm: 5000 }, true],
            [{ reachMm: 9999 }, true],
            [{ reachMm: 7000 }, false],
          ]) ||
          !isDeepStrictEqual([distance?.range, distance?.resolution], [[0.3, 5], 0.001]) ||
          part.plan({ reachMm: 9999 }).channels["distance"]?.range[1] !== 9.999
        );
      },
    );
  });

  it("a part that sends numbers on lines is found by its scale, ends and limits of its options", () => {
    const imports = { zod: { z }, "../src/device/line-device": lineDevice, "../src/model/units": units };
    const plain = { unit: "m", range: [10, 20] };
    judge<typeof Ascii>("ascii-line", sourceMutants("devices/ascii-line", imports, []), ({ asciiLine: part }) => {
      const scaled = { ...plain, prefix: "D", scale: -0.5, offset: 1, resolution: 0.1, rateHz: 20 };
      const { value } = part.plan(scaled).channels;
      const limits: [object, boolean][] = [
        [{ prefix: "12345678" }, true],
        [{ prefix: "123456789" }, false],
        [{ resolution: 0 }, false],
        [{ rateHz: 0 }, false],
        [{ rateHz: 2000 }, true],
        [{ rateHz: 2001 }, false],
      ];
      return (
        !isDeepStrictEqual(said(part, scaled, "D12\nD10\nD9\nD20\nD21\n"), [
          [-5, 0],
          [-4, 1],
          [-3.5, 21],
          [-9, 1],
          [-9.5, 21],
        ]) ||
        !isDeepStrictEqual(said(part, plain, "12\n"), [[12, 0]]) ||
        refuses(
          part,
          limits.map(([more, isGood]) => [{ ...plain, ...more }, isGood]),
        ) ||
        !isDeepStrictEqual([value?.range, value?.resolution, value?.rateHz], [[-9, -4], 0.05, 20]) ||
        part.plan(plain).channels["value"]?.resolution !== 1 ||
        "rateHz" in part.plan(plain).channels["value"]!
      );
    });
  });

  it("VE.Direct blocks is found by blocks with every limit of the protocol", () => {
    /** A block with the byte that makes its sum 0, worked out here. */
    const block = (fields: [string, string][]) => {
      const bytes = Buffer.from(`${fields.map(([l, v]) => `\r\n${l}\t${v}`).join("")}\r\nChecksum\t\0`, "latin1");
      bytes[bytes.length - 1] = 256 - (bytes.reduce((a, b) => a + b, 0) % 256);
      return bytes;
    };
    const one: [string, string][] = [["V", "12065"]];
    const good = block(one);
    const bmv = `\r\nPID\t0x203\r\nV\t12065\r\nI\t-7625\r\nP\t-92\r\nCE\t-65473\r\nSOC\t839\r\nTTG\t942\r\nAlarm\tOFF\r\nRelay\tOFF\r\nAR\t0\r\nBMV\t700\r\nFW\t0308\r\nChecksum\tq`;
    const many = (n: number) => Array.from({ length: n }, (_, i): [string, string] => [`F${i}`, `${i}`]);
    const label16 = "L".repeat(16);
    const value48 = "9".repeat(48);
    const none = { blocks: 0, badChecksum: 0, tooLong: 0, hexMessages: 0, junkBytes: 0 };
    type Block = [string, string][];
    const streams: [Uint8Array, Block[], Partial<VeDirect.VeDirectCounters>][] = [
      [
        latin(bmv),
        [
          bmv
            .split("\r\n")
            .slice(1, -1)
            .map((f) => f.split("\t") as [string, string]),
        ],
        { blocks: 1 },
      ],
      [Buffer.concat([good, good]), [one, one], { blocks: 2 }],
      ...[1, 2, 4, 8, 16, 32, 64, 128, 255].map((off): (typeof streams)[number] => [
        Buffer.concat([good.subarray(0, -1), Uint8Array.of(good.at(-1)! + off), good]),
        [one],
        { blocks: 1, badChecksum: 1 },
      ]),
      [Buffer.concat([latin("\r\n"), good.subarray(0, -1), Uint8Array.of(good.at(-1)! - 23)]), [one], { blocks: 1 }],
      [Buffer.concat([latin("ab\n\r\r"), good]), [one], { blocks: 1, junkBytes: 3 }],
      [Buffer.concat([latin("\rx\n"), good]), [one], { blocks: 1, junkBytes: 2 }],
      [block([[label16, value48]]), [[[label16, value48]]], { blocks: 1 }],
      [Buffer.concat([latin(`\r\n${"L".repeat(17)}`), good]), [one], { blocks: 1, tooLong: 1 }],
      [Buffer.concat([latin(`\r\nV\t${"9".repeat(49)}`), good]), [one], { blocks: 1, tooLong: 1 }],
      [block(many(40)), [many(40)], { blocks: 1 }],
      [block(many(42)), [many(40)], { blocks: 1, tooLong: 2 }],
      [block([["V", "TTU"]]), [[["V", "TTU"]]], { blocks: 1 }],
      // HEX messages before the block, in a label, in a value; one without an end is over after 128 bytes.
      [Buffer.concat([latin(":7F0ED0011\n"), good]), [one], { blocks: 1, hexMessages: 1 }],
      [Buffer.concat([good.subarray(0, 2), latin(":7\n"), good.subarray(2)]), [one], { blocks: 1, hexMessages: 1 }],
      [Buffer.concat([good.subarray(0, 6), latin(":7\r\n"), good.subarray(6)]), [one], { blocks: 1, hexMessages: 1 }],
      [Buffer.concat([latin(`:${"0".repeat(128)}`), good]), [one], { blocks: 1, hexMessages: 1 }],
      [Buffer.concat([latin(`:${"0".repeat(129)}`), good]), [one], { blocks: 1, hexMessages: 1, junkBytes: 1 }],
    ];
    judge<typeof VeDirect>(
      "VE.Direct framing",
      sourceMutants("src/codec/vedirect", {}, []),
      (m) => {
        const read = (stream: Uint8Array, cut: number) => {
          const blocks: Block[] = [];
          const framer = m.createVeDirectFramer((fields) => blocks.push([...fields]));
          for (let at = 0; at < stream.length; at += cut) framer.push(stream.subarray(at, at + cut), at);
          return { blocks, counters: { ...framer.counters } };
        };
        const starts: number[] = [];
        const halves: number[] = [];
        const timed = m.createVeDirectFramer((_, startedMs) => starts.push(startedMs));
        timed.push(good.subarray(0, 1), 5);
        timed.push(good.subarray(1), 9);
        const halved = m.createVeDirectFramer((fields) => halves.push(fields.size));
        halved.push(block([["I", "1"]]).subarray(0, 8), 0);
        halved.reset();
        halved.push(good, 0);
        return (
          !isDeepStrictEqual(starts, [5]) ||
          !isDeepStrictEqual(halves, [1]) ||
          streams.some(([stream, blocks, counters]) =>
            [1, 1000].some(
              (cut) => !isDeepStrictEqual(read(stream, cut), { blocks, counters: { ...none, ...counters } }),
            ),
          ) ||
          [one, [["V", "TTU"]], many(7)].some(
            (fields) => !isDeepStrictEqual([...m.encodeVeDirect(fields as Block)], [...block(fields as Block)]),
          )
        );
      },
      [
        // Names of states, of which none is another; what is set anew before it is read; an empty map for an empty map.
        /^(0 → \(-1\) in const IDLE|3 → \(4\) in const CHECKSUM)/,
        /^0 → \((1|-1)\) in (let sum|sum|let startedMs) = 0;/,
        /^(> → >=|0 → \(-1\)) in if \(fields\.size > 0\)/,
        // No byte of a HEX message is the same as fewer than none.
        /^0 → \(-1\) in (let )?hexBytes = /,
      ],
    );
  });
});
