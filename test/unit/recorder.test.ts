import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../src/bus/clock.ts";
import { encodeRow } from "../../src/link/frame.ts";
import { type WireRecord, wireRecord } from "../../src/model/record.ts";
import { diskFiles } from "../../src/spool/files.ts";
import { openSpool, type Spool } from "../../src/spool/spool.ts";
import { createRecorder, type RecordStore } from "../../src/unit/recorder.ts";
import { groupStaged } from "../../src/unit/staged-rows.ts";
import { createTimebase } from "../../src/unit/timebase.ts";

const DESC = "0123456789abcdef";
const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

async function openIn(dir: string): Promise<Spool> {
  return openSpool({ dir, files: diskFiles, clock: systemClock, maxBytes: 16e6 });
}

function recorderOn(store: RecordStore, acks: number[], boot = "boot-0001") {
  return createRecorder({
    store,
    timebase: createTimebase(),
    boot,
    desc: DESC,
    tables: [
      { kind: "telemetry", columns: [{ name: "rotor_speed.mean", resolution: 0.1 }] },
      { kind: "track", columns: [{ name: "lat", resolution: 1e-9 }] },
    ],
    rowMs: 1000,
    batchRows: 10,
    bodyOf: (draft) => Buffer.from(JSON.stringify(draft)),
    ack: (n) => acks.push(n),
    failed: (e) => {
      throw e;
    },
  });
}

function feed(
  recorder: ReturnType<typeof recorderOn>,
  number: number,
  table: number,
  monoMs: number,
  value = monoMs / 1000,
) {
  const row = { table, monoMs, values: Float64Array.of(value), q: Uint16Array.of(0) };
  recorder.row(row, encodeRow(number, row), number);
}

async function recordsOf(spool: Spool): Promise<WireRecord[]> {
  const out: WireRecord[] = [];
  for (const r of await spool.read("log", 1, 1000, 1e7)) {
    if ("gap" in r) throw new Error("a hole");
    out.push(wireRecord.parse({ ...JSON.parse(Buffer.from(r.body).toString()), seq: r.seq, spool: spool.spoolId }));
  }
  return out;
}

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), "swath-recorder-"));
  dirs.push(dir);
  return dir;
}

describe("the recorder", () => {
  it("makes records of what it has while rows go on coming, without waiting for them to end", async () => {
    const spool = await openIn(folder());
    const recorder = recorderOn(
      {
        append: (lane, body, how) => spool.append(lane, body, how),
        stage: (rows, stream) => spool.stage(rows, stream),
        flush: () => spool.flush(),
      },
      [],
    );
    recorder.hello("session-1");
    let n = 0;
    const next = () => feed(recorder, ++n, 0, n * 1000);
    for (let i = 0; i < 3; i++) next();
    const coming = setInterval(next, 1);
    await recorder.settle();
    clearInterval(coming);
    const [first] = await recordsOf(spool);
    expect(first).toMatchObject({ kind: "telemetry", mono: 1000 });
    expect(first?.kind === "telemetry" && first.n).toBeGreaterThanOrEqual(3);
    await recorder.flush();
    const rows = (await recordsOf(spool)).reduce((sum, r) => sum + (r.kind === "telemetry" ? r.n : 0), 0);
    expect(rows).toBe(n);
    await spool.close();
  });

  it("makes a record of ten rows, and acknowledges rows only when they are durable", async () => {
    const spool = await openIn(folder());
    const acks: number[] = [];
    let durable = 0;
    const recorder = recorderOn(
      {
        append: async (lane, body, how) => {
          const seq = await spool.append(lane, body, how);
          durable++;
          return seq;
        },
        stage: async (rows, stream) => {
          const mark = await spool.stage(rows, stream);
          durable++;
          return mark;
        },
        flush: () => spool.flush(),
      },
      acks,
    );
    recorder.hello("session-1");
    for (let i = 0; i < 10; i++) feed(recorder, i + 1, 0, 5000 + i * 1000);
    expect([acks, durable]).toEqual([[], 0]);
    await recorder.flush();
    expect(acks.at(-1)).toBe(10);
    expect(durable).toBeGreaterThan(0);
    expect(await recordsOf(spool)).toMatchObject([
      {
        kind: "telemetry",
        mono: 5000,
        n: 10,
        dt: 1000,
        c: { "rotor_speed.mean": [5, 6, 7, 8, 9, 10, 11, 12, 13, 14] },
      },
    ]);
    await spool.close();
  });

  it("records a hole in the row grid as an outage, in order, and says that the sampler was restarted", async () => {
    const spool = await openIn(folder());
    const recorder = recorderOn(spool, []);
    recorder.hello("session-1");
    for (let i = 0; i < 3; i++) feed(recorder, i + 1, 0, 5000 + i * 1000);
    recorder.hello("session-2");
    for (let i = 0; i < 3; i++) feed(recorder, i + 1, 0, 11_000 + i * 1000);
    await recorder.flush();
    expect(
      (await recordsOf(spool)).map((r) => (r.kind === "outage" ? [r.from, r.to, r.reason] : [r.kind, r.mono])),
    ).toEqual([
      ["telemetry", 5000],
      [8000, 11_000, "sampler-restart"],
      ["telemetry", 11_000],
    ]);
    await spool.close();
  });

  it("makes a record of what an earlier run had staged, tells where the link goes on, and sees the hole after it", async () => {
    const dir = folder();
    const first = await openIn(dir);
    const before = recorderOn(first, []);
    before.hello("session-1");
    for (let i = 0; i < 4; i++) {
      feed(before, 2 * i + 1, 1, 5000 + i * 1000);
      feed(before, 2 * i + 2, 0, 5000 + i * 1000);
    }
    await first.flush();
    // The run ends here without a word: nothing of it is closed but the files.
    await expect.poll(() => first.staged().length).toBeGreaterThan(1);
    await first.close();

    const spool = await openIn(dir);
    const acks: number[] = [];
    const recorder = recorderOn(spool, acks);
    const resume = recorder.recover(spool.staged());
    expect(resume?.session).toBe("session-1");
    expect(resume?.number).toBeGreaterThan(0);
    await spool.flush();
    // Of what was staged only the place of the link is left.
    const rest = groupStaged(spool.staged().map((s) => s.rows));
    expect(rest.map((g) => [g.context.number, g.rows])).toEqual([[resume?.number, []]]);
    recorder.hello("session-9");
    feed(recorder, 1, 0, 12_000);
    await recorder.flush();
    const records = await recordsOf(spool);
    const telemetry = records.filter((r) => r.kind === "telemetry");
    expect(telemetry[0]).toMatchObject({ mono: 5000, boot: "boot-0001", desc: DESC });
    expect(records.filter((r) => r.kind === "track")[0]).toMatchObject({ at: expect.arrayContaining([0]) });
    expect(records.find((r) => r.kind === "outage")).toMatchObject({ to: 12_000, reason: "unit-restart" });
    await spool.close();
  });

  it("takes all that came during a commit into the next one, so that a slow disk makes no queue of commits", async () => {
    const acks: number[] = [];
    const stages: (() => void)[] = [];
    const recorder = recorderOn(
      {
        append: async () => 1,
        flush: async () => undefined,
        stage: (_rows, stream) => new Promise((done) => stages.push(() => done({ stream, upTo: stages.length }))),
      },
      acks,
    );
    recorder.hello("session-1");
    for (let i = 0; i < 8; i++) feed(recorder, i + 1, 0, 5000 + i * 1000);
    stages.shift()!();
    await expect.poll(() => acks).toEqual([1]);
    await expect.poll(() => stages.length).toBe(1);
    stages.shift()!();
    await expect.poll(() => acks).toEqual([1, 8]);
  });

  it("acknowledges nothing to a new sampler for what the one before it sent", async () => {
    const acks: number[] = [];
    const stages: (() => void)[] = [];
    const recorder = recorderOn(
      {
        append: async () => 1,
        flush: async () => undefined,
        stage: (_rows, stream) => new Promise((done) => stages.push(() => done({ stream, upTo: stages.length }))),
      },
      acks,
    );
    recorder.hello("session-1");
    feed(recorder, 500, 0, 5000);
    recorder.hello("session-2");
    feed(recorder, 1, 0, 6000);
    stages.shift()!();
    await expect.poll(() => stages.length).toBe(1);
    stages.shift()!();
    await expect.poll(() => acks).toEqual([1]);
  });

  it("keeps nothing of a grid without channels, however long it runs", async () => {
    const spool = await openIn(folder());
    const acks: number[] = [];
    const recorder = createRecorder({
      store: spool,
      timebase: createTimebase(),
      boot: "boot-0001",
      desc: DESC,
      tables: [
        { kind: "telemetry", columns: [] },
        { kind: "track", columns: [{ name: "lat", resolution: 1e-9 }] },
      ],
      rowMs: 1000,
      batchRows: 2,
      bodyOf: (draft) => Buffer.from(JSON.stringify(draft)),
      ack: (n) => acks.push(n),
      failed: (e) => {
        throw e;
      },
    });
    recorder.hello("session-1");
    const empty = (monoMs: number) => ({ table: 0, monoMs, values: new Float64Array(0), q: new Uint16Array(0) });
    for (let i = 0; i < 12; i++) {
      feed(recorder, 2 * i + 1, 1, 5000 + i * 1000);
      recorder.row(empty(5000 + i * 1000), encodeRow(2 * i + 2, empty(5000 + i * 1000)), 2 * i + 2);
    }
    await recorder.flush();
    expect(acks.at(-1)).toBe(24);
    expect(spool.staged()).toHaveLength(1);
    expect((await recordsOf(spool)).map((r) => r.kind)).toEqual(Array.from({ length: 6 }, () => "track"));
    await spool.close();
  });

  it("names a stall of the loop as one, also when the sampler was started again before it", async () => {
    const spool = await openIn(folder());
    const recorder = recorderOn(spool, []);
    recorder.hello("session-1");
    feed(recorder, 1, 0, 5000);
    recorder.hello("session-2");
    feed(recorder, 1, 0, 6000);
    feed(recorder, 2, 0, 9000);
    feed(recorder, 7, 0, 13_000);
    await recorder.flush();
    expect((await recordsOf(spool)).flatMap((r) => (r.kind === "outage" ? [[r.from, r.to, r.reason]] : []))).toEqual([
      [7000, 9000, "sampler-stalled"],
      [10_000, 13_000, "link-overflow"],
    ]);
    await spool.close();
  });
});
