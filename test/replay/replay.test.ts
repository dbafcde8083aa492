import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { catalogue } from "../../devices/index.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { LoadedConfig } from "../../src/config/loaded.ts";
import { createOutbox } from "../../src/link/outbox.ts";
import { compareReplays, eventsOf } from "../../src/replay/compare.ts";
import { entriesOf } from "../../src/replay/format.ts";
import { replayRecording } from "../../src/replay/replay.ts";
import { createTap } from "../../src/replay/tap.ts";
import { compose } from "../../src/sampler/compose.ts";
import { createGnssAnchor } from "../../src/sampler/gnss-anchor.ts";
import { createLateness } from "../../src/sampler/lateness.ts";
import { openPart } from "../../src/sampler/open-parts.ts";
import { createSampler } from "../../src/sampler/sampler.ts";
import { steppedClock, stepUntil } from "../../src/sampler/schedule.ts";
import { simulatedPorts } from "../../src/sampler/simulated-ports.ts";

const demo = loadConfig(join(import.meta.dirname, "../../config/demo.yaml"), { catalogue });
const START_MS = 12_345;

/** The simulated machine run live for a time: the frames its unit would get, and the recording made beside it. */
function runLive(config: LoadedConfig, forMs: number) {
  const clock = steppedClock(START_MS);
  const parts: Uint8Array[] = [];
  const frames: Uint8Array[] = [];
  const outbox = createOutbox({ holdMs: Infinity, maxBytes: Infinity, onLost: () => undefined });
  const tap = createTap({ config, software: "swath test", clock, maxBytes: 1e9, write: (e) => parts.push(e.slice()) });
  const sampler = createSampler({
    ...compose(config),
    startMs: clock.monoMs(),
    outbox,
    link: {
      connected: true,
      pump() {
        for (let next = outbox.after(frames.length); next !== undefined; next = outbox.after(frames.length)) {
          frames.push(next.bytes);
          outbox.ack(next.number);
        }
      },
      status: () => undefined,
      close: async () => undefined,
    },
    lateness: createLateness(),
    nowMs: () => clock.monoMs(),
  });
  const { ports, actors } = simulatedPorts(config, clock, START_MS, Date.UTC(2026, 10, 23, 7));
  const time = createGnssAnchor((anchor) => sampler.anchor(anchor));
  for (const part of config.parts) {
    const port = tap.port(part.bus, ports.get(part.bus)!);
    sampler.addSource(openPart(part, port, { clock, sink: tap.sink(part.name, sampler.sinkFor(part.name)), time }));
  }
  stepUntil([...actors, ...sampler.dues()], clock, START_MS + forMs);
  tap.end();
  return { frames, recording: Buffer.concat(parts) };
}

const live = runLive(demo, 25_000);

describe("a recording of the simulated machine, replayed", () => {
  const replayed = replayRecording(live.recording, demo);

  it("gives frame by frame and byte for byte what the live sampler sent", () => {
    expect(live.frames.length).toBeGreaterThan(100);
    expect(replayed.frames.length).toBe(live.frames.length);
    for (const [i, frame] of live.frames.entries()) expect(Buffer.compare(replayed.frames[i]!, frame), `${i}`).toBe(0);
    expect(replayed).toMatchObject({ unread: 0, notRecorded: [], notConfigured: [] });
  });

  it("gives the same again", () => {
    const again = replayRecording(live.recording, demo);
    expect(Buffer.compare(Buffer.concat(again.frames), Buffer.concat(replayed.frames))).toBe(0);
  });

  it("would be seen to differ by a single sample that is not there", () => {
    let blocks = 0;
    const kept = [...entriesOf(live.recording)].findIndex((e) => e.kind === "block" && blocks++ === 500);
    let at = 8;
    for (let i = 0; i < kept; i++) at += 20 + live.recording.readUInt32LE(at);
    const without = Buffer.concat([
      live.recording.subarray(0, at),
      live.recording.subarray(at + 20 + live.recording.readUInt32LE(at)),
    ]);
    expect(Buffer.compare(Buffer.concat(replayRecording(without, demo).frames), Buffer.concat(live.frames))).not.toBe(
      0,
    );
  });

  it("shows what another configuration would have made of it", () => {
    const other: LoadedConfig = {
      ...demo,
      channels: demo.channels.map((c) => (c.column === "engine_speed" ? { ...c, filters: [{ median: 5 }] } : c)),
      detectors: demo.detectors.map((d) =>
        d.kind === "limit" && d.name === "low_supply" ? { ...d, below: 27.6, releaseAt: 27.9, afterMs: 0 } : d,
      ),
    };
    const c = compareReplays(replayed, replayRecording(live.recording, other));
    expect(c.columns.filter((x) => x.differing > 0).map((x) => x.column.split(".")[0])).toContain("engine_speed");
    expect(c.columns.find((x) => x.column === "rotor_speed.mean")?.differing).toBe(0);
    expect(c.appeared.map((e) => e.name)).toContain("low_supply");
    expect(c.vanished).toEqual([]);
    expect(eventsOf(replayed).some((e) => e.name === "machine_state")).toBe(true);
  });

  it("has nothing of parts it does not know, and says so", () => {
    const parts = demo.parts.filter((p) => p.name !== "shock");
    const fewer = { ...demo, parts, channels: demo.channels.filter((c) => c.part !== "shock"), detectors: [] };
    expect(replayRecording(live.recording, fewer).notConfigured).toEqual(["shock"]);
    const renamed = { ...demo, parts: demo.parts.map((p) => (p.name === "shock" ? { ...p, name: "shock2" } : p)) };
    expect(replayRecording(live.recording, renamed).notRecorded).toEqual(["shock2"]);
  });
});

describe("a recording", () => {
  it("that was cut or damaged is read up to there", () => {
    const whole = [...entriesOf(live.recording)].length;
    const cut = live.recording.subarray(0, live.recording.length - 1000);
    const read = replayRecording(cut, demo);
    expect(read.unread).toBeGreaterThan(0);
    expect([...entriesOf(cut)].length).toBeLessThan(whole);
    const hurt = Buffer.from(live.recording);
    hurt[hurt.length >> 1]! ^= 1;
    expect([...entriesOf(hurt)].length).toBeLessThan(whole);
    expect(replayRecording(hurt, demo).unread).toBeGreaterThan(1000);
  });

  it("ends where it would grow too large, and says so", () => {
    const parts: Uint8Array[] = [];
    const clock = steppedClock(0);
    const tap = createTap({ config: demo, software: "t", clock, maxBytes: 2000, write: (e) => parts.push(e.slice()) });
    const sink = tap.sink("shock", { block: () => undefined, scan: () => undefined, state: () => undefined });
    for (let i = 0; i < 300; i++) sink.scan(i);
    tap.end();
    const all = [...entriesOf(Buffer.concat(parts))];
    expect(Buffer.concat(parts).length).toBeLessThan(2100);
    expect(all.at(-1)).toMatchObject({ kind: "end", reason: "full" });
  });

  it("is refused where it is none", () => {
    expect(() => replayRecording(Buffer.from("$GNGGA,…"), demo)).toThrow(/no recording/);
  });
});
