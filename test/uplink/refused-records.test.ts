import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Lane } from "../../src/model/record.ts";
import type { UplinkOptions } from "../../src/uplink/contract.ts";
import { fakePipes } from "./fake-pipe.ts";
import { seqOf } from "./memory-lanes.ts";
import { openSession } from "./session.ts";

const settle = () => vi.advanceTimersByTimeAsync(0);

async function connected(options: Partial<UplinkOptions> = {}, limits = {}) {
  const fake = fakePipes();
  const session = openSession(1883, { clock: { monoMs: () => Date.now() }, random: () => 0.5, ...options }, fake.open);
  session.uplink.start();
  fake.last.up(limits);
  while (fake.last.unacked > 0) fake.last.ack();
  const seqs = (lane: Lane) => fake.last.sent.filter((p) => p.cls === lane).map((p) => seqOf(p.body));
  return { ...session, fake, seqs };
}

describe("what the session does with records that the broker does not take", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("counts records that nobody listens to (PUBACK 0x10) and frees them all the same", async () => {
    const { lanes, fake, uplink } = await connected();
    lanes.append("log", 3);
    await settle();
    fake.last.ack(3, 0x10);
    expect(uplink.status().counters).toMatchObject({ acked: 3, unheard: 3, rejected: 0 });
    expect(lanes.unsent("log")).toBe(0);
  });

  it("frees nothing on quota exceeded (0x97), waits longer each time, and sends the same records again", async () => {
    const { lanes, fake, uplink, seqs } = await connected();
    lanes.append("log", 3);
    await settle();
    fake.last.ack(3, 0x97);
    expect(lanes.freed.log).toEqual([]);
    expect(uplink.status()).toMatchObject({ connected: true, lastError: { code: "link/quota" } });
    expect(uplink.status().counters.rejected).toBe(3);
    await settle();
    expect(seqs("log")).toEqual([1, 2, 3]);
    const gaps: number[] = [];
    for (let i = 0; i < 4; i++) {
      const from = Date.now();
      while (fake.last.unacked === 0) {
        await vi.advanceTimersByTimeAsync(500);
        fake.last.ponged();
      }
      gaps.push(Date.now() - from);
      fake.last.ack(3, 0x97);
    }
    expect(gaps[3]!).toBeGreaterThan(gaps[0]!);
    while (fake.last.unacked === 0) {
      await vi.advanceTimersByTimeAsync(500);
      fake.last.ponged();
    }
    fake.last.ack(3);
    expect(lanes.unsent("log")).toBe(0);
  });

  it("says so and tries a lane again after 5 min when it is not authorised (0x87), while other lanes go on", async () => {
    const { lanes, fake, uplink, seqs } = await connected();
    lanes.append("bulk", 1);
    await settle();
    fake.last.ack(1, 0x87);
    expect(uplink.status().lastError).toMatchObject({ code: "link/refused" });
    lanes.append("log", 2);
    await settle();
    fake.last.ack();
    expect(lanes.unsent("log")).toBe(0);
    for (let s = 0; s < 295; s++) {
      await vi.advanceTimersByTimeAsync(1_000);
      fake.last.ponged();
    }
    expect(seqs("bulk")).toEqual([1]);
    for (let s = 0; s < 10; s++) {
      await vi.advanceTimersByTimeAsync(1_000);
      fake.last.ponged();
    }
    expect(seqs("bulk")).toEqual([1, 1]);
  });

  it("does not send a record beyond Maximum Packet Size: what stands for it goes in its place [MQTT-3.2.2-15]", async () => {
    const poisoned: unknown[] = [];
    const { lanes, fake, uplink } = await connected(
      {
        onPoison: (lane, seq, reason) => {
          poisoned.push([lane, seq, reason]);
          return Buffer.from(`{"kind":"gap","seq":${seq}}`);
        },
      },
      { maximumPacketSize: 300 },
    );
    lanes.append("log", 3, (seq) => JSON.stringify({ seq, fill: seq === 2 ? "x".repeat(400) : "" }));
    await settle();
    expect(fake.last.sent.slice(2).map((p) => p.body)).toEqual([
      '{"seq":1,"fill":""}',
      '{"kind":"gap","seq":2}',
      '{"seq":3,"fill":""}',
    ]);
    expect(poisoned).toEqual([["log", 2, expect.stringMatching(/more than the broker's limit of 300/)]]);
    fake.last.ack();
    expect(lanes.freed.log).toEqual([1, 2, 3]);
    expect(uplink.status().counters.poisoned).toBe(1);
  });

  it("skips a record that cannot be sent when nothing stands for it, in order", async () => {
    const { lanes, fake, seqs } = await connected({}, { maximumPacketSize: 200 });
    lanes.append("log", 3, (seq) => JSON.stringify({ seq, fill: seq === 2 ? "x".repeat(400) : "" }));
    await settle();
    expect(seqs("log")).toEqual([1, 3]);
    expect(lanes.freed.log).toEqual([]);
    fake.last.ack(1);
    expect(lanes.freed.log).toEqual([2]);
    fake.last.ack(1);
    expect(lanes.freed.log).toEqual([2, 3]);
  });

  it("replaces a record that the broker calls malformed (0x99) and goes on", async () => {
    const { lanes, fake } = await connected({ onPoison: (_lane, seq) => Buffer.from(`{"gap":true,"seq":${seq}}`) });
    lanes.append("log", 2);
    await settle();
    fake.last.ack(1, 0x99);
    fake.last.ack();
    await settle();
    expect(fake.last.sent.at(-2)!.body).toBe('{"gap":true,"seq":1}');
    fake.last.ack();
    expect(lanes.unsent("log")).toBe(0);
  });

  it("finds the record for which a broker hangs up, by sending it alone, and only then gives it up", async () => {
    const poisoned: number[] = [];
    const { lanes, fake, seqs } = await connected({
      onPoison: (_lane, seq) => {
        poisoned.push(seq);
        return undefined;
      },
    });
    lanes.append("log", 5);
    lanes.append("bulk", 1);
    let alone = 0;
    let connections = 0;
    while (poisoned.length === 0) {
      if (++connections > 40) throw new Error("the record was never found");
      fake.last.ack(2); // desc and state
      await settle();
      if (fake.last.sent.some((p) => p.cls === "log" && seqOf(p.body) === 1)) {
        if (seqs("log").length === 1 && seqs("bulk").length === 0) alone += 1;
        fake.last.close({ error: Object.assign(new Error("reset"), { code: "ECONNRESET" }) });
        await vi.advanceTimersByTimeAsync(60_000);
        fake.last.up();
      }
    }
    expect(alone).toBe(10);
    expect(poisoned).toEqual([1]);
    fake.last.ack();
    await settle();
    fake.last.ack();
    expect(lanes.unsent("log")).toBe(0);
    expect(lanes.unsent("bulk")).toBe(0);
  });

  it("does not blame a record for time-outs, nor for a link that never acknowledged anything", async () => {
    const poisoned: number[] = [];
    const { lanes, fake } = await connected({
      onPoison: (_lane, seq) => {
        poisoned.push(seq);
        return undefined;
      },
    });
    lanes.append("log", 1);
    for (let i = 0; i < 40; i++) {
      if (i % 2 === 0) fake.last.ack(2);
      await settle();
      fake.last.close(i % 2 === 0 ? { error: new Error("Keepalive timeout") } : {});
      await vi.advanceTimersByTimeAsync(60_000);
      fake.last.up();
    }
    expect(poisoned).toEqual([]);
  });
});
