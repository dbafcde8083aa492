import { describe, expect, it } from "vitest";
import { createRing } from "../../src/dsp/ring.ts";
import { createBlock } from "../../src/model/block.ts";
import fc from "../properties.ts";
import { blockOf } from "./samples.ts";

describe("the ring of a channel", () => {
  it("knows nothing before the first sample", () => {
    const ring = createRing(4);
    expect([ring.length, ring.oldestMs, ring.newestMs]).toEqual([0, Number.NaN, Number.NaN]);
    expect(ring.copyRange(0, 1e9, createBlock(4))).toBe(0);
  });

  it("holds the newest samples and gives back exactly those of a time range", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.array(fc.double({ noNaN: true }), { maxLength: 12 }), { maxLength: 12 }),
        fc.integer({ min: 0, max: 150 }),
        fc.integer({ min: 0, max: 150 }),
        fc.integer({ min: 1, max: 25 }),
        (capacity, blocks, from, to, room) => {
          const ring = createRing(capacity);
          const all: [number, number, number][] = [];
          for (const values of blocks) {
            const block = blockOf(
              values,
              all.length,
              1,
              values.map((_, i) => i),
            );
            ring.push(block);
            for (const [i, v] of values.entries()) all.push([all.length, v, i]);
          }
          const held = all.slice(-capacity);
          expect(ring.length).toBe(held.length);
          if (held.length > 0) expect([ring.oldestMs, ring.newestMs]).toEqual([held[0]![0], held.at(-1)![0]]);
          const inside = held.filter(([t]) => t >= from && t < to);
          const into = createBlock(room);
          expect(ring.copyRange(from, to, into)).toBe(inside.length);
          const got = Array.from({ length: into.n }, (_, i) => [into.t[i], into.x[i], into.q[i]]);
          expect(got).toEqual(inside.slice(0, room));
        },
      ),
    );
  });

  it("refuses a capacity that is not a whole number from 1", () => {
    for (const capacity of [0, -1, 1.5, Number.NaN]) expect(() => createRing(capacity)).toThrow(RangeError);
  });
});
