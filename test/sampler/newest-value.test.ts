import { expect, it } from "vitest";
import { createBlock } from "../../src/model/block.ts";
import { QUALITY } from "../../src/model/quality.ts";
import { newestOf } from "../../src/sampler/newest-value.ts";
import { createPipeline } from "../../src/sampler/pipeline.ts";

it("the newest usable value of a channel is kept as it was read, and each other one is told once", () => {
  const pipeline = createPipeline({
    ...{ name: "serial", part: "eeprom", channel: 1, filters: [], stats: ["last"], ringSamples: 10, rowMs: 1000 },
    signal: { unit: "1", range: [0, 4_294_967_295], capacity: 8 },
  });
  let changes = 0;
  const newest = newestOf(pipeline, () => changes++);
  const block = createBlock(1);
  block.n = 1;
  const said = (
    [
      [Number.NaN, QUALITY.missing],
      [7, QUALITY.suspect],
      [7, QUALITY.stale],
      [4_000_001_207, 0],
      [4_000_001_207, 0],
      [Number.NaN, QUALITY.missing],
      [8, QUALITY.simulated],
    ] as const
  ).map(([x, q], i) => {
    block.t[0] = i * 1000;
    block.x[0] = x;
    block.q[0] = q;
    pipeline.accept(block);
    return newest();
  });
  expect(said).toEqual([undefined, undefined, undefined, 4_000_001_207, 4_000_001_207, 4_000_001_207, 8]);
  expect(changes).toBe(2);
  expect(newestOf(undefined, () => undefined)()).toBeUndefined();
});
