import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { encodeMessage } from "../../src/codec/compact-message.ts";
import { signText } from "../../src/codec/signed-text.ts";
import type { AckText } from "../../src/model/downlink.ts";
import { diskFiles } from "../../src/spool/files.ts";
import { openSpool, type Spool } from "../../src/spool/spool.ts";
import { type Confirmations, createConfirmations, type SentMarks } from "../../src/unit/confirmations.ts";
import { createLanes, type Lanes } from "../../src/unit/lanes.ts";

const hq = generateKeyPairSync("ed25519");
const stranger = generateKeyPairSync("ed25519");
const dirs: string[] = [];
const spools: Spool[] = [];
afterEach(async () => {
  for (const spool of spools.splice(0)) await spool.close();
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

const BODY = Buffer.from(
  JSON.stringify({ v: 1, kind: "anchor", boot: "boot-0001", mono: 1, trust: "gnss", offsetMs: 1 }),
);

/** A unit's spool, lanes and confirmations on a real disk, under a clock of the test's own, with a broker that takes all. */
class Unit {
  nowMs = 1000;
  readonly refusals: string[] = [];
  /** What the broker took, in order. */
  readonly taken: number[] = [];
  #place = 0;
  readonly dir: string;
  spool!: Spool;
  lanes!: Lanes;
  hears!: Confirmations;

  constructor(dir = mkdtempSync(join(tmpdir(), "swath-confirm-"))) {
    this.dir = dir;
    if (!dirs.includes(dir)) dirs.push(dir);
  }

  async start(marks?: SentMarks): Promise<this> {
    this.spool = await openSpool({
      ...{ dir: this.dir, files: diskFiles, maxBytes: 16e6 },
      clock: { monoMs: () => this.nowMs },
    });
    spools.push(this.spool);
    this.lanes = createLanes({
      spool: this.spool,
      gapBody: (from, to, reason) => ({
        v: 1,
        kind: "gap",
        boot: "boot-0001",
        mono: 7,
        trust: "none",
        from,
        to,
        reason,
      }),
      message: (records, id) => encodeMessage("json", id, records, () => undefined),
      joinBytes: 0,
      sent: (lane, upTo, id) => this.hears.sent(lane, upTo, id),
    });
    this.hears = createConfirmations({
      ...{ unit: "unit-1", keys: [hq.publicKey], spool: this.spool, lanes: this.lanes },
      clock: { monoMs: () => this.nowMs },
      ...(marks === undefined ? {} : { marks }),
      refused: (reason) => this.refusals.push(reason),
    });
    return this;
  }

  /** Makes records durable. */
  async make(count: number): Promise<void> {
    const all = Array.from({ length: count }, () => this.spool.append("log", BODY));
    await this.spool.flush();
    await Promise.all(all);
  }

  /** Sends whatever the lanes give, and the broker acknowledges it; what came, by number. */
  async send(): Promise<number[]> {
    const sent: number[] = [];
    for (;;) {
      const messages = await this.lanes.read("log", this.#place, 32, 1e6);
      if (messages.length === 0) break;
      for (const m of messages) sent.push((JSON.parse(Buffer.from(m.body).toString()) as { seq: number }).seq);
      this.#place = messages.at(-1)!.seq + 1;
      this.lanes.free("log", messages.at(-1)!.seq);
    }
    this.taken.push(...sent);
    return sent;
  }

  ack(upTo: number, missing: number[] = [], more: Partial<AckText> = {}, key = hq.privateKey): boolean {
    const text: AckText = {
      ...{ kind: "ack", unit: "unit-1", spool: this.spool.spoolId, at: "2026-11-23T07:00:00.000Z" },
      lanes: { log: { upTo, missing } },
      ...more,
    };
    return this.hears.ack(Buffer.from(JSON.stringify(signText(text, key))), false);
  }

  after(ms: number): void {
    this.nowMs += ms;
    this.hears.look();
  }

  online(): void {
    this.hears.hqState(true);
  }
}

const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("records that HQ confirms", () => {
  it("that were freed before HQ was asked are answered with a hole, and what follows is confirmed", async () => {
    const u = await new Unit().start();
    await u.make(110);
    await u.send();
    u.spool.free("log", 100);
    const first = u.spool.first("log");
    expect(first).toBeGreaterThan(64);
    u.ack(110, upTo(1, 64));
    expect(await u.send()).toEqual([1]);
    expect(u.spool.first("log")).toBe(first);
    u.ack(110, []);
    expect(u.spool.unsent("log")).toBe(0);
    expect(u.spool.first("log")).toBe(111);
  });

  it("stay after the broker has them, and go when HQ's database has them", async () => {
    const u = await new Unit().start();
    await u.make(10);
    expect(await u.send()).toEqual(upTo(1, 10));
    expect([u.spool.unsent("log"), u.spool.unconfirmed("log"), u.spool.first("log")]).toEqual([0, 10, 1]);
    expect(u.ack(7)).toBe(true);
    expect([u.spool.unconfirmed("log"), u.spool.first("log")]).toEqual([3, 8]);
    await u.make(2);
    expect(await u.send()).toEqual([11, 12]);
    u.ack(12);
    expect([u.spool.unconfirmed("log"), u.spool.unsent("log")]).toEqual([0, 0]);
  });

  it("never move back for a watermark from before", async () => {
    const u = await new Unit().start();
    await u.make(10);
    await u.send();
    u.ack(8);
    u.ack(3, [2]);
    u.after(40_000);
    expect(u.spool.first("log")).toBe(9);
    expect(await u.send()).toEqual([]);
  });

  it("are freed up to the first that HQ lacks, which is sent again once it has had time to arrive", async () => {
    const u = await new Unit().start();
    await u.make(10);
    await u.send();
    u.ack(9, [3, 6]);
    expect(u.spool.first("log")).toBe(3);
    expect(await u.send()).toEqual([]);
    u.after(29_000);
    expect(await u.send()).toEqual([]);
    u.after(2_000);
    expect(await u.send()).toEqual([3, 6]);
    // Said again while they are on their way: nothing goes twice.
    u.ack(9, [3, 6]);
    u.after(20_000);
    expect(await u.send()).toEqual([]);
    u.ack(10);
    expect(u.spool.unconfirmed("log")).toBe(0);
  });

  it("are not refused for ever when a record sent again does not arrive: patience doubles", async () => {
    const u = await new Unit().start();
    await u.make(3);
    await u.send();
    u.after(31_000);
    const again: number[] = [];
    for (let s = 0; s < 3600; s += 5) {
      u.ack(3, [2]);
      u.after(5_000);
      again.push(...(await u.send()));
    }
    expect(again.length).toBeGreaterThanOrEqual(6);
    expect(again.length).toBeLessThanOrEqual(8);
  });

  it.each([
    ["another key", (u: Unit) => u.ack(5, [], {}, stranger.privateKey), "ack: signed with an unknown key"],
    ["another unit", (u: Unit) => u.ack(5, [], { unit: "unit-2" }), "ack is for the unit unit-2"],
    ["more than there is", (u: Unit) => u.ack(11), "ack says log up to 11, but 10 is the newest there is"],
    ["what is missing above its end", (u: Unit) => u.ack(5, [7]), "ack lists log 7 as missing out of order"],
    ["what is missing out of order", (u: Unit) => u.ack(5, [3, 2]), "ack lists log 2 as missing out of order"],
    ["nothing of this form", (u: Unit) => u.hears.ack(Buffer.from('{"upTo":9}'), false), "ack: not a signed message"],
  ])("are not freed by a watermark with %s, which is counted and told once", async (_, say, reason) => {
    const u = await new Unit().start();
    await u.make(10);
    await u.send();
    expect(say(u)).toBe(false);
    say(u);
    expect(u.hears.refusedCount).toBe(2);
    expect(u.refusals.length).toBe(1);
    expect(u.refusals[0]).toContain(reason);
    expect(u.spool.first("log")).toBe(1);
  });

  it("are not touched by a watermark for a spool that is not here, and nothing is wrong with that", async () => {
    const u = await new Unit().start();
    await u.make(3);
    await u.send();
    expect(u.ack(3, [], { spool: "another-spool" })).toBe(false);
    expect([u.spool.first("log"), u.hears.refusedCount]).toEqual([1, 0]);
  });

  it("are not sent again after a restart, but for what the run before did not keep and HQ does not have", async () => {
    const first = await new Unit().start();
    await first.make(100);
    await first.send();
    const marks = first.hears.marks();
    await first.make(5);
    await first.send(); // the marks do not know of these any more
    await first.spool.close();

    const second = await new Unit(first.dir).start(marks);
    await second.make(1);
    expect(await second.send()).toEqual(upTo(101, 106));
    second.ack(106);
    expect(second.spool.unconfirmed("log")).toBe(0);

    // What HQ confirmed last may not be durable on the card: the marks still keep it from going again.
    await second.spool.close();
    const third = await new Unit(first.dir).start(second.hears.marks());
    expect(await third.send()).toEqual([]);
  });

  it("without marks are sent from HQ's watermark on, and what it lacks below follows when it had time", async () => {
    const first = await new Unit().start();
    await first.make(50);
    await first.send();
    await first.spool.close();
    const second = await new Unit(first.dir).start();
    second.ack(45, [20]);
    expect(await second.send()).toEqual(upTo(46, 50));
    second.after(31_000);
    expect(await second.send()).toEqual([20]);
  });

  it("negative control: without marks and without a watermark everything goes again", async () => {
    const first = await new Unit().start();
    await first.make(50);
    await first.send();
    await first.spool.close();
    const second = await new Unit(first.dir).start();
    expect(await second.send()).toEqual(upTo(1, 50));
  });

  it("wait for a HQ that is away however long that is", async () => {
    const u = await new Unit().start();
    await u.make(20);
    await u.send();
    for (let h = 0; h < 72; h++) u.after(3_600_000);
    expect(await u.send()).toEqual([]);
  });

  it("that a broker lost at the end of a lane are found with one record: when HQ takes it, the rest follows", async () => {
    const u = await new Unit().start();
    u.online();
    await u.make(20);
    await u.send();
    u.ack(5);
    u.after(31_000);
    u.after(31_000);
    expect(await u.send()).toEqual([6]);
    u.ack(6);
    expect(await u.send()).toEqual(upTo(7, 20));
    u.ack(20);
    expect(u.spool.unconfirmed("log")).toBe(0);
  });

  it("that HQ cannot commit for an hour cost a handful of probes, not the lane again", async () => {
    const u = await new Unit().start();
    u.online();
    for (let s = 0; s < 3600; s += 10) {
      await u.make(1);
      u.after(10_000);
      await u.send();
    }
    expect(u.taken.length).toBeLessThanOrEqual(360 + 6);
    u.ack(360);
    expect(await u.send()).toEqual([]);
    expect(u.spool.unconfirmed("log")).toBe(0);
  });

  it("go first under disk pressure when the broker has them, before those that nobody has", async () => {
    const u = await new Unit().start();
    await u.make(4);
    await u.send();
    const sent: string[] = [];
    const marked = u.spool.markSent.bind(u.spool);
    u.spool.markSent = (lane, to, id) => {
      sent.push(`${lane} ${to}`);
      marked(lane, to, id);
    };
    await u.make(2);
    await u.send();
    expect(sent).toEqual(["log 6"]);
  });

  it("come again out of 64 missing at a time, and nothing above the last of them is taken for safe", async () => {
    const u = await new Unit().start();
    await u.make(200);
    await u.send();
    u.after(31_000);
    u.ack(200, upTo(1, 64));
    expect(await u.send()).toEqual(upTo(1, 64));
    u.ack(200, upTo(65, 128));
    expect(await u.send()).toEqual(upTo(65, 128));
    expect(u.spool.first("log")).toBe(65);
  });
});
