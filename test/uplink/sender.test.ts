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

describe("what goes over the link, in which order, and when it is freed", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("has at most 32 in flight, or fewer when the server's Receive Maximum is smaller [MQTT-3.3.4-7]", async () => {
    for (const [limits, most] of [
      [{}, 32],
      [{ receiveMaximum: 5 }, 5],
      [{ receiveMaximum: 1 }, 1],
    ] as const) {
      const { lanes, fake, uplink } = await connected({}, limits);
      lanes.append("log", 100);
      await settle();
      expect(fake.last.unacked).toBe(most);
      expect(uplink.status().inFlight).toBe(most);
      while (lanes.unsent("log") > 0) {
        fake.last.ack(1);
        await settle();
        expect(fake.last.unacked).toBeLessThanOrEqual(most);
      }
    }
  });

  it("has at most 256 KiB in flight, and sends a longer record alone", async () => {
    const { lanes, fake } = await connected();
    const big = (seq: number) => JSON.stringify({ seq, fill: "x".repeat(20_000) });
    lanes.append("bulk", 200, big);
    let most = 0;
    while (lanes.unsent("bulk") > 0) {
      await settle();
      most = Math.max(most, fake.last.unacked);
      fake.last.ack(1);
    }
    expect(most).toBeGreaterThan(8);
    expect(most * 20_000).toBeLessThanOrEqual(256 * 1024);
    lanes.append("bulk", 2, (seq) => JSON.stringify({ seq, fill: "x".repeat(300_000) }));
    await settle();
    expect(fake.last.unacked).toBe(1);
  });

  it("sends events before log and log before bulk, each in the order of its numbers", async () => {
    const { lanes, fake, seqs } = await connected({}, { receiveMaximum: 1 });
    lanes.append("bulk", 3);
    await settle();
    lanes.append("log", 3);
    lanes.append("event", 3);
    for (let i = 0; i < 9; i++) {
      await settle();
      fake.last.ack(1);
    }
    expect(fake.last.sent.slice(2).map((p) => p.cls)).toEqual([
      "bulk",
      ...["event", "event", "event", "log", "log", "log", "bulk", "bulk"],
    ]);
    for (const lane of ["event", "log", "bulk"] as const) expect(seqs(lane)).toEqual([1, 2, 3]);
  });

  it("frees a lane only at PUBACK, and only the contiguous prefix [MQTT-4.3.2-3]", async () => {
    const { lanes, fake } = await connected();
    lanes.append("log", 4);
    await settle();
    expect(lanes.freed.log).toEqual([]);
    fake.last.ack(2);
    expect(lanes.freed.log).toEqual([1, 2]);
    expect(lanes.unsent("log")).toBe(2);
  });

  it("goes back to the first unacknowledged record of every lane when the link closes", async () => {
    const { lanes, fake, seqs } = await connected();
    lanes.append("event", 2);
    await settle();
    lanes.append("log", 5);
    await settle();
    fake.last.ack(4);
    expect(lanes.freed).toMatchObject({ event: [1, 2], log: [1, 2] });
    fake.last.close();
    await vi.advanceTimersByTimeAsync(1_000);
    fake.last.up();
    await settle();
    expect(seqs("event")).toEqual([]);
    expect(seqs("log")).toEqual([3, 4, 5]);
  });

  it("ignores an acknowledgement that belongs to no message", async () => {
    const { lanes, fake, uplink } = await connected();
    lanes.append("log", 1);
    await settle();
    fake.last.ack();
    expect(uplink.status().inFlight).toBe(0);
    lanes.append("log", 1);
    await settle();
    expect(lanes.freed.log).toEqual([1]);
  });

  it("holds the lanes and says why when the server takes no QoS 1, and sends state and live at QoS 0 [MQTT-3.2.2-11]", async () => {
    const { lanes, fake, uplink } = await connected({}, { maximumQos: 0, retainAvailable: false });
    lanes.append("log", 1);
    uplink.publishLive(Buffer.from("{}"));
    await settle();
    expect(fake.last.sent.map((p) => [p.cls, p.qos, p.retain])).toEqual([
      ["desc", 0, false],
      ["state", 0, false],
      ["live", 0, false],
    ]);
    expect(uplink.status().lastError).toMatchObject({ code: "link/protocol" });
    expect(lanes.freed.log).toEqual([]);
  });

  it("tells JSON from CBOR in the content type", async () => {
    const { lanes, fake } = await connected();
    lanes.append("log", 1, () => Uint8Array.of(0xa1, 0x61, 0x76, 0x01));
    lanes.append("log", 1, () => "{}");
    await settle();
    expect(fake.last.sent.slice(2).map((p) => p.properties)).toEqual([
      { contentType: "application/cbor" },
      { contentType: "application/json" },
    ]);
  });

  it("reads a lane again 2 s after a read failed, and says so", async () => {
    const { lanes, fake, warnings } = await connected();
    lanes.broken = new Error("EIO");
    lanes.append("log", 1);
    await settle();
    expect(warnings).toContain("the lane cannot be read or freed");
    const reads = lanes.reads;
    lanes.broken = undefined;
    await settle();
    expect(lanes.reads).toBe(reads);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(fake.last.sent.at(-1)!.cls).toBe("log");
  });

  it("treats a message that speaks for several numbers as one", async () => {
    const { lanes, fake } = await connected();
    const read = lanes.read;
    lanes.read = async (lane, from, n, bytes) => {
      const messages = await read(lane, from, n, bytes);
      return messages[0]?.seq === 1
        ? [{ seq: 1, upTo: 2, body: Buffer.from('{"seq":1}') }, ...messages.slice(2)]
        : messages;
    };
    lanes.append("log", 3);
    await settle();
    fake.last.ack(1);
    expect(lanes.freed.log).toEqual([2]);
    fake.last.ack(1);
    expect(lanes.freed.log).toEqual([2, 3]);
  });

  it("sends the records of a refused message one by one before it gives any of them up", async () => {
    const { lanes, fake } = await connected();
    const read = lanes.read;
    let reads = 0;
    lanes.read = async (lane, from, n, bytes) => {
      const messages = await read(lane, from, n, bytes);
      if (lane !== "log" || messages.length < 2 || reads++ > 0) return messages;
      return [{ seq: 1, upTo: 2, body: Buffer.from("[1,2]") }, ...messages.slice(2)];
    };
    lanes.append("log", 3);
    await settle();
    const before = fake.last.sent.length;
    fake.last.ack(1, 0x99);
    await settle();
    const bodies = fake.last.sent.slice(before).map((m) => m.body);
    expect(bodies).toHaveLength(3);
    expect(bodies.join()).not.toContain("gap");
    expect(lanes.freed.log).toEqual([]);
  });

  it("asks with a ping whether QoS 0 has left, so that live rows never fill a slow link", async () => {
    const { fake, uplink } = await connected();
    const row = Buffer.from(JSON.stringify({ fill: "x".repeat(400) }));
    for (let i = 0; i < 200; i++) uplink.publishLive(row);
    expect(fake.last.pings).toBe(1);
    const sent = uplink.status().counters.liveSent;
    expect(sent * row.length).toBeLessThan(5_000);
    for (let i = 0; i < 3; i++) {
      await vi.advanceTimersByTimeAsync(3_000);
      fake.last.ponged();
    }
    expect(uplink.status().counters.liveSent).toBe(sent + 1);
  });
});
