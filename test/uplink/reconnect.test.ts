import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
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

describe("how the session learns to come back", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([
    [4, "3.1.1"],
    [5, "3.1.1"],
    [0x86, "5"],
    [0x87, "5"],
    [0x8a, "5"],
    [0x8c, "5"],
    [0x85, "5"],
  ] as const)(
    "tries every 5 min and says so when CONNACK refuses it with %i [MQTT-3.2.2-5]",
    async (code, protocol) => {
      const { uplink, fake } = open({ protocol });
      uplink.start();
      for (let i = 1; i <= 3; i++) {
        fake.last.close({ connackCode: code });
        expect(uplink.status()).toMatchObject({ connected: false, refused: i, lastError: { code: "link/refused" } });
        await vi.advanceTimersByTimeAsync(299_000);
        expect(fake.pipes.length).toBe(i);
        await vi.advanceTimersByTimeAsync(1_000);
        expect(fake.pipes.length).toBe(i + 1);
      }
    },
  );

  it("says cloned and waits half a minute at least when its session is taken over twice in a minute (0x8E)", async () => {
    const { uplink, fake } = open({ random: () => 0 });
    uplink.start();
    fake.last.up();
    fake.last.close({ disconnectCode: 0x8e });
    expect(uplink.status().cloned).toBe(false);
    await vi.advanceTimersByTimeAsync(100);
    fake.last.up();
    fake.last.close({ disconnectCode: 0x8e });
    expect(uplink.status()).toMatchObject({ cloned: true, lastError: { code: "link/cloned" } });
    expect(uplink.status().nextTryMono! - Date.now()).toBe(30_000);
    await vi.advanceTimersByTimeAsync(30_000);
    fake.last.up();
    for (let s = 0; s < 310; s++) {
      await vi.advanceTimersByTimeAsync(1_000);
      fake.last.ponged();
    }
    expect(uplink.status().cloned).toBe(false);
  });

  it("suspects a clone when a broker that gives no reason closes idle connections four times in a row", async () => {
    const { uplink, fake } = open({ random: () => 0 });
    uplink.start();
    const quietClose = async () => {
      fake.last.up();
      while (fake.last.unacked > 0) fake.last.ack();
      fake.last.close();
      const { cloned } = uplink.status();
      await vi.advanceTimersByTimeAsync(30_000);
      return cloned;
    };
    expect([await quietClose(), await quietClose(), await quietClose()]).toEqual([false, false, false]);
    fake.last.close({ reached: false, error: new Error("no route") });
    await vi.advanceTimersByTimeAsync(30_000);
    expect([await quietClose(), await quietClose(), await quietClose()]).toEqual([false, false, false]);
    expect(await quietClose()).toBe(true);
    expect(uplink.status().lastError).toMatchObject({ code: "link/cloned" });
  });

  it("finds that clone too where the broker hangs up on who comes back at once, as NATS does", async () => {
    const { uplink, fake } = open({ protocol: "3.1.1", random: () => 0 });
    uplink.start();
    for (const n of [1, 2, 3, 4]) {
      fake.last.up();
      while (fake.last.unacked > 0) fake.last.ack();
      fake.last.close();
      expect(uplink.status().cloned).toBe(n === 4);
      await vi.advanceTimersByTimeAsync(30_000);
      fake.last.close();
      await vi.advanceTimersByTimeAsync(n < 4 ? 5_000 : 0);
    }
    expect(uplink.status().cloned).toBe(true);
  });

  it("does not take two take-overs hours apart for a clone", async () => {
    const { uplink, fake } = open({ random: () => 0 });
    uplink.start();
    for (let i = 0; i < 3; i++) {
      fake.last.up();
      fake.last.close({ disconnectCode: 0x8e });
      expect(uplink.status().cloned).toBe(false);
      await vi.advanceTimersByTimeAsync(100);
      fake.last.up();
      await vi.advanceTimersByTimeAsync(20_000);
      fake.last.close();
      await vi.advanceTimersByTimeAsync(3_600_000 + 100);
    }
  });

  it("falls back to 3.1.1 on CONNACK 0x84 at once and remembers it for 24 h [MQTT-3.1.2-2]", async () => {
    const { uplink, fake } = open();
    uplink.start();
    expect(fake.last.options.protocol).toBe("5");
    fake.last.close({ connackCode: 0x84 });
    await settle();
    expect(fake.last.options.protocol).toBe("3.1.1");
    expect(uplink.status()).toMatchObject({ refused: 0, rememberedProtocol: undefined });
    fake.last.up();
    expect(uplink.status()).toMatchObject({ protocol: "3.1.1", rememberedProtocol: "3.1.1" });
    fake.last.close();
    await vi.advanceTimersByTimeAsync(23 * 3_600_000);
    expect(fake.last.options.protocol).toBe("3.1.1");
    fake.last.close();
    await vi.advanceTimersByTimeAsync(3_600_000);
    fake.last.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fake.last.options.protocol).toBe("5");
  });

  it("falls back after two closes without CONNACK, and back again when 3.1.1 gets no answer either", async () => {
    const { uplink, fake } = open();
    uplink.start();
    const versions: string[] = [];
    for (let i = 0; i < 6; i++) {
      versions.push(fake.last.options.protocol);
      fake.last.close();
      await vi.advanceTimersByTimeAsync(60_000);
    }
    expect(versions).toEqual(["5", "5", "3.1.1", "3.1.1", "5", "5"]);
    expect(uplink.status().rememberedProtocol).toBeUndefined();
  });

  it("does not learn 3.1.1 from a broker that cannot be reached or does not answer in time", async () => {
    const { uplink, fake } = open();
    uplink.start();
    for (let i = 0; i < 4; i++) {
      fake.last.close(i % 2 === 0 ? { reached: false } : { error: new Error("connack timeout") });
      await vi.advanceTimersByTimeAsync(60_000);
    }
    expect(fake.pipes.map((p) => p.options.protocol)).toEqual(["5", "5", "5", "5", "5"]);
  });

  it("keeps to the version it was told", async () => {
    const { uplink, fake } = open({ protocol: "5" });
    uplink.start();
    fake.last.close({ connackCode: 0x84 });
    expect(uplink.status().lastError).toMatchObject({ code: "link/protocol" });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fake.last.options.protocol).toBe("5");
  });

  it("asks for less with its will when the server cannot retain it or take it at QoS 1 [MQTT-3.2.2-12] [MQTT-3.2.2-13]", async () => {
    const { uplink, fake } = open();
    uplink.start();
    expect(fake.last.options.will).toMatchObject({
      topic: "swath/1/cmac/dz-014/state",
      qos: 1,
      retain: true,
      delayS: 30,
    });
    fake.last.close({ connackCode: 0x9b });
    await vi.advanceTimersByTimeAsync(60_000);
    fake.last.close({ connackCode: 0x9a });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fake.last.options.will).toMatchObject({ qos: 0, retain: false });
  });
});
