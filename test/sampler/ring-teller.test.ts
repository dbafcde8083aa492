import { describe, expect, it } from "vitest";
import { createRing } from "../../src/dsp/ring.ts";
import { decodeFrame, type Frame } from "../../src/link/frame.ts";
import { createBlock } from "../../src/model/block.ts";
import { createRingTeller, TOLD_SAMPLES_MAX } from "../../src/sampler/ring-teller.ts";

/** A channel of one part with samples up to `toMs`, evenly. */
function channel(part: string, place: number, rateHz: number, toMs: number, seconds = 30) {
  const ring = createRing(Math.ceil(rateHz * seconds));
  const block = createBlock(1);
  block.n = 1;
  const count = Math.ceil((rateHz * toMs) / 1000);
  for (let i = Math.max(0, count - ring.capacity); i < count; i++) {
    block.t[0] = (i * 1000) / rateHz;
    block.x[0] = i;
    block.q[0] = i % 3;
    ring.push(block);
  }
  const source = { part, channel: place, signal: { unit: "rpm", range: [0, 1], capacity: 64 } as const };
  return { part, ring, sources: [source] };
}

function rig(pipelines: ReturnType<typeof channel>[], seconds = 30) {
  const frames: Frame[] = [];
  const link = { connected: true, open: true };
  let now = 60_000;
  const teller = createRingTeller({
    pipelines,
    ringMs: seconds * 1000,
    nowMs: () => now,
    link: {
      get connected() {
        return link.connected;
      },
      offer(bytes) {
        if (link.open) frames.push(decodeFrame(bytes)!);
        return link.open;
      },
    },
  });
  const samples = () => frames.flatMap((f) => (f.type === "samples" ? [f] : []));
  return {
    ...{ teller, frames, link, samples },
    /** Steps it as often as it is due within a time; returns the most samples that one step told. */
    run(forMs: number): number {
      let most = 0;
      for (const endMs = now + forMs; now < endMs; now++) {
        if (teller.dueMs > now) continue;
        const before = frames.length;
        teller.step(now);
        const told = frames.slice(before).reduce((n, f) => n + (f.type === "samples" ? f.block.n : 0), 0);
        most = Math.max(most, told);
      }
      return most;
    },
  };
}

describe("what the sampler tells of its rings", () => {
  it("is every sample of the last seconds of every part's channel, once and in order, some thousand a step", () => {
    const pipelines = [
      channel("shock", 0, 800, 60_000),
      channel("adc", 1, 20, 60_000),
      channel("shock", 0, 800, 60_000),
    ];
    const { teller, frames, samples, run } = rig(pipelines);
    expect(run(1000)).toBe(0);
    teller.ask();
    expect(run(1000)).toBeLessThanOrEqual(2048);
    expect(frames[0]).toMatchObject({
      body: {
        word: "begin",
        fromMs: 33_000,
        toMs: 61_000,
        channels: [
          { part: "shock", channel: 0 },
          { part: "adc", channel: 1 },
        ],
      },
    });
    const xs = (at: number) => samples().flatMap((f) => (f.channel === at ? [...f.block.x] : []));
    expect(xs(0)).toEqual(Array.from({ length: 27 * 800 }, (_, i) => 33 * 800 + i));
    expect(xs(1).at(-1)).toBe(60 * 20 - 1);
    expect(frames.at(-1)).toMatchObject({ body: { word: "end", samples: xs(0).length + xs(1).length } });
    expect([...samples()[0]!.block.q.slice(0, 4)]).toEqual([0, 1, 2, 0]);
    expect(teller.dueMs).toBe(Number.POSITIVE_INFINITY);
  });

  it("leaves out what is made of other channels", () => {
    const { teller, frames, run } = rig([channel("", -1, 20, 60_000), channel("adc", 1, 20, 60_000)]);
    teller.ask();
    run(100);
    expect(frames[0]).toMatchObject({ body: { channels: [{ part: "adc", channel: 1 }] } });
  });

  it("is only the newest seconds where there is more than a rehearsal takes", () => {
    const pipelines = [0, 1, 2].map((i) => channel("shock", i, 10_000, 60_000));
    const { teller, frames, samples, run } = rig(pipelines);
    teller.ask();
    run(20_000);
    const told = samples().reduce((n, f) => n + f.block.n, 0);
    expect(told).toBeLessThanOrEqual(TOLD_SAMPLES_MAX);
    expect(told).toBeGreaterThan(TOLD_SAMPLES_MAX / 3);
    expect(frames.at(-1)).toMatchObject({ body: { word: "end" } });
    expect(samples().at(-1)!.block.t.at(-1)).toBeCloseTo(59_999.9);
  });

  it("waits outside the loop for a unit that does not read, and is forgotten with one that is gone", () => {
    const { teller, frames, link, run } = rig([channel("shock", 0, 800, 60_000)]);
    teller.ask();
    run(3);
    const before = frames.length;
    link.open = false;
    run(500);
    expect(frames.length).toBe(before);
    link.open = true;
    run(200);
    expect(frames.at(-1)).toMatchObject({ body: { word: "end" } });
    const sum = frames.reduce((n, f) => n + (f.type === "samples" ? f.block.n : 0), 0);
    expect(frames.at(-1)).toMatchObject({ body: { samples: sum } });
    teller.ask();
    link.open = false;
    link.connected = false;
    run(10);
    expect(teller.dueMs).toBe(Number.POSITIVE_INFINITY);
  });
});
