import { describe, expect, it } from "vitest";
import type { Lane } from "../../src/model/record.ts";
import type { SpoolFiles } from "../../src/spool/files.ts";
import type { StoredRecord } from "../../src/spool/lane-log.ts";
import { openSpool, type Spool } from "../../src/spool/spool.ts";
import { ModelFiles } from "../rigs/model-files.ts";

const MIB = 1024 * 1024;
const nowMs = 0;
const clock = { monoMs: () => nowMs };

function open(files: ModelFiles, log?: (code: string, message: string) => void): Promise<Spool> {
  return openSpool({ dir: "/spool", files, clock, maxBytes: MIB, ...(log && { log }) });
}

const text = (s: string): Uint8Array => Buffer.from(s);
const show = (records: StoredRecord[]): string[] =>
  records.map((r) => ("gap" in r ? `${r.gap.from}-${r.gap.to} ${r.gap.reason}` : `${r.seq} ${Buffer.from(r.body)}`));

async function append(spool: Spool, lane: Lane, ...bodies: string[]): Promise<number[]> {
  const seqs = bodies.map((b) => spool.append(lane, text(b)));
  await spool.flush();
  return Promise.all(seqs);
}

describe("the spool", () => {
  it("gives numbers from 1 in each lane and reads records back in order", async () => {
    const spool = await open(new ModelFiles());
    expect(await append(spool, "log", "a", "b", "c")).toEqual([1, 2, 3]);
    expect(await append(spool, "event", "x")).toEqual([1]);
    expect(show(await spool.read("log", 1, 100, MIB))).toEqual(["1 a", "2 b", "3 c"]);
    expect(show(await spool.read("log", 2, 1, MIB))).toEqual(["2 b"]);
    expect(show(await spool.read("event", 1, 100, MIB))).toEqual(["1 x"]);
    expect(spool.unsent("log")).toBe(3);
    expect(spool.state).toBe("ok");
    expect(spool.spoolId).toMatch(/^[0-9a-f]{16}$/);
  });

  it("commits an event within 100 ms without being asked", async () => {
    const spool = await open(new ModelFiles());
    const started = performance.now();
    await spool.append("event", text("bang"));
    expect(performance.now() - started).toBeLessThan(100);
    await spool.close();
  });

  it("commits rows and log records within a second without being asked, in one sync", async () => {
    const files = new ModelFiles();
    const spool = await open(files);
    const before = files.syncs;
    const started = performance.now();
    await Promise.all([
      spool.append("log", text("record")),
      spool.stage(text("row")),
      spool.append("bulk", text("wave")),
    ]);
    expect(performance.now() - started).toBeLessThan(1000);
    expect(files.syncs).toBe(before + 1);
  });

  it("waits out a card that stalls: nothing is acknowledged before its sync, and nothing is lost", async () => {
    const files = new ModelFiles();
    let release = (): void => {};
    const stalled = new Promise<void>((resolve) => {
      release = resolve;
    });
    let stall = false;
    const slow: SpoolFiles = {
      open: async (path, mode) => {
        const file = await files.open(path, mode);
        return { ...file, sync: async () => (stall ? stalled.then(() => file.sync()) : file.sync()) };
      },
      rename: (from, to) => files.rename(from, to),
      unlink: (path) => files.unlink(path),
      mkdir: () => files.mkdir(),
      list: () => files.list(),
      syncDir: () => files.syncDir(),
      freeBytes: () => files.freeBytes(),
    };
    const spool = await openSpool({ dir: "/spool", files: slow, clock, maxBytes: MIB });
    stall = true;
    let acked = 0;
    const appends = Array.from({ length: 200 }, (_, i) => spool.append("event", text(`e${i}`)).then(() => acked++));
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    void spool.flush();
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(acked).toBe(0);
    expect(await spool.read("event", 1, 10, MIB)).toEqual([]);
    stall = false;
    release();
    await Promise.all(appends);
    expect((await spool.read("event", 1, 500, MIB)).length).toBe(200);
    expect(spool.state).toBe("ok");
  });

  it("refuses a record that would not fit into a commit, and rows without end", async () => {
    const spool = await open(new ModelFiles());
    await expect(spool.append("bulk", new Uint8Array(20_000))).rejects.toThrow(/at most/);
    await expect(spool.stage(new Uint8Array(20_000))).rejects.toMatchObject({ code: "spool/full" });
    expect(await append(spool, "log", "fine")).toEqual([1]);
  });

  it("puts many appends into one sync", async () => {
    const files = new ModelFiles();
    const spool = await open(files);
    const before = files.syncs;
    await append(spool, "log", ...Array.from({ length: 50 }, (_, i) => `record ${i}`));
    expect(files.syncs).toBe(before + 1);
  });

  it("has everything after a power cut, under the same id, and goes on numbering", async () => {
    const files = new ModelFiles();
    const spool = await open(files);
    for (let i = 0; i < 300; i++) await append(spool, "log", `r${i} ${"x".repeat(200)}`);
    const again = await open(files.cut(() => 0.9));
    expect(again.spoolId).toBe(spool.spoolId);
    const records = await again.read("log", 1, 1000, MIB);
    expect(records.length).toBe(300);
    expect(show(records)[299]).toBe(`300 r299 ${"x".repeat(200)}`);
    expect(await append(again, "log", "next")).toEqual([301]);
  });

  it("limits what it reads by bytes but always gives one record", async () => {
    const spool = await open(new ModelFiles());
    await append(spool, "log", "aaaa", "bbbb", "cccc");
    expect(show(await spool.read("log", 1, 10, 9))).toEqual(["1 aaaa", "2 bbbb"]);
    expect(show(await spool.read("log", 1, 10, 1))).toEqual(["1 aaaa"]);
  });

  it("frees up to a number, never more than was given, and remembers it", async () => {
    const files = new ModelFiles();
    const spool = await open(files);
    await append(spool, "log", "a", "b", "c");
    spool.free("log", 2);
    expect(show(await spool.read("log", 1, 10, MIB))).toEqual(["3 c"]);
    spool.free("log", 2, "0123456789abcdef");
    spool.free("log", 99);
    expect(spool.unsent("log")).toBe(0);
    await append(spool, "log", "d");
    const again = await open(files.cut(() => 0.9));
    expect(again.first("log")).toBe(4);
    expect(show(await again.read("log", 1, 10, MIB))).toEqual(["4 d"]);
  });

  it("removes segments whose records are all freed", async () => {
    const files = new ModelFiles();
    const spool = await open(files);
    for (let i = 0; i < 600; i++) await append(spool, "log", `r${i} ${"x".repeat(200)}`);
    const full = files.names().length;
    expect(full).toBeGreaterThan(6);
    spool.free("log", 600);
    for (let i = 0; i < 20; i++) await append(spool, "log", "more");
    expect(files.names().length).toBeLessThan(4);
    const again = await open(files.cut(() => 0.9));
    expect(again.unsent("log")).toBe(20);
  });

  it("writes nothing to segments that is freed before the journal is checkpointed", async () => {
    const files = new ModelFiles();
    const spool = await open(files);
    for (let i = 0; i < 200; i++) {
      const [seq] = await append(spool, "log", `r${i}`);
      spool.free("log", seq!);
    }
    expect(files.names()).toEqual(["journal"]);
  });

  it("does not keep a body that the caller changes afterwards", async () => {
    const spool = await open(new ModelFiles());
    const body = Buffer.from("good");
    const seq = spool.append("log", body);
    body.fill(0);
    await spool.flush();
    expect(show(await spool.read("log", await seq, 1, MIB))).toEqual(["1 good"]);
  });
});

describe("rows that are staged", () => {
  it("come back after a cut as long as no record has replaced them", async () => {
    const files = new ModelFiles();
    const spool = await open(files);
    const marks = [spool.stage(text("row 1")), spool.stage(text("row 2")), spool.stage(text("fix 1"), 1)];
    await spool.flush();
    await Promise.all(marks);
    const again = await open(files.cut(() => 0.9));
    expect(again.staged().map((s) => `${s.mark.stream} ${Buffer.from(s.rows)}`)).toEqual([
      "0 row 1",
      "0 row 2",
      "1 fix 1",
    ]);
  });

  it("are gone in the same instant in which the record is there, and only in their stream", async () => {
    const files = new ModelFiles();
    const spool = await open(files);
    const marks = [spool.stage(text("row 1")), spool.stage(text("row 2")), spool.stage(text("fix 1"), 1)];
    await spool.flush();
    const done = spool.append("log", text("record"), { supersedes: await marks[1]! });
    await spool.flush();
    await done;
    const again = await open(files.cut(() => 0.9));
    expect(again.staged().map((s) => `${Buffer.from(s.rows)}`)).toEqual(["fix 1"]);
    expect(show(await again.read("log", 1, 10, MIB))).toEqual(["1 record"]);
  });

  it("survive any number of checkpoints", async () => {
    const files = new ModelFiles();
    const spool = await open(files);
    const mark = spool.stage(text("row"));
    await spool.flush();
    await mark;
    for (let i = 0; i < 200; i++) await append(spool, "log", `r${i}`);
    const again = await open(files.cut(() => 0.9));
    expect(again.staged().map((s) => `${Buffer.from(s.rows)}`)).toEqual(["row"]);
    const done = again.append("log", text("record"), { supersedes: again.staged()[0]!.mark });
    await again.flush();
    await done;
    expect(again.staged()).toEqual([]);
  });
});
