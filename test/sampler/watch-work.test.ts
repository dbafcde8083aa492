import { describe, expect, it } from "vitest";
import { createBlock } from "../../src/model/block.ts";
import { QUALITY } from "../../src/model/quality.ts";
import type { WatchSpec } from "../../src/sampler/detectors.ts";
import type { PipelineSpec } from "../../src/sampler/pipeline.ts";
import { samplerRig } from "./rig.ts";

const channel = (name: string, place: number, unit: "rpm" | "kPa" | "1"): PipelineSpec => ({
  name,
  part: "adc",
  channel: place,
  signal: { unit, rateHz: 5, range: [0, 50_000], capacity: 16 },
  filters: [],
  stats: ["last"],
  ringSamples: 200,
  rowMs: 1000,
});

/** Values of the three channels every 200 ms, by time. */
function run(watch: WatchSpec, toMs: number, at: (t: number) => readonly [number, number, number]) {
  const rig = samplerRig({
    pipelines: [channel("rotor", 0, "rpm"), channel("load", 1, "kPa"), channel("state", 2, "1")],
    watches: [watch],
  });
  const block = createBlock(1);
  block.n = 1;
  rig.schedule(toMs, (t) => {
    if (t % 200 !== 0) return;
    for (const [k, value] of at(t).entries()) {
      block.t[0] = t;
      block.x[0] = value;
      block.q[0] = Number.isNaN(value) ? QUALITY.missing : 0;
      rig.sinkFor("adc").block(k, block);
    }
  });
  return rig.notes().flatMap(({ note }) => (note.kind === "event" ? [note] : []));
}

describe("what the machine does, as events", () => {
  it("tells a jam with what rotor and load were, and its end", () => {
    const watch: WatchSpec = {
      kind: "jam",
      name: "rotor_jam",
      severity: "alarm",
      capture: false,
      rotor: { channel: 0, maxAgeMs: 600, holds: false },
      load: { channel: 1, maxAgeMs: 600, holds: false },
      jam: {
        rotorBelowRpm: 100,
        stoppedRpm: 20,
        loadAbove: 22_000,
        releaseRpm: 150,
        afterMs: 400,
        releaseAfterMs: 1000,
      },
    };
    const events = run(watch, 12_000, (t) => (t >= 4000 && t < 7000 ? [5, 30_000, 0] : [200, 18_000, 0]));
    expect(events).toMatchObject([
      { name: "rotor_jam", severity: "alarm", mono: 4400, source: "adc", detail: { state: "stalled", rotor: 5 } },
      { name: "rotor_jam", severity: "info", detail: { state: "normal", previous: "stalled", loadGreatest: 30_000 } },
    ]);
  });

  it("tells every change of the machine's state with how long the one before lasted", () => {
    const watch: WatchSpec = {
      kind: "state",
      name: "machine_state",
      severity: "info",
      capture: false,
      channel: 2,
      codes: ["off", "idle", "transit", "working", "stalled"],
    };
    const events = run(watch, 10_000, (t) => [0, 0, t < 2000 ? Number.NaN : t < 5000 ? 1 : t < 8000 ? 3 : Number.NaN]);
    expect(events.map((e) => [e.mono, e.detail["state"], e.detail["previous"], e.detail["lastedMs"]])).toEqual([
      [2000, "idle", "unknown", 0],
      [5000, "working", "idle", 3000],
      [8000, "unknown", "working", 3000],
    ]);
  });
});
