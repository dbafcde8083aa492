import { decodeFrame, type Frame, type Note } from "../../src/link/frame.ts";
import { createOutbox } from "../../src/link/outbox.ts";
import { createBlock } from "../../src/model/block.ts";
import { createLateness } from "../../src/sampler/lateness.ts";
import type { PipelineSpec } from "../../src/sampler/pipeline.ts";
import { createSampler, type SamplerOptions } from "../../src/sampler/sampler.ts";

export const PERIOD_MS = 1.25;
/** Samples in one drain of the shock part, and of the slow part. */
export const DRAIN = 16;

const pipeline = (part: string, channel: number, unit: "m/s2" | "rpm", rateHz: number): PipelineSpec => ({
  name: `${part}_${channel}`,
  part,
  channel,
  signal: { unit, rateHz, range: [-2000, 2000], capacity: 64 },
  filters: [],
  stats: ["mean"],
  ringSamples: rateHz * 30,
  rowMs: 1000,
});

/** Shock on one axis at 800 samples/s and a rotor at 20, on a sampler whose frames are kept. */
export function samplerRig(own: Partial<SamplerOptions>) {
  const frames: { frame: Frame; bytes: number; atMs: number }[] = [];
  let now = 0;
  const outbox = createOutbox({ holdMs: 1e9, maxBytes: 1e9, onLost: () => undefined });
  let seen = 0;
  const sampler = createSampler({
    pipelines: [pipeline("shock", 0, "m/s2", 800), pipeline("adc", 0, "rpm", 20)],
    track: undefined,
    watches: [],
    blackBox: undefined,
    rowMs: 1000,
    startMs: 0,
    outbox,
    link: {
      connected: true,
      pump() {
        for (let next = outbox.after(seen); next !== undefined; next = outbox.after(seen)) {
          seen = next.number;
          const frame = decodeFrame(next.bytes);
          if (frame !== undefined) frames.push({ frame, bytes: next.bytes.length, atMs: now });
        }
      },
      status: () => undefined,
      close: async () => undefined,
    },
    lateness: createLateness(),
    nowMs: () => now,
    ...own,
  });
  const shock = sampler.sinkFor("shock");
  const adc = sampler.sinkFor("adc");
  const fast = createBlock(DRAIN);
  const slow = createBlock(1);
  const drainMs = DRAIN * PERIOD_MS;

  return {
    frames,
    sinkFor: sampler.sinkFor,
    /** Runs from where it is to `toMs`, calling `at` every 10 ms before what is due then. */
    schedule(toMs: number, at: (nowMs: number) => void): void {
      for (; now < toMs; now += 10) {
        at(now);
        for (const due of sampler.dues()) if (due.dueMs <= now) due.step(now);
      }
    },
    notes: () =>
      frames.flatMap(({ frame, atMs }) => (frame.type === "note" ? [{ note: frame.body as Note, atMs }] : [])),
    /** Runs from where it is to `toMs`: a drain of the shock part every 20 ms, a sample of the rotor every 50. */
    run(toMs: number, acceleration: (tMs: number) => number, rpm: (tMs: number) => number): void {
      while (now < toMs) {
        const from = now;
        now = from + drainMs;
        fast.n = DRAIN;
        for (let i = 0; i < DRAIN; i++) {
          fast.t[i] = from + i * PERIOD_MS;
          fast.x[i] = acceleration(fast.t[i]!);
        }
        shock.block(0, fast);
        const tick = Math.ceil(from / 50) * 50;
        if (tick < now) {
          slow.n = 1;
          slow.t[0] = tick;
          slow.x[0] = rpm(tick);
          adc.block(0, slow);
        }
        for (const due of sampler.dues()) if (due.dueMs <= now) due.step(now);
      }
    },
  };
}
