import { describe, expect, it } from "vitest";
import { openSpool, type Spool } from "../../src/spool/spool.ts";
import { ModelFiles, random } from "../rigs/model-files.ts";

const MIB = 1024 * 1024;
let nowMs = 0;
const clock = { monoMs: () => nowMs };
const COUNT = 120;
const bodyOf = (seq: number): string => `record ${seq} ${"abcdefgh".repeat(30)}`;

async function open(files: ModelFiles): Promise<{ spool: Spool; log: string[] }> {
  const log: string[] = [];
  const note = (code: string, message: string): number => log.push(`${code} ${message}`);
  return { spool: await openSpool({ dir: "/spool", files, clock, maxBytes: MIB, log: note }), log };
}

async function append(spool: Spool, from: number, to: number): Promise<void> {
  for (let seq = from; seq <= to; seq++) {
    const done = spool.append("log", Buffer.from(bodyOf(seq)));
    await spool.flush();
    await done;
  }
}

/** A folder with 120 records in three segments and the journal, and what a power cut leaves of it. */
async function filled(): Promise<ModelFiles> {
  const files = new ModelFiles();
  const { spool } = await open(files);
  await append(spool, 1, COUNT);
  expect(files.names().length).toBeGreaterThan(2);
  return files.cut(() => 0.9);
}

/** Which numbers of the lane are records, and the gap records in order; throws when a body is not what was written. */
async function contents(spool: Spool, id = spool.spoolId): Promise<{ seqs: Set<number>; gaps: string[] }> {
  const seqs = new Set<number>();
  const gaps: string[] = [];
  for (let at = spool.first("log", id); ; ) {
    const records = await spool.read("log", at, 50, MIB, id);
    if (records.length === 0) return { seqs, gaps };
    for (const r of records) {
      expect(r.seq).toBe(at);
      if ("gap" in r) gaps.push(`${r.gap.from}-${r.gap.to} ${r.gap.reason}`);
      else {
        expect(Buffer.from(r.body).toString()).toBe(bodyOf(r.seq));
        seqs.add(r.seq);
      }
      at = ("gap" in r ? r.gap.to : r.seq) + 1;
    }
  }
}

const missing = (seqs: Set<number>): number[] =>
  Array.from({ length: COUNT }, (_, i) => i + 1).filter((seq) => !seqs.has(seq));

const segments = (files: ModelFiles): string[] => files.names().filter((n) => n.endsWith(".seg"));

describe("damage costs the records it touched", () => {
  it("loses at most one record to a flipped byte anywhere in a segment, and says which", async () => {
    const files = await filled();
    const name = segments(files)[0]!;
    const length = files.content(name).length;
    for (let at = 0; at < length; at += 233) {
      const damaged = files.kill();
      const content = damaged.content(name);
      content[at] = content[at]! ^ 0x40;
      const { spool } = await open(damaged);
      const { seqs, gaps } = await contents(spool);
      const lost = missing(seqs);
      expect(lost.length, `byte ${at}`).toBeLessThanOrEqual(1);
      expect(gaps).toEqual(lost.map((seq) => `${seq}-${seq} corrupt`));
    }
  });

  it("loses at most one record to a flipped byte anywhere in the journal, and gives no number twice", async () => {
    const files = await filled();
    const length = files.content("journal").length;
    const places = Array.from({ length: Math.floor(length / 997) }, (_, i) => i * 997);
    // And the header of every commit: without its twin at the other end the newest one would be given up with its number.
    for (let block = 0; block < length; block += 4096)
      places.push(block + 3, block + 10, block + 40, block + 4096 - 70);
    for (const at of places) {
      const damaged = files.kill();
      const content = damaged.content("journal");
      content[at] = content[at]! ^ 0x04;
      const { spool } = await open(damaged);
      const { seqs, gaps } = await contents(spool);
      const lost = missing(seqs);
      expect(lost.length, `byte ${at}`).toBeLessThanOrEqual(1);
      expect(gaps, `byte ${at}`).toEqual(lost.map((seq) => `${seq}-${seq} corrupt`));
      const next = spool.append("log", Buffer.from(bodyOf(COUNT + 1)));
      await spool.flush();
      expect(await next, `byte ${at}`).toBe(COUNT + 1);
    }
  });

  it("loses what a lost sector held, in the journal too", async () => {
    const files = await filled();
    for (const name of files.names()) {
      for (let at = 0; at + 512 <= files.content(name).length; at += 1536) {
        const damaged = files.kill();
        damaged.content(name).fill(0xff, at, at + 512);
        const { spool } = await open(damaged);
        const { seqs } = await contents(spool);
        expect(missing(seqs).length, `${name} ${at}`).toBeLessThanOrEqual(4);
      }
    }
  });

  it("records a missing segment as one gap and keeps the rest", async () => {
    const files = await filled();
    const [first, second] = segments(files);
    const from = Number(second!.split("-")[1]!.slice(0, 15));
    const { seqs: before } = await contents((await open(files.kill())).spool);
    expect(missing(before)).toEqual([]);
    const damaged = files.kill();
    damaged.delete(first!);
    const { spool } = await open(damaged);
    expect((await contents(spool)).gaps).toEqual([`1-${from - 1} corrupt`]);
    expect(spool.state).toBe("ok");
  });

  it("keeps everything before and after a truncated segment", async () => {
    const files = await filled();
    const name = segments(files)[0]!;
    for (const length of [0, 1, 100, 4096, 5000]) {
      const damaged = files.kill();
      damaged.put(name, Buffer.from(damaged.content(name).subarray(0, length)));
      const { spool } = await open(damaged);
      const { seqs, gaps } = await contents(spool);
      expect(gaps.length).toBe(1);
      expect(missing(seqs).length).toBeLessThan(60);
      expect(seqs.has(COUNT)).toBe(true);
    }
  });

  it("is not misled by what a checkpoint that was cut left behind, wherever recovery itself is cut", async () => {
    const files = await filled();
    const id = segments(files)[0]!.split(".")[1]!;
    files.put(`log-${String(COUNT - 1).padStart(15, "0")}.${id}.seg`, Buffer.alloc(16_384));
    const cuts: ModelFiles[] = [];
    files.onOp = () => {
      for (const chance of [0, 0.4, 0.9]) cuts.push(files.cut(() => chance));
    };
    await open(files);
    files.onOp = undefined;
    for (const chance of [0, 0.9]) cuts.push(files.cut(() => chance));
    for (const [i, cut] of cuts.entries()) {
      const { spool } = await open(cut);
      expect(missing((await contents(spool)).seqs), `cut ${i}`).toEqual([]);
    }
  });

  it("keeps a foreign segment out, and says so", async () => {
    const files = await filled();
    const other = await filled();
    const foreign = segments(other)[0]!;
    files.put(foreign, other.content(foreign));
    const { spool, log } = await open(files);
    const { seqs, gaps } = await contents(spool);
    expect(missing(seqs)).toEqual([]);
    expect(gaps).toEqual([]);
    expect(log.join()).toMatch(/foreign spool/);
    expect(files.names()).toContain(foreign);
  });

  it("begins a new spool when the journal is lost, and goes on giving the old one's records under the old id", async () => {
    const files = await filled();
    const oldId = segments(files)[0]!.split(".")[1]!;
    files.delete("journal");
    for (let restart = 0; restart < 2; restart++) {
      const { spool } = await open(files);
      expect(spool.spoolId).not.toBe(oldId);
      expect(spool.spools()).toEqual([oldId, spool.spoolId]);
      const { seqs, gaps } = await contents(spool, oldId);
      expect(gaps).toEqual([]);
      expect(missing(seqs).length).toBeLessThan(40);
      if (restart === 0) await append(spool, 1, 3);
      expect((await contents(spool)).seqs).toEqual(new Set([1, 2, 3]));
    }
    const { spool } = await open(files);
    spool.free("log", 1e9, oldId);
    expect(spool.spools()).toEqual([spool.spoolId]);
    await append(spool, 4, 20);
    expect(segments(files).filter((n) => n.includes(oldId))).toEqual([]);
  });

  it("starts in a folder of noise", async () => {
    const rng = random(7);
    for (let i = 0; i < 12; i++) {
      const files = await filled();
      for (const name of files.names()) {
        const content = files.content(name);
        for (let b = 0; b < content.length; b++)
          if (i % 2 === 0 || b % 4096 < 2048) content[b] = Math.floor(rng() * 256);
      }
      const { spool } = await open(files);
      expect(spool.state).toBe("ok");
      await append(spool, 1, 1).catch(() => {});
      await contents(spool).catch(() => {});
      expect(spool.unsent("log")).toBeGreaterThan(0);
    }
  }, 60_000);
});

describe("a disk that takes nothing", () => {
  it("turns the spool into lanes in memory under an id of their own, and what was stored can still be sent", async () => {
    const files = await filled();
    files.fault = { at: 0, kind: "EROFS", forEver: true };
    const { spool, log } = await open(files);
    expect(spool.state).toBe("failed");
    expect(log.join()).toMatch(/spool\/unwritable/);
    await append(spool, 1, 5);
    const [stored, memory] = spool.spools();
    expect(memory).toBe(spool.spoolId);
    expect(missing((await contents(spool, stored)).seqs)).toEqual([]);
    expect((await contents(spool)).seqs.size).toBe(5);
  });

  it("comes back by itself: unseen records move to disk, seen ones stay until freed, and none is given twice", async () => {
    const files = await filled();
    files.fault = { at: 0, kind: "EROFS", forEver: true };
    const { spool } = await open(files);
    await append(spool, 1, 5);
    const memory = spool.spoolId;
    expect((await spool.read("log", 1, 2, MIB)).length).toBe(2);
    files.fault = undefined;
    nowMs += 31_000;
    const done = spool.append("log", Buffer.from("after"));
    await spool.flush();
    expect(await done).toBe(COUNT + 4);
    expect(spool.state).toBe("ok");
    expect(spool.spools()).toEqual([memory, spool.spoolId]);
    expect((await spool.read("log", 1, 100, MIB, memory)).map((r) => r.seq)).toEqual([1, 2]);
    const moved = await spool.read("log", COUNT + 1, 100, MIB);
    expect(moved.map((r) => ("body" in r ? Buffer.from(r.body).toString().slice(0, 8) : "gap"))).toEqual([
      "record 3",
      "record 4",
      "record 5",
      "after",
    ]);
    spool.free("log", 2, memory);
    expect(spool.spools()).toEqual([spool.spoolId]);
  });

  it("keeps the newest 16 MiB in memory, bulk going first and events last, with gap records", async () => {
    const files = new ModelFiles();
    files.fault = { at: 0, kind: "EIO", forEver: true };
    const { spool } = await open(files);
    const body = Buffer.alloc(7000, 1);
    for (let i = 0; i < 1000; i++) {
      for (const lane of ["event", "log", "bulk"] as const) void spool.append(lane, body);
      await spool.flush();
    }
    expect(spool.bytes).toBeLessThanOrEqual(16 * MIB);
    const first = async (lane: "event" | "log" | "bulk"): Promise<unknown> => (await spool.read(lane, 1, 1, MIB))[0];
    expect(await first("event")).toHaveProperty("body");
    expect(await first("log")).toHaveProperty("body");
    expect(await first("bulk")).toMatchObject({ seq: 1, gap: { from: 1, reason: "disk-full" } });
  });
});
