import { describe, expect, it } from "vitest";
import { derivations } from "../../src/dsp/derive/catalogue.ts";
import { createBlock } from "../../src/model/block.ts";
import { QUALITY } from "../../src/model/quality.ts";
import type { PipelineSpec } from "../../src/sampler/pipeline.ts";
import { samplerRig } from "./rig.ts";

const rpm = (part: string, channel: number, name: string): PipelineSpec => ({
  name,
  part,
  channel,
  signal: { unit: "rpm", rateHz: 10, range: [-2000, 2000], capacity: 256 },
  filters: [],
  stats: ["mean", "count"],
  ringSamples: 300,
  rowMs: 1000,
});

/** Two rotors and their difference, one sample of each every 100 ms; the second comes `lateMs` after its instant. */
function run(lateMs: number) {
  const input = (name: string) =>
    ({ name, unit: "rpm", range: [-2000, 2000], resolution: 0.1, capacity: 1, rateHz: 10 }) as const;
  const plan = derivations["difference"]!.plan({ a: "left", b: "right" }, [input("left"), input("right")]);
  if (!plan.ok) throw new Error(plan.message);
  const rig = samplerRig({
    pipelines: [rpm("", -1, "apart"), rpm("left", 0, "left"), rpm("right", 0, "right")],
    derived: [
      {
        channel: 0,
        inputs: [1, 2].map((channel) => ({ channel, maxAgeMs: 500, holds: false })),
        create: plan.create,
      },
    ],
  });
  const block = createBlock(1);
  block.n = 1;
  rig.schedule(5000, (nowMs) => {
    for (const [part, delay, offset] of [
      ["left", 0, 7],
      ["right", lateMs, 2],
    ] as const) {
      const t = nowMs - delay;
      if (t < 0 || t % 100 !== 0) continue;
      block.t[0] = t;
      block.x[0] = t + offset;
      rig.sinkFor(part).block(0, block);
    }
  });
  return rig.frames.flatMap(({ frame }) => (frame.type === "row" ? [frame.row] : []));
}

describe("a channel made of others", () => {
  it("has a value for each sample of the first, in the row of its instant", () => {
    const rows = run(0).slice(0, 4);
    for (const row of rows) {
      expect(row.values[0]).toBeCloseTo(5, 9);
      expect(row.values[1]).toBe(10);
      expect(row.q[0]).toBe(0);
    }
  });

  it("loses nothing where the other comes late: what is known when the row is closed counts", () => {
    const rows = run(140).slice(1, 4);
    for (const row of rows) expect(row.values[1]).toBe(10);
  });

  it("is missing where the other has never come", () => {
    const rows = run(1e9).slice(1, 4);
    for (const row of rows) {
      expect(row.values[0]).toBeNaN();
      expect(row.q[0]! & QUALITY.missing).toBe(QUALITY.missing);
    }
  });
});
