import { describe, expect, it } from "vitest";
import { createBlock } from "../../src/model/block.ts";
import { QUALITY } from "../../src/model/quality.ts";
import { createPipeline } from "../../src/sampler/pipeline.ts";
import { createPreference } from "../../src/sampler/preference.ts";
import { samplerRig } from "./rig.ts";

const FAIL_OVER = { afterMs: 2000, returnAfterMs: 10_000 };

/** Two sources of ten samples a second whose samples are said to be good, bad, or not there at an instant. */
function rig(sources = 2, options = FAIL_OVER) {
  const switches: string[] = [];
  const preference = createPreference(sources, options, (to, from, reason, tMs) =>
    switches.push(`${tMs} ${from}→${to} ${reason}`),
  );
  const block = createBlock(1);
  let tMs = 0;
  const run = (untilMs: number, ...says: readonly ((t: number) => "good" | "bad" | "none")[]): void => {
    for (; tMs < untilMs; tMs += 100)
      for (const [source, say] of says.entries()) {
        const what = say(tMs);
        if (what === "none") continue;
        block.n = 1;
        block.t[0] = tMs;
        block.q[0] = what === "bad" ? QUALITY.missing : 0;
        preference.heard(source, block);
      }
  };
  return { run, preference, switches };
}

const good = () => "good" as const;
const bad = () => "bad" as const;
const none = () => "none" as const;

describe("the choice between sources", () => {
  it("stays with the first as long as it speaks, however well the others do", () => {
    const { run, switches } = rig();
    run(60_000, good, good);
    expect(switches).toEqual([]);
  });

  it.each([
    ["goes silent", none],
    ["has no value any more", bad],
  ])("goes to the next when the first %s, after the hold time, and back after it was good long enough", (_, worse) => {
    const { run, switches, preference } = rig();
    run(10_000, good, good);
    run(20_000, worse, good);
    expect(switches).toEqual(["12000 0→1 silent"]);
    run(29_900, good, good);
    expect(preference.speaker).toBe(1);
    run(31_000, good, good);
    expect(switches[1]).toBe("30000 1→0 returned");
  });

  it("does not come back to a source that flaps, whether it is gone or without value between", () => {
    for (const worse of [bad, none]) {
      const { run, switches } = rig();
      run(10_000, good, good);
      run(14_000, worse, good);
      run(200_000, (t) => (t % 6000 < 3000 ? "good" : worse()), good);
      expect(switches).toHaveLength(1);
    }
  });

  it("flaps without end when returning has no hold time: the negative control", () => {
    const { run, switches } = rig(2, { afterMs: 2000, returnAfterMs: 0 });
    run(100_000, (t) => (t % 6000 < 3000 ? "good" : "none"), good);
    expect(switches.length).toBeGreaterThan(20);
  });

  it("keeps the source that is nearest to the front, and skips one that is silent too", () => {
    const { run, switches } = rig(3);
    run(10_000, good, good, good);
    run(20_000, none, none, good);
    run(40_000, none, good, good);
    expect(switches.map((s) => s.split(" ")[1])).toEqual(["0→2", "2→1"]);
  });

  it("is not changed by a stall of the loop after which the stand-in is read first", () => {
    const { run, switches } = rig();
    run(10_000, good, good);
    run(18_000, none, none);
    // The stand-in comes 500 ms before the first in the same turn of the loop.
    run(18_500, none, good);
    run(30_000, good, good);
    expect(switches).toEqual([]);
  });

  it("stays where it is when all are silent", () => {
    const { run, switches } = rig();
    run(5000, good, good);
    run(90_000, none, none);
    expect(switches).toEqual([]);
  });
});

const source = (part: string) => ({
  part,
  channel: 0,
  signal: { unit: "rpm", rateHz: 10, range: [0, 4000], capacity: 8 } as const,
});

const engine = {
  name: "engine_speed",
  ...source("j1939"),
  standIns: [source("pickup")],
  failOver: FAIL_OVER,
  filters: [],
  stats: ["mean"] as const,
  ringSamples: 500,
  rowMs: 1000,
};

describe("a channel with a stand-in", () => {
  it("puts only the speaker's samples into rows and ring, and who spoke beside them", () => {
    const pipeline = createPipeline(engine);
    const block = createBlock(1);
    const rows: (number | null)[][] = [];
    let filtered = 0;
    pipeline.onFiltered(() => filtered++);
    for (let tMs = 0; tMs < 20_000; tMs += 100) {
      block.n = 1;
      block.t[0] = tMs;
      if (tMs < 5000) {
        block.x[0] = 1800;
        pipeline.accept(block, 0);
      }
      block.x[0] = 1750;
      pipeline.accept(block, 1);
      if (tMs % 1000 !== 900) continue;
      const values = new Float64Array(2);
      const q = new Uint16Array(2);
      pipeline.take(tMs - 900, values, q, 0);
      rows.push([...values].map((x) => (Number.isNaN(x) ? null : x)));
      expect(q[0]).toBe(q[1]);
    }
    expect(pipeline.columns).toBe(2);
    expect(rows.slice(0, 5)).toEqual(new Array(5).fill([1800, 0]));
    expect(rows.slice(5, 7)).toEqual(new Array(2).fill([null, null]));
    expect(rows.slice(7)).toEqual(new Array(13).fill([1750, 1]));
    expect(filtered).toBe(pipeline.ring.length);
  });

  it("tells as an event that another part speaks now", () => {
    const { notes, run } = samplerRig({
      pipelines: [
        {
          name: "engine_speed",
          ...source("gone"),
          standIns: [{ ...source("adc"), channel: 0 }],
          failOver: FAIL_OVER,
          filters: [],
          stats: ["mean"],
          ringSamples: 1000,
          rowMs: 1000,
        },
      ],
    });
    run(
      5000,
      () => 0,
      () => 200,
    );
    const told = notes().map(({ note }) => note);
    expect(told).toMatchObject([
      {
        kind: "event",
        name: "source_switch",
        severity: "warning",
        source: "adc",
        detail: { channel: "engine_speed", from: 0, to: 1, previous: "gone", reason: "silent" },
      },
    ]);
  });
});
