import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { encodeRings, encodeSamples, type RingsWord } from "../../src/link/frame.ts";
import { createBlock } from "../../src/model/block.ts";
import { createRingCollector } from "../../src/unit/ring-collector.ts";

const begin: RingsWord = { word: "begin", fromMs: 0, toMs: 1, channels: [] };
const end: RingsWord = { word: "end", samples: 1 };
const [beginFrame, endFrame] = [encodeRings(begin), encodeRings(end)];
const piece = (n: number) => encodeSamples(0, { ...createBlock(n), n });
type Rings = ReturnType<typeof createRingCollector>;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function tellNothing(rings: Rings): void {
  rings.word(begin, beginFrame);
  rings.word(end, endFrame);
}

function flood(rings: Rings): void {
  rings.word(begin, beginFrame);
  for (let i = 0; i < 20; i++) rings.samples(piece(50_000));
}

describe("what the unit gathers of the sampler's rings", () => {
  it("is every frame from beginning to end, and nothing that was told to nobody", async () => {
    const rings = createRingCollector(() => true);
    rings.samples(piece(3));
    rings.word(end, endFrame);
    const told = rings.collect();
    rings.samples(piece(7));
    rings.word(begin, beginFrame);
    rings.samples(piece(1));
    rings.samples(piece(2));
    rings.word(end, endFrame);
    rings.samples(piece(4));
    const got = await told;
    expect("frames" in got && Buffer.concat(got.frames)).toEqual(Buffer.concat([beginFrame, piece(1), piece(2)]));
  });

  const cases: readonly [string, boolean, (rings: Rings) => void, RegExp][] = [
    ["no sampler", false, () => undefined, /no sampler is there/],
    ["a sampler that says nothing", true, () => vi.advanceTimersByTime(20_000), /within 20 s/],
    ["one that goes away", true, (rings) => rings.gone(), /went away/],
    ["nothing between beginning and end", true, tellNothing, /nothing in the rings/],
    ["more than rings can hold", true, flood, /more than rings can hold/],
    ["a second call", true, (rings) => void rings.collect(), /asked for again/],
  ];
  it.each(cases)("is a reason where there is %s", async (_, isThere, happens, words) => {
    const rings = createRingCollector(() => isThere);
    const told = rings.collect();
    happens(rings);
    expect(await told).toEqual({ missing: expect.stringMatching(words) });
  });
});
