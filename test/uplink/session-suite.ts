import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LANES } from "../../src/model/record.ts";
import { startTcpProxy } from "../rigs/tcp-proxy.ts";
import type { BrokerKind, TestBroker } from "./brokers.ts";
import { arrived, freeAtSend, sendOverCutLink } from "./link-cuts.ts";
import { openSession, until } from "./session.ts";

/** The scenarios of a session, the same on every kind of broker. */
export function describeSession(kinds: readonly BrokerKind[]): void {
  describe.each(kinds)("the session on $name", (kind) => {
    let broker: TestBroker;
    beforeEach(async () => {
      broker = await kind.start();
    }, 150_000);
    afterEach(() => broker.stop());

    const { protocol } = kind;

    it(`finds out within 3 s that it speaks MQTT ${kind.speaks}`, async () => {
      const { uplink } = openSession(broker.port, { protocol });
      const startMs = performance.now();
      uplink.start();
      await until("a connection", () => uplink.status().connected, 3_000);
      expect(performance.now() - startMs).toBeLessThan(3_000);
      expect(uplink.status()).toMatchObject({ protocol: kind.speaks, connects: 1, refused: 0, lastError: undefined });
      await uplink.stop({ final: "{}" });
    });

    it("retains desc and state, and the last state after a planned stop instead of the will [MQTT-3.3.1-5] [MQTT-3.14.4-3]", async () => {
      const { uplink } = openSession(broker.port, { protocol });
      uplink.start();
      await until("the announcement", () => broker.delivered.length >= 2);
      expect(await broker.retained()).toEqual({ desc: '{"desc":1}', state: '{"state":"online"}' });
      const startMs = performance.now();
      await uplink.stop({ final: '{"state":"sleeping"}' });
      expect(performance.now() - startMs).toBeLessThan(1_500);
      expect(await broker.retained()).toMatchObject({ state: '{"state":"sleeping"}' });
      expect(broker.delivered.some((d) => d.body.includes("lost"))).toBe(false);
    });

    it("delivers every record of every lane in order, and live beside them", async () => {
      const { uplink, lanes } = openSession(broker.port, { protocol });
      for (const lane of LANES) lanes.append(lane, 300);
      uplink.start();
      await until("a connection", () => uplink.status().connected);
      uplink.publishLive(Buffer.from('{"live":1}'));
      await until("all to be freed", () => LANES.every((lane) => lanes.unsent(lane) === 0));
      await until("all to be delivered", () => LANES.every((lane) => arrived(broker, lane).unique === 300));
      for (const lane of LANES) expect(arrived(broker, lane)).toEqual({ unique: 300, duplicates: 0, inOrder: true });
      await until("live", () => broker.delivered.some((d) => d.cls === "live" && d.body === '{"live":1}'));
      await uplink.stop({ final: "{}" });
    });

    it("brings every record through a link that is cut at random bytes, in order, some twice [MQTT-4.3.2-3]", async () => {
      const random = mulberry(7);
      const { lanes, cuts } = await sendOverCutLink(broker, {
        records: 400,
        cutAfterBytes: () => 3_000 + random() * 6_000,
        latencyMs: 3,
        protocol,
      });
      expect(cuts).toBeGreaterThan(5);
      for (const lane of LANES) expect(lanes[lane]).toMatchObject({ unique: 400, inOrder: true });
    });

    it("loses records over the same link when they are freed at sending (negative control)", async () => {
      const random = mulberry(7);
      const { lanes, cuts } = await sendOverCutLink(broker, {
        records: 400,
        cutAfterBytes: () => 3_000 + random() * 6_000,
        latencyMs: 3,
        protocol,
        openPipe: freeAtSend,
      });
      expect(cuts).toBeGreaterThan(0);
      expect(LANES.reduce((sum, lane) => sum + lanes[lane].unique, 0)).toBeLessThan(1_200);
    });

    it("comes back by itself after the broker was killed, announces itself again, and goes on", async () => {
      const { uplink, lanes } = openSession(broker.port, { protocol, random: () => 0 });
      uplink.start();
      lanes.append("log", 50);
      await until("50 records", () => lanes.unsent("log") === 0);
      await broker.kill();
      await until("the link to be down", () => !uplink.status().connected);
      expect(uplink.status().lastError).toMatchObject({ code: "link/down" });
      lanes.append("log", 50);
      await broker.restart();
      await until("the rest", () => lanes.unsent("log") === 0, 60_000);
      expect(await broker.retained()).toMatchObject({ state: '{"state":"online"}', desc: '{"desc":1}' });
      expect(uplink.status().connects).toBe(2);
      lanes.append("log", 1);
      await until("a new record to be delivered", () => broker.delivered.some((d) => d.body.includes('"seq":101')));
      await uplink.stop({ final: "{}" });
    });

    it("is thrown out by a second client with its identity, and finds out that there is a clone [MQTT-3.1.4-3]", async () => {
      const first = openSession(broker.port, { protocol, random: () => 0 });
      const second = openSession(broker.port, { protocol, random: () => 0 });
      first.uplink.start();
      await until("the first", () => first.uplink.status().connected);
      second.uplink.start();
      const both = () => [first, second].map((s) => s.uplink.status());
      await until("both to have been thrown out", () => both().every((s) => s.connects >= 2));
      // NATS lets one that comes back wait for a second and hangs up.
      await until("one to say cloned", () => both().some((s) => s.cloned), 60_000);
      expect(both().find((s) => s.cloned)!.lastError).toMatchObject({ code: "link/cloned" });
      await first.uplink.stop({ final: "{}" });
      await second.uplink.stop({ final: "{}" });
    });

    it("does not connect in plain text to another broker's port by way of mqtts", async () => {
      const { uplink } = openSession(broker.port, {
        protocol,
        url: `mqtts://127.0.0.1:${broker.port}`,
        tls: { ca: "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n" },
        random: () => 0,
      });
      uplink.start();
      await until("an error", () => uplink.status().lastError !== undefined);
      expect(uplink.status()).toMatchObject({ connected: false, connects: 0 });
      expect(uplink.status().lastError!.code).toMatch(/^link\//);
      await uplink.stop({ final: "{}" });
    });
  });

  describe.each(kinds)("what $name refuses", ({ start, protocol }) => {
    it("is told apart from a link that is down, and the right password gets in", async () => {
      const broker = await start({ password: "right" });
      const wrong = openSession(broker.port, { protocol, username: "unit", password: "wrong" });
      wrong.uplink.start();
      await until("a refusal", () => wrong.uplink.status().refused === 1);
      const status = wrong.uplink.status();
      expect(status.lastError).toMatchObject({ code: "link/refused" });
      expect(status.nextTryMono).toBeDefined();
      await wrong.uplink.stop({ final: "{}" });
      const right = openSession(broker.port, { protocol, username: "unit", password: "right" });
      right.uplink.start();
      await until("a connection", () => right.uplink.status().connected);
      await right.uplink.stop({ final: "{}" });
      await broker.stop();
    });
  });

  describe.each(kinds.filter((k) => k.speaks === "3.1.1"))("the will on $name", ({ start, protocol }) => {
    it("says lost, retained, when the link is cut without a word [MQTT-3.1.2-8] [MQTT-3.1.2-17]", async () => {
      const broker = await start();
      const proxy = await startTcpProxy(broker.port);
      const { uplink } = openSession(proxy.port, { protocol });
      uplink.start();
      await until("the announcement", () => broker.delivered.length >= 2);
      proxy.faults.refuse = true;
      proxy.cutAll();
      await until("the will", () => broker.delivered.some((d) => d.body === '{"state":"lost"}'));
      expect(await broker.retained()).toMatchObject({ state: '{"state":"lost"}' });
      await uplink.stop({ final: "{}" });
      await proxy.close();
      await broker.stop();
    });
  });
}

/** A small seeded generator: the same cuts in every run. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
