import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SwathError } from "../../src/model/errors.ts";
import type { UplinkOptions } from "../../src/uplink/contract.ts";
import { fakePipes } from "./fake-pipe.ts";
import { openSession } from "./session.ts";

const fakeClock = { monoMs: () => Date.now() };

function open(options: Partial<UplinkOptions> = {}) {
  const fake = fakePipes();
  const session = openSession(1883, { clock: fakeClock, random: () => 1 - Number.EPSILON, ...options }, fake.open);
  return { ...session, fake };
}

/** Lets promises of the lanes settle. */
const settle = () => vi.advanceTimersByTimeAsync(0);

describe("the supervisor of the session", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("backs off with a ceiling of 1 s that doubles to 60 s, and never stops trying", async () => {
    const { uplink, fake } = open();
    uplink.start();
    const waits: number[] = [];
    for (let i = 0; i < 200; i++) {
      fake.last.close({ reached: false, error: new Error("no route") });
      const count = fake.pipes.length;
      waits.push(uplink.status().nextTryMono! - Date.now());
      await vi.advanceTimersByTimeAsync(60_001);
      expect(fake.pipes.length, `attempt ${i}`).toBe(count + 1);
    }
    expect(waits.slice(0, 8).map(Math.round)).toEqual([1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000]);
    expect(uplink.status().lastError).toMatchObject({ code: "link/down" });
  });

  it("spreads its attempts over the whole wait, so that a fleet does not come back at once", () => {
    for (const [random, wait] of [
      [0, 100],
      [0.25, 250],
      [0.5, 500],
    ] as const) {
      const { uplink, fake } = open({ random: () => random });
      uplink.start();
      fake.last.close();
      expect(uplink.status().nextTryMono! - Date.now()).toBe(wait);
    }
  });

  it("begins the back-off anew after a connection that stood 10 s, and not after a shorter one", async () => {
    const { uplink, fake } = open();
    uplink.start();
    const waitAfter = async (upMs: number) => {
      fake.last.up();
      await vi.advanceTimersByTimeAsync(upMs);
      fake.last.close();
      const wait = uplink.status().nextTryMono! - Date.now();
      await vi.advanceTimersByTimeAsync(60_000);
      return Math.round(wait);
    };
    expect(await waitAfter(9_000)).toBe(1000);
    expect(await waitAfter(9_000)).toBe(2000);
    expect(await waitAfter(10_000)).toBe(1000);
  });

  it("tries at once when kicked, whatever it waits for, but no more than once a second", async () => {
    const { uplink, fake } = open();
    uplink.start();
    fake.last.close({ connackCode: 0x87 });
    uplink.kick();
    uplink.kick();
    await settle();
    expect(fake.pipes.length).toBe(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(fake.pipes.length).toBe(2);
    fake.last.up();
    uplink.kick();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(fake.pipes.length).toBe(2);
  });

  it("finds a dead link in 30 s: asks with a ping of its own, then closes and says why [MQTT-3.1.2-20]", async () => {
    const { uplink, fake } = open();
    uplink.start();
    fake.last.up();
    fake.last.ack();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(fake.last.pings).toBe(1);
    fake.last.ponged();
    const deadFrom = Date.now();
    const dead = fake.last;
    while (!dead.destroyed) await vi.advanceTimersByTimeAsync(500);
    expect(Date.now() - deadFrom).toBeLessThanOrEqual(30_000);
    await settle();
    expect(uplink.status()).toMatchObject({ connected: false, lastError: { code: "link/down" } });
    expect(uplink.status().lastError!.message).toMatch(/nothing heard for 2\d s/);
  });

  it("keeps an idle link that answers pings for an hour", async () => {
    const { uplink, fake } = open();
    uplink.start();
    fake.last.up();
    for (let s = 0; s < 3600; s++) {
      const before = fake.last.pings;
      await vi.advanceTimersByTimeAsync(1_000);
      if (fake.last.pings > before) fake.last.ponged();
      fake.last.ack();
    }
    expect(fake.pipes.length).toBe(1);
    expect(uplink.status().connected).toBe(true);
  });

  it("announces desc and state at every connection, on request, and every 15 min", async () => {
    let made = 0;
    const { uplink, fake } = open({ announce: () => ({ state: `{"made":${++made}}`, desc: "{}" }) });
    uplink.start();
    fake.last.up();
    fake.last.ack();
    expect(fake.last.sent.map((p) => [p.cls, p.qos, p.retain])).toEqual([
      ["desc", 1, true],
      ["state", 1, true],
    ]);
    uplink.announce();
    fake.last.ack();
    expect(made).toBe(2);
    for (let s = 0; s < 910; s += 5) {
      await vi.advanceTimersByTimeAsync(5_000);
      fake.last.ponged();
      fake.last.ack();
    }
    expect(made).toBe(3);
    fake.last.close();
    await vi.advanceTimersByTimeAsync(1_000);
    fake.last.up();
    expect(made).toBe(4);
    expect(fake.last.sent.map((p) => p.body)).toEqual(["{}", '{"made":4}']);
  });

  it("goes on when the announcement cannot be made", async () => {
    const { uplink, lanes, fake, warnings } = open({
      announce: () => {
        throw new Error("no descriptor yet");
      },
    });
    lanes.append("log", 1);
    uplink.start();
    fake.last.up();
    await settle();
    expect(fake.last.sent.map((p) => p.cls)).toEqual(["log"]);
    expect(warnings).toContain("state and descriptor could not be made");
  });

  it("keeps the newest health while the link is down", async () => {
    const { uplink, fake } = open();
    uplink.start();
    uplink.publishHealth(Buffer.from('{"n":1}'));
    uplink.publishHealth(Buffer.from('{"n":2}'));
    fake.last.up();
    expect(fake.last.sent.filter((p) => p.cls === "health")).toMatchObject([
      { body: '{"n":2}', retain: true, properties: { messageExpiryInterval: 300 } },
    ]);
  });

  it("sends live only while connected, with an expiry of 60 s, and counts what it drops", () => {
    const { uplink, fake } = open();
    uplink.start();
    uplink.publishLive(Buffer.from("{}"));
    expect(uplink.status().counters).toMatchObject({ liveSent: 0, liveDropped: 1 });
    fake.last.up();
    uplink.publishLive(Buffer.from('{"n":1}'));
    expect(fake.last.sent.at(-1)).toMatchObject({
      cls: "live",
      qos: 0,
      retain: false,
      properties: { contentType: "application/json", messageExpiryInterval: 60 },
    });
    fake.last.congested = true;
    for (const n of [2, 3, 4]) uplink.publishLive(Buffer.from(`{"n":${n}}`));
    fake.last.congested = false;
    fake.last.drained();
    expect(fake.last.sent.filter((p) => p.cls === "live").map((p) => p.body)).toEqual(['{"n":1}', '{"n":4}']);
    expect(uplink.status().counters).toMatchObject({ liveSent: 2, liveDropped: 3 });
  });

  it("stops with its last state, then DISCONNECT, and leaves the lanes as they are", async () => {
    const { uplink, lanes, fake } = open();
    uplink.start();
    fake.last.up();
    fake.last.ack();
    lanes.append("log", 3);
    const stopped = uplink.stop({ final: '{"state":"sleeping"}' });
    await settle();
    expect(fake.last.finished).toBe(false);
    expect(fake.last.sent.at(-1)).toMatchObject({ cls: "state", body: '{"state":"sleeping"}', retain: true });
    fake.last.ack();
    expect(fake.last.finished).toBe(true);
    await stopped;
    expect(lanes.unsent("log")).toBe(3);
    await vi.advanceTimersByTimeAsync(3_600_000);
    uplink.kick();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fake.pipes.length).toBe(1);
  });

  it("stops within 1.5 s when the broker says nothing, and at once when there is no connection", async () => {
    const silent = open();
    silent.uplink.start();
    silent.fake.last.up();
    let stopped = false;
    void silent.uplink.stop({ final: "{}" }).then(() => {
      stopped = true;
    });
    await vi.advanceTimersByTimeAsync(1_500);
    expect(stopped).toBe(true);

    const down = open();
    down.uplink.start();
    down.fake.last.close({ reached: false });
    await down.uplink.stop({ final: "{}" });
    await vi.advanceTimersByTimeAsync(600_000);
    expect(down.fake.pipes.length).toBe(1);
  });

  it("survives a connection that cannot even be opened, such as a key that is none", async () => {
    let opens = 0;
    const { uplink } = openSession(1883, { clock: fakeClock, random: () => 0 }, () => {
      opens += 1;
      throw Object.assign(new Error("no start line"), { code: "ERR_OSSL_PEM_NO_START_LINE" });
    });
    uplink.start();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(opens).toBeGreaterThan(50);
    expect(uplink.status().lastError).toBeInstanceOf(SwathError);
    await uplink.stop({ final: "{}" });
  });

  it("tells its listeners what changed until they have enough", () => {
    const { uplink, fake } = open();
    const seen: boolean[] = [];
    const enough = uplink.onStatus((s) => seen.push(s.connected));
    uplink.start();
    fake.last.up();
    expect(seen).toEqual([true]);
    fake.last.close();
    expect(seen.at(-1)).toBe(false);
    const count = seen.length;
    enough();
    uplink.kick();
    expect(seen.length).toBe(count);
  });
});
