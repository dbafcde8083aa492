import { describe, expect, it } from "vitest";
import type { Lane } from "../../src/model/record.ts";
import { type AppendOptions, openSpool, type Spool } from "../../src/spool/spool.ts";
import { ModelFiles } from "../rigs/model-files.ts";

const MIB = 1024 * 1024;
const clock = { monoMs: () => 0 };
const BODY = 4000;

const open = (files: ModelFiles): Promise<Spool> => openSpool({ dir: "/spool", files, clock, maxBytes: MIB });

async function append(spool: Spool, lane: Lane, count: number, options: (i: number) => AppendOptions = () => ({})) {
  for (let i = 0; i < count; i++) {
    void spool.append(lane, Buffer.alloc(BODY, i), options(i));
    if (i % 2 === 1) await spool.flush();
  }
  await spool.flush();
}

interface Contents {
  readonly seqs: number[];
  readonly gaps: { from: number; to: number; reason: string }[];
}

async function contents(spool: Spool, lane: Lane): Promise<Contents> {
  const out: Contents = { seqs: [], gaps: [] };
  for (let at = 1; ; ) {
    const records = await spool.read(lane, at, 100, MIB);
    if (records.length === 0) return out;
    for (const r of records) {
      expect(r.seq).toBe(at);
      if ("gap" in r) out.gaps.push(r.gap);
      else out.seqs.push(r.seq);
      at = ("gap" in r ? r.gap.to : r.seq) + 1;
    }
  }
}

const onDisk = (files: ModelFiles): number => files.names().reduce((sum, n) => sum + files.content(n).length, 0);

describe("a spool that has reached its limit", () => {
  it("thins the log evenly over all its time, with gap records, and stays within its bytes", async () => {
    const files = new ModelFiles();
    const spool = await open(files);
    await append(spool, "log", 1000);
    expect(spool.state).toBe("degraded");
    expect(onDisk(files)).toBeLessThanOrEqual(MIB + 20_000);
    const { seqs, gaps } = await contents(spool, "log");
    expect(new Set(gaps.map((g) => g.reason))).toEqual(new Set(["thinned"]));
    expect(seqs.length + gaps.reduce((sum, g) => sum + g.to - g.from + 1, 0)).toBe(1000);
    expect(seqs.length).toBeGreaterThan(100);
    // No stretch of time is given up for another: each tenth keeps its share.
    for (let tenth = 0; tenth < 10; tenth++) {
      const kept = seqs.filter((s) => s > tenth * 100 && s <= tenth * 100 + 100).length;
      expect(kept, `tenth ${tenth}`).toBeGreaterThanOrEqual(6);
    }
    const again = await open(files.cut(() => 0.9));
    expect(await contents(again, "log")).toEqual({ seqs, gaps });
  });

  it("never thins what others depend on", async () => {
    const spool = await open(new ModelFiles());
    await append(spool, "log", 600, (i) => ({ keep: i % 50 === 0 }));
    const { seqs } = await contents(spool, "log");
    for (let i = 0; i < 600; i += 50) expect(seqs).toContain(i + 1);
  });

  it("drops captures before log records, the smallest peak first, and every event last", async () => {
    const files = new ModelFiles();
    const spool = await open(files);
    await append(spool, "bulk", 60, (i) => ({ weight: i < 8 ? 100 : i % 7 }));
    await append(spool, "event", 30);
    await append(spool, "log", 120);
    const bulk = await contents(spool, "bulk");
    expect(bulk.gaps.length).toBeGreaterThan(0);
    expect(new Set(bulk.gaps.map((g) => g.reason))).toEqual(new Set(["capture-dropped"]));
    expect(bulk.seqs).toEqual(expect.arrayContaining([1, 2, 3, 4, 5, 6]));
    expect((await contents(spool, "log")).gaps).toEqual([]);
    await append(spool, "log", 700);
    expect((await contents(spool, "event")).seqs.length).toBe(30);
    expect(await contents(await open(files.cut(() => 0.9)), "event")).toEqual({ seqs: expect.anything(), gaps: [] });
  });

  it("gives the reason of a hole also where the segment before it was appended to again after a restart", async () => {
    const files = new ModelFiles();
    let spool = await open(files);
    await append(spool, "bulk", 3, () => ({ weight: 9 }));
    spool = await open(files);
    for (let i = 0; i < 6; i++) void spool.append("bulk", Buffer.alloc(7900), { weight: 1 });
    await spool.flush();
    while ((await contents(spool, "bulk")).seqs.length > 3) await append(spool, "event", 2);
    expect((await contents(spool, "bulk")).seqs).toEqual([1, 2, 3]);
    spool.free("event", 60);
    await spool.append("event", Buffer.alloc(1));
    spool = await open(files);
    void spool.append("bulk", Buffer.alloc(3000), { weight: 9 });
    await spool.flush();
    spool = await open(files);
    const { seqs, gaps } = await contents(spool, "bulk");
    expect(seqs).toEqual([1, 2, 3, 10]);
    await append(spool, "bulk", 4, () => ({ weight: 9 }));
    const later = await contents(await open(files), "bulk");
    expect(later).toEqual({ seqs: [1, 2, 3, 10, 11, 12, 13, 14], gaps });
    expect(gaps).toEqual([{ from: 4, to: 9, reason: "capture-dropped" }]);
  });

  it("drops the oldest events only when nothing else is left", async () => {
    const spool = await open(new ModelFiles());
    await append(spool, "log", 20);
    await append(spool, "event", 400);
    const { seqs, gaps } = await contents(spool, "event");
    expect((await contents(spool, "log")).gaps.map((g) => g.reason)).toContain("disk-full");
    expect(gaps.map((g) => [g.from, g.reason])).toEqual([[1, "disk-full"]]);
    expect(seqs.length).toBeGreaterThan(150);
    expect(seqs.at(-1)).toBe(400);
  });

  it("gives up log records that the broker has before those that nobody has", async () => {
    const spool = await open(new ModelFiles());
    await append(spool, "log", 100);
    spool.markSent("log", 100);
    await append(spool, "log", 140);
    const { seqs, gaps } = await contents(spool, "log");
    expect(gaps.filter((g) => g.to > 100 || g.reason !== "disk-full")).toEqual([]);
    expect(gaps.length).toBe(1);
    expect(seqs.filter((s) => s > 100).length).toBe(140);
  });

  it("does the same when the disk is full for another reason, and is well again when there is room", async () => {
    const files = new ModelFiles();
    const spool = await open(files);
    await append(spool, "log", 60);
    files.free = 0;
    await append(spool, "log", 60);
    expect(spool.state).toBe("degraded");
    expect((await contents(spool, "log")).gaps.length).toBeGreaterThan(0);
    files.free = 1e12;
    await append(spool, "log", 20);
    expect(spool.state).toBe("ok");
    expect((await contents(spool, "log")).seqs.slice(-20)).toEqual(Array.from({ length: 20 }, (_, i) => 121 + i));
  });

  it("never locks up: a journal that fills while segments cannot grow is written on once there is room", async () => {
    const files = new ModelFiles();
    let nowMs = 0;
    const spool = await openSpool({ dir: "/spool", files, clock: { monoMs: () => nowMs }, maxBytes: MIB });
    const acked: number[] = [];
    files.fault = { at: files.ops + 1, kind: "ENOSPC", forEver: true };
    for (let i = 0; i < 60; i++) {
      const done = spool.append("event", Buffer.from(`event ${i}`));
      await spool.flush();
      await done;
      if (spool.state !== "failed") acked.push(i);
    }
    expect(spool.state).toBe("failed");
    expect(acked.length).toBeGreaterThan(8);
    files.fault = undefined;
    nowMs += 31_000;
    const done = spool.append("event", Buffer.from("event 60"));
    await spool.flush();
    await done;
    expect(spool.state).toBe("ok");
    const again = await open(files.cut(() => 0.9));
    const bodies = (await again.read("event", 1, 200, MIB)).flatMap((r) =>
      "gap" in r ? [] : [String(Buffer.from(r.body))],
    );
    expect(bodies).toEqual(Array.from({ length: 61 }, (_, i) => `event ${i}`));
  });
});
