import { describe, expect, it } from "vitest";
import { liveMessage } from "../../src/model/record.ts";
import { createLive } from "../../src/unit/live.ts";
import { createTimebase } from "../../src/unit/timebase.ts";

function rig(everyMs: number) {
  const sent: unknown[] = [];
  const live = createLive({
    tables: [[{ name: "rotor_speed.mean", resolution: 0.1 }], [{ name: "lat", resolution: 1e-9 }]],
    everyMs,
    boot: "boot-0001",
    desc: "0123456789abcdef",
    timebase: createTimebase(),
    publish: (bytes) => sent.push(JSON.parse(bytes.toString())),
  });
  const row = (table: number, monoMs: number, value: number, q = 0) =>
    live.row({ table, monoMs, values: Float64Array.of(value), q: Uint16Array.of(q) });
  return { sent, row };
}

describe("live messages", () => {
  it("hold the newest row and the newest fix, with absent as null", () => {
    const { sent, row } = rig(200);
    row(1, 1000, 13.3576131234);
    row(0, 2000, Number.NaN, 8);
    expect(sent.map((m) => liveMessage.parse(m).c)).toEqual([
      { lat: 13.357613123 },
      { lat: 13.357613123, "rotor_speed.mean": null },
    ]);
    expect(liveMessage.parse(sent[1]).q).toEqual({ "rotor_speed.mean": 8 });
  });

  it("follow a jittering 10 Hz receiver at 10 Hz, and hold a faster one back", () => {
    const jitter = [0, 7, -6, 3, -4];
    const steady = rig(100);
    for (let i = 0; i < 100; i++) steady.row(1, 1000 + i * 100 + jitter[i % 5]!, 1);
    expect(steady.sent.length).toBeGreaterThan(97);
    const fast = rig(100);
    for (let i = 0; i < 1000; i++) fast.row(1, 1000 + i * 10, 1);
    expect(fast.sent.length).toBeLessThan(105);
  });
});
