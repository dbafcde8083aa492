import { describe, expect, it } from "vitest";
import { createBlock } from "../../src/model/block.ts";
import { createPipeline } from "../../src/sampler/pipeline.ts";

function pipeline() {
  return createPipeline({
    name: "rotor_speed",
    part: "adc",
    channel: 0,
    signal: { unit: "rpm", rateHz: 20, range: [0, 400], capacity: 8 },
    filters: [],
    stats: ["mean"],
    ringSamples: 100,
    rowMs: 1000,
  });
}

function samples(n: number, fromMs: number) {
  const block = createBlock(32);
  for (let i = 0; i < n; i++) {
    block.t[i] = fromMs + i * 50;
    block.x[i] = 200;
  }
  block.n = n;
  return block;
}

describe("what comes into no row", () => {
  it("is nothing while samples come in time", () => {
    const p = pipeline();
    p.accept(samples(8, 5000));
    p.take(5000, new Float64Array(1), new Uint16Array(1), 0);
    p.accept(samples(8, 6000));
    expect(p.losses()).toEqual({});
  });

  it("is counted by kind: too late for its row, and more at once than a block holds", () => {
    const p = pipeline();
    p.accept(samples(4, 5000));
    p.take(5000, new Float64Array(1), new Uint16Array(1), 0);
    p.accept(samples(3, 5500));
    p.accept(samples(12, 6000));
    expect(p.losses()).toEqual({ late: 3, refused: 4 });
    expect(p.ring.length).toBe(19);
  });
});
