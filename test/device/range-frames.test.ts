import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { a02yyuw } from "../../devices/a02yyuw.ts";
import { tfmini } from "../../devices/tfmini.ts";
import { createSummedFrames, encodeSummedFrame } from "../../src/codec/summed-frames.ts";
import fc from "../properties.ts";
import { pieces, serialRig } from "./serial-rig.ts";

interface Golden {
  cases: { part: string; title: string; bytes: string; expect: Record<string, number | null>; q: number }[];
}
const golden = JSON.parse(readFileSync(resolve(import.meta.dirname, "../golden/range-frames.json"), "utf8")) as Golden;
const parts = { a02yyuw, tfmini };

describe("distance sensors that send frames", () => {
  it.each(golden.cases)("$part reads $title", ({ part, bytes, expect: wanted, q }) => {
    const { scans, send } = serialRig(parts[part as keyof typeof parts]);
    send(Buffer.from(bytes, "hex"));
    expect(scans).toHaveLength(1);
    for (const [key, x] of Object.entries(wanted)) expect(scans[0]!.x[key], key).toBe(x ?? Number.NaN);
    expect(scans[0]!.q["distance"]).toBe(q);
  });

  it.each([
    [a02yyuw, {}, 0.001, [0.03, 0.5, 4.5]],
    [tfmini, {}, 0.01, [0.1, 5, 11.99]],
    [tfmini, { output: "mm" }, 0.001, [0.1, 5.123, 11.999]],
  ] as const)("give through the twin of %o with %j what went in", (device, options, step, distances) => {
    for (const distance of distances) {
      const { scans, send, run, source } = serialRig(device, options);
      const value = (key: string) => (key === "distance" ? distance : undefined);
      run(1000, device.plan(options).twin!({ startMs: 1000, value, send }));
      expect(source.state).toBe("running");
      expect(Math.abs(scans.at(-1)!.x["distance"]! - distance)).toBeLessThanOrEqual(step / 2);
    }
  });

  it("give frames that arrive in bursts the times at which they were taken", () => {
    const { clock, samples, send } = serialRig(tfmini);
    const frame = Buffer.from("59597900e803c808e6".repeat(10), "hex");
    for (let burst = 0; burst < 600; burst++) {
      clock.advance(100);
      send(frame);
    }
    const times = samples["distance"]!.slice(-1000).map((s) => s.t);
    for (let i = 1; i < times.length; i++) expect(Math.abs(times[i]! - times[i - 1]! - 10)).toBeLessThan(0.5);
  });

  it("publish nothing of a frame whose sum is wrong, and count it", () => {
    for (const [device, frame] of [
      [a02yyuw, "ff07a1a6"],
      [tfmini, "59597900e803c808e7"],
    ] as const) {
      const { scans, send, source } = serialRig(device);
      send(Buffer.from(frame, "hex"));
      expect(scans).toEqual([]);
      expect(source.counters).toMatchObject({ frames: 0, badChecksum: 1 });
    }
  });

  it("say when they fall silent and when they are back", () => {
    const { run, send, states } = serialRig(a02yyuw);
    send(Buffer.from("ff07a1a7".repeat(3), "hex"));
    run(3000);
    send(Buffer.from("ff07a1a7".repeat(3), "hex"));
    expect(states).toEqual(["starting: opened", "running: frames", "degraded: silent", "running: frames"]);
  });
});

describe("frames with a sum", () => {
  const shapes = [
    { head: [0xff], bytes: 4 },
    { head: [0x59, 0x59], bytes: 9 },
  ];

  it.each(shapes)(
    "of $bytes bytes are the same for any chunks, and the last good ones are read after any noise",
    (s) => {
      const read = (chunks: Uint8Array[]) => {
        const frames: string[] = [];
        const framer = createSummedFrames(s, (f) => frames.push(Buffer.from(f).toString("hex")));
        for (const chunk of chunks) framer.push(chunk);
        return { frames, counters: { ...framer.counters } };
      };
      const good = encodeSummedFrame(s, Array(s.bytes - s.head.length - 1).fill(7));
      fc.assert(
        fc.property(
          fc.array(fc.oneof(fc.constantFrom(0x59, 0xff, 0), fc.nat(255)), { maxLength: 80 }),
          fc.array(fc.nat(100), { maxLength: 6 }),
          (noise, cuts) => {
            const stream = Uint8Array.from([...noise, ...Array<number>(s.bytes).fill(1), ...good, ...good]);
            const whole = read([stream]);
            expect(read(pieces(stream, cuts))).toEqual(whole);
            expect(whole.frames.at(-1)).toBe(Buffer.from(good).toString("hex"));
            expect(whole.counters.frames * s.bytes + whole.counters.junkBytes).toBe(stream.length);
          },
        ),
      );
    },
  );
});
