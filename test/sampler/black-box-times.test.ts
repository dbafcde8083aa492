import { describe, expect, it } from "vitest";
import { createRing } from "../../src/dsp/ring.ts";
import { createBlock } from "../../src/model/block.ts";
import { type BoxChannel, createBlackBox } from "../../src/sampler/black-box.ts";

const AT_MS = 20_000;
const AFTER_MS = 3000;
const DRAIN_MS = 40;
const PERIOD_MS = 1.25;
const span = { beforeMs: 2000, afterMs: AFTER_MS };
const fast: BoxChannel = { name: "shock_z", unit: "m/s2", resolution: 0.48, lagMs: DRAIN_MS + 25, span };
const serial: BoxChannel = { name: "speed", unit: "m/s", resolution: 0.01, lagMs: 50, span };

/**
 * A FIFO drained every 40 ms and a serial part that says nothing any more, in steps of 1 ms: when the capture is told after
 * the last instant it holds, and with how many samples of the FIFO.
 */
function capture(channels: readonly BoxChannel[]) {
  const rings = channels.map(() => createRing(24_000));
  let sentMs = Number.NaN;
  let json = "";
  const emit = (monoMs: number, text: string) => {
    sentMs = monoMs;
    json = text;
  };
  const box = createBlackBox({ channels, longestMs: 28_000, rings, emit });
  const block = createBlock(DRAIN_MS / PERIOD_MS);
  block.n = DRAIN_MS / PERIOD_MS;
  for (let now = 0; now < AT_MS + AFTER_MS + 1000; now++) {
    // The drains lie so that the last samples wanted come at the latest moment they may.
    if (now % DRAIN_MS === DRAIN_MS - 2) {
      for (let i = 0; i < block.n; i++) {
        block.t[i] = now - DRAIN_MS + (i + 1) * PERIOD_MS;
        block.x[i] = Math.sin(block.t[i]!);
      }
      rings[0]!.push(block);
    }
    if (now === AT_MS) box.trigger({ name: "detonation_candidate", detector: "detonation", tMs: AT_MS, peak: 900 });
    if (box.due.dueMs <= now) box.due.step(now);
  }
  const told = json === "" ? undefined : JSON.parse(json);
  return { afterMs: sentMs - (AT_MS + AFTER_MS), samples: told?.channels.shock_z.x.length as number };
}

describe("the wait of the black box", () => {
  it("ends within 100 ms of the last sample, though a part is silent, and every sample of the FIFO is in the capture", () => {
    const { afterMs, samples } = capture([fast, serial]);
    console.log(`told ${afterMs} ms after its last sample`);
    expect(afterMs).toBeLessThan(100);
    expect(samples).toBe((span.beforeMs + span.afterMs) / PERIOD_MS);
  });

  it("would lose the end of the FIFO when it did not wait as long as the channel needs", () => {
    const hasty = [fast, serial].map((channel) => ({ ...channel, lagMs: 0 }));
    expect(capture(hasty).samples).toBeLessThan((span.beforeMs + span.afterMs) / PERIOD_MS);
  });

  it("lasts longer when a channel needs longer", () => {
    expect(capture([fast, { ...serial, lagMs: 300 }]).afterMs).toBeGreaterThan(300);
  });
});
