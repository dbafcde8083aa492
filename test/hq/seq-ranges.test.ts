import { describe, expect, it } from "vitest";
import { createSeqRanges } from "../../src/hq/seq-ranges.ts";
import fc from "../properties.ts";

describe("a set of sequence numbers kept as runs", () => {
  it("joins numbers that follow each other into one run, in any order of arrival", () => {
    const ranges = createSeqRanges();
    for (const seq of [5, 3, 4, 1, 2]) expect(ranges.add(seq)).toBe(1);
    expect(ranges.runs).toEqual([[1, 5]]);
  });

  it("tells how many of the numbers it was given are new", () => {
    const ranges = createSeqRanges();
    ranges.add(10, 20);
    expect(ranges.add(15)).toBe(0);
    expect(ranges.add(5, 25)).toBe(10);
  });

  it("lists the holes and counts what is missing in them", () => {
    const ranges = createSeqRanges();
    ranges.add(1, 3);
    ranges.add(6, 6);
    ranges.add(10, 12);
    expect(ranges.holes(9)).toEqual([
      [4, 5],
      [7, 9],
    ]);
    expect(ranges.holes(1)).toEqual([[4, 5]]);
    expect(ranges.missing()).toBe(5);
    expect(ranges.bounds()).toEqual([1, 12]);
  });

  it("agrees with a plain set for any sequence of additions", () => {
    const addition = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 8 }));
    fc.assert(
      fc.property(fc.array(addition, { maxLength: 40 }), (additions) => {
        const ranges = createSeqRanges();
        const plain = new Set<number>();
        for (const [from, length] of additions) {
          let fresh = 0;
          for (let seq = from; seq <= from + length; seq++) {
            if (!plain.has(seq)) fresh++;
            plain.add(seq);
          }
          expect(ranges.add(from, from + length)).toBe(fresh);
        }
        for (let seq = 0; seq <= 70; seq++) expect(ranges.has(seq)).toBe(plain.has(seq));
        const [low, high] = ranges.bounds() ?? [1, 0];
        expect(ranges.missing()).toBe(high - low + 1 - plain.size);
      }),
    );
  });

  it("stays within its bound of runs by forgetting the oldest holes", () => {
    const ranges = createSeqRanges(4);
    for (let seq = 1; seq <= 21; seq += 2) ranges.add(seq);
    expect(ranges.runs).toEqual([
      [1, 15],
      [17, 17],
      [19, 19],
      [21, 21],
    ]);
  });
});
