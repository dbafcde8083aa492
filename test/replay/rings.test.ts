import { describe, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import { loadFlat } from "../../src/config/flatten.ts";
import { createOutbox } from "../../src/link/outbox.ts";
import { compareReplays } from "../../src/replay/compare.ts";
import { explainComparison } from "../../src/replay/explain.ts";
import { objectionTo } from "../../src/replay/objections.ts";
import { replayRecording } from "../../src/replay/replay.ts";
import { ringsAsRecording } from "../../src/replay/rings.ts";
import { compose } from "../../src/sampler/compose.ts";
import { createLateness } from "../../src/sampler/lateness.ts";
import { openPart } from "../../src/sampler/open-parts.ts";
import { createRingTeller } from "../../src/sampler/ring-teller.ts";
import { createSampler } from "../../src/sampler/sampler.ts";
import { steppedClock, stepUntil } from "../../src/sampler/schedule.ts";
import { simulatedPorts } from "../../src/sampler/simulated-ports.ts";

const START_MS = 12_345;
const CHANNELS = {
  shock_x: { from: "shock.shockX", label: "Shock", stats: ["mean", "max"] },
  shock_y: { from: "shock.shockY", label: "Shock across", stats: ["mean"] },
  shock_z: { from: "shock.shockZ", label: "Shock down", stats: ["mean"] },
};

function config(channels: object, own: object = {}) {
  const unit = {
    org: "test",
    unit: "unit-1",
    machine: "machine-1",
    broker: { url: "mqtt://127.0.0.1:1" },
    buses: { i2c1: { kind: "i2c", device: 1, clockHz: 400000 } },
    parts: {
      shock: { part: "adxl375", bus: "i2c1", address: 0x1d, options: { mode: "stream", odrHz: 800 } },
      supply: { part: "ina228", bus: "i2c1", address: 0x40, options: { shuntOhm: 0.015, maxA: 10 } },
    },
    channels,
    ring: { seconds: 10 },
    rows: { everyMs: 500, batch: 4 },
    simulation: { seed: 3 },
    ...own,
  };
  return loadFlat([{ name: "unit.yaml", text: JSON.stringify(unit) }], catalogue);
}
const running = config(CHANNELS);

/** What a sampler that has run for a while tells of its rings. */
function tell(): Buffer {
  const clock = steppedClock(START_MS);
  const frames: Uint8Array[] = [];
  const sampler = createSampler({
    ...compose(running),
    startMs: START_MS,
    outbox: createOutbox({ holdMs: 1e9, maxBytes: 1e9, onLost: () => undefined }),
    link: { connected: true, pump: () => undefined, status: () => undefined, close: async () => undefined },
    lateness: createLateness(),
    nowMs: () => clock.monoMs(),
  });
  const { ports, actors } = simulatedPorts(running, clock, START_MS, Date.UTC(2026, 10, 23, 7));
  for (const part of running.parts)
    sampler.addSource(
      openPart(part, ports.get(part.bus)!, { clock, sink: sampler.sinkFor(part.name), time: { utc: () => undefined } }),
    );
  const teller = createRingTeller({
    pipelines: sampler.pipelines,
    ringMs: running.ringSeconds * 1000,
    link: { connected: true, offer: (frame) => frames.push(frame) > 0 },
    nowMs: () => clock.monoMs(),
  });
  const dues = [...actors, ...sampler.dues(), teller];
  stepUntil(dues, clock, START_MS + 15_000);
  teller.ask();
  stepUntil(dues, clock, START_MS + 16_000);
  return Buffer.concat(frames);
}

const frames = tell();
const recording = ringsAsRecording(frames, running);
const before = replayRecording(recording, running);

function rehearsed(channels: object, own: object = {}) {
  const after = config(channels, own);
  const c = compareReplays(before, replayRecording(recording, after));
  return { objection: objectionTo(c, recording, after), lines: explainComparison(c, before.fromMs) };
}

describe("the seconds in the rings, replayed", () => {
  it("are those that the rings held, in rows, of every part that the sampler reads", () => {
    expect(before.toMs - before.fromMs).toBeGreaterThan(7500);
    expect(before.toMs - before.fromMs).toBeLessThan(9000);
    expect(before.rows.length).toBeGreaterThanOrEqual(14);
    expect(before.channels.map((c) => c.name)).toEqual(["shock_x", "shock_y", "shock_z"]);
    const [shock, across] = before.channels;
    expect(shock!.usable).toBe(shock!.came);
    expect(shock!.came).toBeGreaterThan(800 * 7.5);
    expect(across!.greatest).toBeGreaterThan(across!.least);
    // No channel is made of it, so it has no ring.
    expect(before.notRecorded).toEqual(["supply"]);
  });

  it("show no difference where there is none, and nothing speaks against it", () => {
    const { objection, lines } = rehearsed(CHANNELS);
    expect(objection).toBeUndefined();
    expect(lines).toEqual(["  3 channels are the same", "  no shared column differs", "  the events are the same"]);
  });

  it("show what a new filter makes of a channel, what goes and what comes, and no difference is refused", () => {
    const { objection, lines } = rehearsed(
      {
        shock_x: { ...CHANNELS.shock_x, filters: [{ multiply: 2 }] },
        shock_y: CHANNELS.shock_y,
        watts: { from: "supply.power", label: "Power", stats: ["mean"] },
        shock_again: { from: "shock.shockX", label: "Shock again", stats: ["max"] },
      },
      { detectors: { knock: { limit: { channel: "shock_x", above: 0.2, releaseAt: 0 } } } },
    );
    expect(objection).toBeUndefined();
    expect(lines).toContain("  channels that go: shock_z");
    expect(lines).toContain("  watts is new: nothing recorded goes into it");
    expect(lines.find((l) => l.startsWith("  shock_again is new: mean "))).toBeDefined();
    expect(lines.find((l) => l.startsWith("  shock_x: mean "))).toMatch(
      /mean \S+ ⇒ \S+, least \S+ ⇒ \S+, greatest \S+ ⇒ \S+, samples (\d+), usable \1$/,
    );
    const [, least, twice] = /greatest (\S+) ⇒ (\S+),/.exec(lines.find((l) => l.startsWith("  shock_x:"))!)!;
    expect(Number(twice)).toBeCloseTo(2 * Number(least), 4);
    expect(lines).toContain("  1 channel is the same");
    expect(lines.find((l) => l.startsWith("  new: ") && l.includes("knock"))).toBeDefined();
  });

  const ALL_MARKED = /^all \d+ values of shock_x are marked unusable, and what runs now makes \d+ usable values$/;
  const NOTHING = /^nothing comes out of the filters of shock_x, and what runs now makes \d+ usable values$/;
  it.each([
    ["marks every value of a channel", [{ plausible: { max: -1e6 } }], ALL_MARKED],
    ["lets nothing out of a channel's filters, however long it runs", [{ skip_initial: { n: 1e9 } }], NOTHING],
  ] as const)("speak against a configuration that %s", (_, filters, words) => {
    const { objection } = rehearsed({ ...CHANNELS, shock_x: { ...CHANNELS.shock_x, filters } });
    expect(objection).toMatch(words);
  });

  it.each([
    ["gathers longer than the rings reach back", [{ throttle_average: { periodMs: 60_000 } }]],
    ["marks some values", [{ plausible: { max: 0 } }]],
    ["marks a channel that does not move after a while", [{ plausible: { stuckMs: 100, stuckBand: 1e6 } }]],
  ] as const)("do not speak against one that %s", (_, filters) => {
    const { objection, lines } = rehearsed({ ...CHANNELS, shock_x: { ...CHANNELS.shock_x, filters } });
    expect(objection).toBeUndefined();
    expect(lines.find((l) => l.startsWith("  shock_x: "))).toMatch(/usable \d+ ⇒ \d+$/);
  });

  it("are no recording when they are damaged", () => {
    expect(() => ringsAsRecording(frames.subarray(20), running)).toThrow(/not what a sampler tells/);
    expect(() => ringsAsRecording(new Uint8Array(0), running)).toThrow(/not what a sampler tells/);
    const half = ringsAsRecording(frames.subarray(0, frames.length / 2), running);
    expect(replayRecording(half, running).rows.length).toBeGreaterThan(0);
  });
});
