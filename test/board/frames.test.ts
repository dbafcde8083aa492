import { describe, expect, it } from "vitest";
import { PRESSES, TROUBLES } from "../../src/board/assignment.ts";
import { BOARD_FRAME, boardFrame, boardNumbers, createBoardFrames } from "../../src/board/frames.ts";
import { decodeFrequency, frequencyQuery } from "../../src/board/frequency.ts";
import { BOARD_TROUBLES, KEY_PRESSES } from "../../src/device/board-device.ts";
import fc from "../properties.ts";

function told(chunks: readonly Uint8Array[]) {
  const frames: string[] = [];
  let broken = 0;
  const take = createBoardFrames(
    (type, index, atMs, bytes, from, to) =>
      frames.push(`${type} ${index} ${atMs} ${bytes.subarray(from, to).toString("hex")}`),
    () => broken++,
  );
  for (const chunk of chunks) take(Buffer.from(chunk));
  return { frames, broken };
}

describe("frames between the sampler and the reader of a sub-board", () => {
  it("come out the same wherever the stream is cut", () => {
    const whole = Buffer.concat([
      boardNumbers(BOARD_FRAME.value, 3, 1234.5, 511),
      boardFrame(BOARD_FRAME.beat, 0, 2000),
      boardFrame(
        BOARD_FRAME.bytes,
        0,
        2001,
        Uint8Array.from({ length: 4096 }, (_, i) => i),
      ),
      boardNumbers(BOARD_FRAME.pulses, 1, 3000, 100_000, 2500),
    ]);
    const once = told([whole]);
    expect(once.frames).toHaveLength(4);
    expect(once.frames[0]).toBe("16 3 1234.5 0000000000f07f40");
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 12 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), whole.length];
        expect(told(at.slice(1).map((end, i) => whole.subarray(at[i]!, end)))).toEqual(once);
      }),
    );
    expect(told(Array.from(whole, (byte) => Uint8Array.of(byte)))).toEqual(once);
  });

  it("never throw for noise, and end a stream that is out of step", () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (noise) => void told(noise)));
    const long = Buffer.alloc(16, 0xff);
    expect(told([long, long])).toEqual({ frames: [], broken: 1 });
  });

  it("number troubles and presses as the sampler does", () => {
    expect(TROUBLES).toEqual(BOARD_TROUBLES);
    expect(PRESSES).toEqual(KEY_PRESSES);
  });
});

describe("the frequency feature", () => {
  it("is asked for with pin, edge and interval", () => {
    expect(frequencyQuery(2, "rising", 200)).toEqual([0x7d, 1, 2, 3, 72, 1]);
  });

  it("reports the board's clock and pulses in groups of seven bits", () => {
    const bytes = Buffer.from("0202200d0600004413000000", "hex");
    expect(decodeFrequency([...bytes])).toEqual({ pin: 2, ms: 100_000, ticks: 2500 });
    expect(decodeFrequency([2, 2, 127, 127, 127, 127, 15, 127, 127, 127, 127, 15])?.ticks).toBe(4_294_967_295);
    expect(decodeFrequency([...bytes].slice(1))).toBeUndefined();
    expect(decodeFrequency([1, ...[...bytes].slice(1)])).toBeUndefined();
  });
});
