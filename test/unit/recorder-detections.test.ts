import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { systemClock } from "../../src/bus/clock.ts";
import type { Note } from "../../src/link/frame.ts";
import { type Lane, wireRecord } from "../../src/model/record.ts";
import { diskFiles } from "../../src/spool/files.ts";
import { type AppendOptions, openSpool } from "../../src/spool/spool.ts";
import { createRecorder } from "../../src/unit/recorder.ts";
import { createTimebase } from "../../src/unit/timebase.ts";

const event: Note = {
  kind: "event",
  mono: 5003.1,
  name: "detonation_candidate",
  severity: "warning",
  source: "shock",
  detail: { peak: 1300.5, clipped: false, axis: "shock_z" },
};
const capture: Note = {
  kind: "capture",
  mono: 5003.1,
  detector: "detonation",
  triggers: [{ name: "detonation_candidate", at: 0 }],
  peak: 1300.5,
  channels: {
    shock_z: { unit: "m/s2", t0: -2000, dt: 1.25, x: Array.from({ length: 12_000 }, (_, i) => (i % 900) / 10) },
  },
};

it("makes a candidate durable on the event lane at once, and its capture on the bulk lane under its peak", async () => {
  const dir = mkdtempSync(join(tmpdir(), "swath-detections-"));
  const spool = await openSpool({ dir, files: diskFiles, clock: systemClock, maxBytes: 16e6 });
  const durable: { lane: Lane; how: AppendOptions | undefined; ms: number }[] = [];
  let askedMs = 0;
  let flushes = 0;
  const recorder = createRecorder({
    store: {
      append: async (lane, body, how) => {
        const seq = await spool.append(lane, body, how);
        durable.push({ lane, how, ms: performance.now() - askedMs });
        return seq;
      },
      stage: (rows, stream) => spool.stage(rows, stream),
      flush: () => {
        flushes++;
        return spool.flush();
      },
    },
    timebase: createTimebase(),
    boot: "boot-0001",
    desc: "0123456789abcdef",
    tables: [{ kind: "telemetry", columns: [] }],
    rowMs: 1000,
    batchRows: 10,
    bodyOf: (draft) => Buffer.from(JSON.stringify(draft)),
    ack: () => undefined,
    failed: (e) => {
      throw e;
    },
  });
  try {
    recorder.hello("session-1");
    for (const [i, note] of [event, capture].entries()) {
      askedMs = performance.now();
      recorder.note(note, i + 1);
      await expect.poll(() => durable.length, { interval: 1 }).toBe(i + 1);
    }
    console.log(durable.map(({ lane, ms }) => `${lane} durable after ${ms.toFixed(1)} ms`).join(", "));
    // The spool was not left to wait for more to write.
    expect(flushes).toBe(1);
    expect(durable.map(({ lane, how }) => [lane, how])).toEqual([
      ["event", { keep: true }],
      ["bulk", { weight: 1300.5 }],
    ]);
    for (const [lane, note] of [["event", event] as const, ["bulk", capture] as const]) {
      const [stored] = await spool.read(lane, 1, 10, 1e6);
      if (stored === undefined || "gap" in stored) throw new Error("not there");
      const record = { ...JSON.parse(Buffer.from(stored.body).toString()), seq: stored.seq, spool: spool.spoolId };
      expect(wireRecord.parse(record)).toMatchObject({ ...note, boot: "boot-0001", trust: "none" });
    }
    // A person who marks a detonation confirms the candidate.
    await recorder.mark(9000, "detonation", "cab");
    const said = (await spool.read("event", 2, 10, 1e6)).map((r) => {
      if ("gap" in r) throw new Error("a gap");
      return JSON.parse(Buffer.from(r.body).toString());
    });
    expect(said.map((r) => r.name).sort()).toEqual(["detonation_confirmed", "mark"]);
    expect(said.find((r) => r.name === "detonation_confirmed").detail).toEqual({
      ofBoot: "boot-0001",
      ofMono: 5003.1,
      origin: "cab",
    });
    // The operator's key comes through the sampler.
    recorder.note({ ...event, mono: 9500 }, 3);
    recorder.note({ ...event, name: "mark", mono: 9900, detail: { kind: "detonation", origin: "key" } }, 4);
    await recorder.flush();
    const last = (await spool.read("event", 4, 10, 1e6)).map((r) =>
      "gap" in r ? "gap" : JSON.parse(Buffer.from(r.body).toString()),
    );
    expect(last.map((r) => r.name)).toEqual(["detonation_candidate", "mark", "detonation_confirmed"]);
    expect(last[2].detail).toEqual({ ofBoot: "boot-0001", ofMono: 9500, origin: "key" });
    expect(recorder.judge(9950, "detonation_rejected", "cab")).toBeUndefined();
  } finally {
    await recorder.flush();
    await spool.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
