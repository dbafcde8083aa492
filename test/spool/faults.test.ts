import { describe, expect, it } from "vitest";
import { LANES, type Lane } from "../../src/model/record.ts";
import { openSpool, type Spool } from "../../src/spool/spool.ts";
import { FAULTS, type Fault, ModelFiles, random } from "../rigs/model-files.ts";

const MIB = 1024 * 1024;
let nowMs = 0;
const clock = { monoMs: () => nowMs };
const open = (files: ModelFiles): Promise<Spool> => openSpool({ dir: "/spool", files, clock, maxBytes: MIB });

interface Acked {
  readonly lane: Lane;
  readonly body: string;
  readonly durable: boolean;
}

/** Appends `rounds` times to two lanes; says what was acknowledged and whether the spool called it durable then. */
async function load(spool: Spool, rounds: number, name: string): Promise<Acked[]> {
  const acked: Acked[] = [];
  for (let i = 0; i < rounds; i++) {
    const appended = (["event", "log"] as const).map(async (lane) => {
      const body = `${name} ${lane} ${i} ${"x".repeat(300)}`;
      await spool.append(lane, Buffer.from(body));
      acked.push({ lane, body, durable: spool.state !== "failed" });
    });
    await spool.flush();
    await Promise.all(appended);
    nowMs += 1000;
  }
  return acked;
}

/** Every body that a reader can drain, over all spool ids. Reading may fail while the disk does; then it is asked again. */
async function drain(spool: Spool, dropped?: { count: number }): Promise<Map<Lane, string[]>> {
  const out = new Map<Lane, string[]>();
  for (const lane of LANES) {
    const bodies: string[] = [];
    for (const id of spool.spools()) {
      for (let at = spool.first(lane, id); ; ) {
        const records = await spool.read(lane, at, 50, MIB, id).catch(() => spool.read(lane, at, 50, MIB, id));
        if (records.length === 0) break;
        for (const r of records) {
          if (dropped && "gap" in r && r.gap.reason === "disk-full") dropped.count += r.gap.to - r.gap.from + 1;
          if (!("gap" in r)) bodies.push(Buffer.from(r.body).toString());
          at = ("gap" in r ? r.gap.to : r.seq) + 1;
        }
      }
    }
    out.set(lane, bodies);
  }
  return out;
}

/** Everything acknowledged is there once; `dropped` numbers may be explained by gap records instead. */
function expectAll(acked: readonly Acked[], drained: Map<Lane, string[]>, where: string, dropped = 0): void {
  for (const lane of LANES) {
    const bodies = drained.get(lane)!;
    expect(new Set(bodies).size, `${where}: ${lane} twice`).toBe(bodies.length);
    const there = new Set(bodies);
    const lost = acked.filter((a) => a.lane === lane && !there.has(a.body)).map((a) => a.body.slice(0, 20));
    if (lost.length > dropped) expect(lost, `${where}: ${lane} lost`).toEqual([]);
  }
}

const KINDS: { kind: Fault; forEver: boolean; title: string }[] = FAULTS.flatMap((kind) => [
  { kind, forEver: false, title: `${kind} once` },
  { kind, forEver: true, title: `${kind} for ever` },
]);

describe("when every file operation fails in turn", () => {
  it.each(KINDS)("keeps taking and giving records and loses nothing durable: $title", async ({ kind, forEver }) => {
    const healthy = new ModelFiles();
    await load(await open(healthy), 15, "count");
    const ops = healthy.ops;
    expect(ops).toBeGreaterThan(40);
    for (let at = 1; at <= ops; at++) {
      const where = `${kind} at operation ${at}`;
      const files = new ModelFiles();
      files.fault = { at, kind, forEver };
      const spool = await open(files);
      const acked = await load(spool, 15, "run");
      expect(acked.length, where).toBe(30);
      // In this process everything can be read, as long as the disk can.
      if (!forEver || kind === "EROFS" || kind === "fsync") expectAll(acked, await drain(spool), where);
      // After a power cut, on a disk that works again, everything that was called durable.
      const cut = files.cut(random(at));
      const again = await open(cut);
      expect(again.state, where).not.toBe("failed");
      const durable = { count: 0 };
      expectAll(
        acked.filter((a) => a.durable),
        await drain(again, durable),
        `${where}, after a cut`,
        kind === "ENOSPC" && forEver ? durable.count : 0,
      );
      // In the same process, the disk comes back.
      files.fault = undefined;
      nowMs += 31_000;
      acked.push(...(await load(spool, 2, "later")));
      expect(spool.state, where).not.toBe("failed");
      // A disk that is full for ever costs old records in the end, each of them with a gap record.
      const dropped = { count: 0 };
      const drained = await drain(spool, dropped);
      expectAll(acked, drained, `${where}, disk back`, kind === "ENOSPC" && forEver ? dropped.count : 0);
    }
  });

  it.each(KINDS)("also during recovery: $title", async ({ kind, forEver }) => {
    const before = new ModelFiles();
    const acked = await load(await open(before), 15, "before");
    const counting = before.kill();
    await open(counting);
    for (let at = 1; at <= counting.ops; at++) {
      const where = `${kind} at operation ${at} of recovery`;
      const files = before.kill();
      files.fault = { at, kind, forEver };
      const spool = await open(files);
      const during = await load(spool, 3, "during");
      expect(during.length, where).toBe(6);
      files.fault = undefined;
      nowMs += 31_000;
      const after = await load(spool, 2, "after");
      expect(spool.state, where).not.toBe("failed");
      expectAll([...acked, ...during, ...after], await drain(spool), where);
      const again = await open(files.cut(random(at)));
      expectAll([...acked, ...during.filter((a) => a.durable), ...after], await drain(again), `${where}, after a cut`);
    }
  });

  it("reports a record as durable that is not, when a failed sync is taken for a good one (negative control)", async () => {
    let lost = 0;
    for (let at = 4; at <= 40; at++) {
      const files = new ModelFiles();
      const spool = await open(files);
      files.syncIgnored = true;
      const acked = await load(spool, 3, "run");
      files.syncIgnored = false;
      const again = await open(files.cut(random(at)));
      const there = new Set([...(await drain(again)).values()].flat());
      lost += acked.filter((a) => !there.has(a.body)).length;
    }
    expect(lost).toBeGreaterThan(0);
  });
});
