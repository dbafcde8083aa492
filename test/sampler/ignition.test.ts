import { describe, expect, it } from "vitest";
import { createBlock } from "../../src/model/block.ts";
import type { Ignition } from "../../src/model/power.ts";
import { QUALITY } from "../../src/model/quality.ts";
import { createIgnitionSense, type IgnitionSpec } from "../../src/sampler/ignition.ts";
import { createPipeline } from "../../src/sampler/pipeline.ts";
import fc from "../properties.ts";

const channel = (name: string) =>
  createPipeline({
    name,
    part: name,
    channel: 0,
    signal: { unit: "1", rateHz: 20, range: [-1e6, 1e6], capacity: 64 },
    filters: [],
    stats: ["last"],
    ringSamples: 600,
    rowMs: 1000,
  });

const HOLD_MS = 5000;

/** A sense and the channel that shows that the machine runs; samples are given one by one. */
function open(own: Partial<IgnitionSpec> = {}) {
  const pipelines = [channel("ignition"), channel("engine_speed")];
  const changes: Ignition[] = [];
  const block = createBlock(1);
  let atMs = 0;
  const sense = createIgnitionSense(
    { channel: 0, onAbove: 0.5, offBelow: 0.5, offHoldMs: HOLD_MS, ...own },
    pipelines,
    () => changes.push(sense(atMs)),
  );
  const put = (place: number, tMs: number, x: number, q = 0) => {
    atMs = tMs;
    block.n = 1;
    block.t[0] = tMs;
    block.x[0] = x;
    block.q[0] = q;
    pipelines[place]!.accept(block);
  };
  return {
    sense,
    changes,
    put: (tMs: number, x: number, q = 0) => put(0, tMs, x, q),
    engine: (tMs: number, rpm: number, q = 0) => put(1, tMs, rpm, q),
    /** Samples each 50 ms from the first instant up to and with the last. */
    run(fromMs: number, toMs: number, x: (tMs: number) => number, q = 0): Ignition {
      for (let t = fromMs; t <= toMs; t += 50) put(0, t, x(t), q);
      return sense(toMs);
    },
  };
}

describe("the sense of the ignition", () => {
  it("believes on at once, and off only when nothing else was said for the whole hold", () => {
    const { run, sense, changes } = open();
    expect(sense(0)).toBe("unknown");
    expect(run(0, 1000, () => 1)).toBe("on");
    expect(run(1050, 1050 + HOLD_MS - 50, () => 0)).toBe("leaving");
    expect(run(1050 + HOLD_MS, 1050 + HOLD_MS, () => 0)).toBe("off");
    expect(run(6100, 6100, () => 1)).toBe("on");
    expect(changes).toEqual(["on", "leaving", "off", "on"]);
  });

  it("never takes a key that flickers, or a contact that bounces, for one that is off; steady off it does", () => {
    const { run } = open();
    run(0, 1000, () => 1);
    expect(run(1050, 60_000, (t) => (t % 4900 < 100 ? 1 : 0))).not.toBe("off");
    const bounced = run(60_050, 60_500, (t) => (t / 50) % 2);
    expect(["on", "leaving"]).toContain(bounced);
    expect(run(60_550, 66_000, () => 0)).toBe("off");
  });

  it.each([
    ["silence", (_: ReturnType<typeof open>) => undefined],
    ["samples marked missing", (o: ReturnType<typeof open>) => o.run(3050, 30_000, () => Number.NaN, QUALITY.missing)],
    ["samples marked stale", (o: ReturnType<typeof open>) => o.run(3050, 30_000, () => 0, QUALITY.stale)],
    ["samples marked suspect", (o: ReturnType<typeof open>) => o.run(3050, 30_000, () => 0, QUALITY.suspect)],
    ["samples that are no number", (o: ReturnType<typeof open>) => o.run(3050, 30_000, () => Number.NaN)],
  ])("makes unknown of %s, whatever was said before, and off is reckoned anew behind it", (_, then) => {
    const o = open();
    o.run(0, 1000, () => 1);
    expect(o.run(1050, 3000, () => 0)).toBe("leaving");
    then(o);
    expect(o.sense(30_000)).toBe("unknown");
    // Not one sample after the hole makes what was before it longer.
    expect(o.run(30_050, 30_050, () => 0)).toBe("leaving");
    expect(o.run(30_100, 35_000, () => 0)).toBe("leaving");
    expect(o.run(35_050, 35_050, () => 0)).toBe("off");
    expect(o.sense(38_100)).toBe("unknown");
  });

  it("keeps what it was between two thresholds, and knows nothing when the first sample lies there", () => {
    const { run } = open({ onAbove: 18, offBelow: 9 });
    expect(run(0, 500, () => 12)).toBe("unknown");
    expect(run(550, 1000, () => 27)).toBe("on");
    expect(run(1050, 20_000, () => 12)).toBe("on");
    expect(run(20_050, 21_000, () => 3)).toBe("leaving");
    expect(run(21_050, 26_000, () => 12)).toBe("off");
  });

  it("is unknown while the machine plainly runs, and the hold begins when it has stopped", () => {
    const o = open({ unless: { channel: 1, above: 300 } });
    o.run(0, 1000, () => 1);
    for (let t = 1050; t <= 60_000; t += 50) {
      o.engine(t, 1900);
      o.put(t, 0);
      expect(o.sense(t)).toBe("unknown");
    }
    // Without that channel the same broken wire reads as a key that is off.
    const bare = open();
    bare.run(0, 1000, () => 1);
    expect(bare.run(1050, 60_000, () => 0)).toBe("off");
    o.engine(60_050, 1900);
    for (let t = 60_050; t < 60_050 + HOLD_MS; t += 50) {
      o.put(t, 0);
      expect(o.sense(t)).not.toBe("off");
    }
    o.put(60_050 + HOLD_MS, 0);
    expect(o.sense(60_050 + HOLD_MS)).toBe("off");
  });

  it("says off only when every usable sample of the last hold said so, without a hole, whatever comes", () => {
    const kind = fc.constantFrom<"on" | "off" | "bad" | "hole">(
      "on",
      "off",
      "off",
      "off",
      "off",
      "off",
      "off",
      "bad",
      "hole",
    );
    fc.assert(
      fc.property(fc.array(kind, { minLength: 10, maxLength: 120 }), (kinds) => {
        const o = open({ offHoldMs: 1000 });
        const said: { tMs: number; off: boolean }[] = [];
        let tMs = 0;
        for (const one of kinds) {
          tMs += one === "hole" ? 3500 : 100;
          if (one === "hole") continue;
          o.put(tMs, one === "on" ? 1 : 0, one === "bad" ? QUALITY.missing : 0);
          if (one !== "bad") said.push({ tMs, off: one === "off" });
          if (o.sense(tMs) !== "off") continue;
          const hold = said.slice(said.findLastIndex((s) => !s.off) + 1);
          const broken = hold.findLastIndex((s, i) => i > 0 && s.tMs - hold[i - 1]!.tMs > 3000);
          const whole = hold.slice(Math.max(0, broken));
          expect(whole.at(-1)!.tMs - whole[0]!.tMs).toBeGreaterThanOrEqual(1000);
        }
      }),
    );
  });
});
