import { describe, expect, it } from "vitest";
import type { Anchor } from "../../src/model/time.ts";
import { createGnssAnchor } from "../../src/sampler/gnss-anchor.ts";

const utc = Date.UTC(2026, 0, 15);

describe("the time anchor from a receiver", () => {
  it("takes the least delayed epoch, and is quiet while nothing moves", () => {
    const anchors: Anchor[] = [];
    const anchor = createGnssAnchor((a) => anchors.push(a));
    for (let i = 0; i < 300; i++) anchor.utc(utc + i * 1000, 5000 + i * 1000 + (i % 7) * 4, 20);
    expect(anchors).toHaveLength(1);
    expect(anchors[0]).toEqual({ monoMs: 5000, offsetMs: utc - 5000, trust: "gnss", uncMs: 200 });
  });

  it("follows a step of the receiver's time", () => {
    const anchors: Anchor[] = [];
    const anchor = createGnssAnchor((a) => anchors.push(a));
    for (let i = 0; i < 10; i++) anchor.utc(utc + i * 1000, i * 1000, 20);
    for (let i = 10; i < 20; i++) anchor.utc(utc - 3600_000 + i * 1000, i * 1000, 20);
    expect(anchors.map((a) => a.offsetMs)).toEqual([utc, utc - 3600_000]);
  });
});
