import { isDeepStrictEqual } from "node:util";
import { describe, it } from "vitest";
import { z } from "zod";
import type { tfmini as Tfmini } from "../../devices/tfmini.ts";
import type * as Summed from "../../src/codec/summed-frames.ts";
import { rangeProtocol, rangeTwin } from "../../src/device/range-frames.ts";
import * as serialDevice from "../../src/device/serial-device.ts";
import * as quality from "../../src/model/quality.ts";
import { serialRig } from "../device/serial-rig.ts";
import { bytesOf, close, goldenOf, hexOf, judge } from "../rigs/source-judge.ts";
import { sourceMutants, UNTOLD } from "../rigs/source-mutants.ts";

describe("a mistake in the text of", () => {
  const frameImports = {
    zod: { z },
    "../src/device/range-frames": { rangeProtocol, rangeTwin },
    "../src/device/serial-device": serialDevice,
    "../src/model/quality": quality,
  };
  const cases = goldenOf("range-frames").cases as {
    part: string;
    bytes: string;
    expect: Record<string, number | null>;
    q: number;
  }[];
  const inMm = (device: typeof Tfmini) => {
    const { scans, send } = serialRig(device, { output: "mm" });
    send(bytesOf("59597900e803c808e6"));
    return scans[0]?.x["distance"];
  };
  it.each(["a02yyuw", "tfmini"] as const)("%s is found by frames at the ends of its range", (part) => {
    judge<Record<string, typeof Tfmini>>(
      part,
      sourceMutants(`devices/${part}`, frameImports, UNTOLD),
      (m) =>
        cases
          .filter((c) => c.part === part)
          .some(({ bytes, expect: wanted, q }) => {
            const { scans, send } = serialRig(m[part]!);
            send(bytesOf(bytes));
            return (
              scans.length !== 1 ||
              scans[0]!.q["distance"] !== q ||
              (scans[0]!.q["strength"] ?? 0) !== 0 ||
              (scans[0]!.q["temperature"] ?? 0) !== 0 ||
              Object.entries(wanted).some(([key, x]) => !close(scans[0]!.x[key]!, x))
            );
          }) ||
        (part === "tfmini" && inMm(m[part]!) !== 0.121),
    );
  });

  it("the framing of distances is found by streams that were worked out, with sums that are wrong and heads that are none", () => {
    const B: Summed.SummedFrame = { head: [0xff], bytes: 4 };
    const T: Summed.SummedFrame = { head: [0x59, 0x59], bytes: 9 };
    const good = "59597900e803c808e6";
    const streams: [Summed.SummedFrame, string, string[], [frames: number, badChecksum: number, junkBytes: number]][] =
      [
        [B, "ff07a1a7", ["ff07a1a7"], [1, 0, 0]],
        [B, "ff07a1a7ff0000ff", ["ff07a1a7", "ff0000ff"], [2, 0, 0]],
        [B, "0102ff07a1a7", ["ff07a1a7"], [1, 0, 2]],
        // After a wrong sum no byte of the false frame begins another; then one that begins within it.
        [B, "ff07a1a8ff07a1a7", ["ff07a1a7"], [1, 1, 4]],
        [B, "ffff07a1a7", ["ff07a1a7"], [1, 1, 1]],
        ...[1, 2, 4, 8, 16, 32, 64, 128].map((bit): (typeof streams)[number] => [
          B,
          `ff07a1${Buffer.of(0xa7 ^ bit).toString("hex")}`,
          [],
          [0, 1, 4],
        ]),
        [T, good, [good], [1, 0, 0]],
        [T, good + good, [good, good], [2, 0, 0]],
        [T, `59${good}`, [good], [1, 1, 1]],
        [T, `5900${good}`, [good], [1, 0, 2]],
        [T, `${good}59`, [good], [1, 0, 0]],
        [T, `0059${good}`, [good], [1, 1, 2]],
        // A head within a payload, where a frame was cut short.
        [T, `5959790059${good}`, [good], [1, 2, 5]],
      ];
    judge<typeof Summed>(
      "summed frames",
      sourceMutants("src/codec/summed-frames", {}, []),
      (m) => {
        const framerOf = (shape: Summed.SummedFrame, frames: string[]) =>
          m.createSummedFrames(shape, (frame) => frames.push(hexOf(frame)));
        const frames: string[] = [];
        const broken = framerOf(B, frames);
        broken.push(bytesOf("ff07"));
        broken.reset();
        broken.push(bytesOf("a1a7 ff07a1a7"));
        return (
          !isDeepStrictEqual([frames, broken.counters], [["ff07a1a7"], { frames: 1, badChecksum: 0, junkBytes: 4 }]) ||
          hexOf(m.encodeSummedFrame(B, [0x07, 0xa1])) !== "ff07a1a7" ||
          hexOf(m.encodeSummedFrame(T, [0x79, 0, 0xe8, 3, 0xc8, 8])) !== good ||
          streams.some(([shape, hex, wanted, [n, badChecksum, junkBytes]]) =>
            [1, 3, 100].some((cut) => {
              const got: string[] = [];
              const framer = framerOf(shape, got);
              const bytes = bytesOf(hex);
              for (let at = 0; at < bytes.length; at += cut) framer.push(bytes.subarray(at, at + cut));
              return !isDeepStrictEqual([got, framer.counters], [wanted, { frames: n, badChecksum, junkBytes }]);
            }),
          )
        );
      },
      [
        // No byte lies before the first; the place of the sum holds nothing while it is worked out.
        /^0 → \(-1\) in for \(let i = 0; i < length && i < head/,
        /^1 → \(0\) in frame\[shape\.bytes - 1\] = sumOf/,
      ],
    );
  });
});
