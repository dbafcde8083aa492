import { describe, expect, it } from "vitest";
import {
  createFrameReader,
  encodeAck,
  encodeHello,
  encodeLamp,
  encodeNote,
  encodeRow,
  encodeScreen,
  type Frame,
} from "../../src/link/frame.ts";
import fc from "../properties.ts";

function sample(): { bytes: Buffer; frames: number } {
  const row = { table: 0, monoMs: 5123.5, values: Float64Array.of(1.25, Number.NaN, -7), q: Uint16Array.of(0, 8, 2) };
  const parts = [
    encodeHello({ session: "session-1", pid: 4, config: "00", firstKept: 1 }),
    encodeRow(1, row),
    encodeNote(2, { kind: "anchor", mono: 5, offsetMs: 1e12, trust: "gnss", uncMs: 200 }),
    encodeAck(2),
    encodeLamp("no_fix"),
    encodeScreen(["NO FIX", "DEPTH  0.18/0.20 LOW"]),
  ];
  return { bytes: Buffer.concat(parts), frames: parts.length };
}

function read(chunks: Uint8Array[]): { frames: Frame[]; broken: number } {
  const frames: Frame[] = [];
  let broken = 0;
  const reader = createFrameReader(
    (f) => frames.push(f.type === "row" ? { ...f, bytes: new Uint8Array(f.bytes) } : f),
    () => broken++,
  );
  for (const chunk of chunks) reader(chunk);
  return { frames, broken };
}

describe("the frames between sampler and unit", () => {
  it("carry a row with its missing values and quality bits", () => {
    const row = read([sample().bytes]).frames[1];
    expect(row).toMatchObject({ type: "row", number: 1, row: { table: 0, monoMs: 5123.5 } });
    if (row?.type !== "row") throw new Error("no row");
    expect([...row.row.values]).toEqual([1.25, Number.NaN, -7]);
    expect([...row.row.q]).toEqual([0, 8, 2]);
  });

  it("carry the lamp and the display's lines, and no lines that a display could not show", () => {
    const { frames } = read([sample().bytes]);
    expect(frames.at(-2)).toEqual({ type: "lamp", number: 0, lamp: "no_fix" });
    expect(frames.at(-1)).toEqual({ type: "screen", number: 0, screen: ["NO FIX", "DEPTH  0.18/0.20 LOW"] });
    for (const lines of [[], Array(9).fill(""), ["x".repeat(22)], ["ជ"], ["a\nb"]])
      expect(read([encodeScreen(lines), encodeAck(1)]).frames, JSON.stringify(lines)).not.toContainEqual(
        expect.objectContaining({ type: "screen" }),
      );
  });

  it("are the same for any chunking of the bytes", () => {
    const { bytes, frames } = sample();
    const whole = read([bytes]);
    expect(whole.frames).toHaveLength(frames);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 12 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const chunks = at.slice(1).map((end, i) => bytes.subarray(at[i]!, end));
        expect(read(chunks)).toEqual(whole);
      }),
    );
  });

  it("never throw on hostile bytes, and report a stream that is out of step once", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }), (chunks) => {
        expect(read(chunks).broken).toBeLessThanOrEqual(1);
      }),
    );
    expect(read([Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2]), sample().bytes])).toEqual({ frames: [], broken: 1 });
  });
});
