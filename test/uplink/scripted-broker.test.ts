import { afterEach, describe, expect, it } from "vitest";
import type { UplinkOptions } from "../../src/uplink/contract.ts";
import { type BrokerScript, type FakeBroker, startFakeBroker } from "../rigs/fake-broker.ts";
import { seqOf } from "./memory-lanes.ts";
import { openSession, until } from "./session.ts";

describe("the session, over a real socket, with a broker that answers what real brokers seldom do", () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function run(script: Partial<BrokerScript>, options: Partial<UplinkOptions> = {}) {
    const broker: FakeBroker = await startFakeBroker(script);
    closing.push(() => broker.close());
    const session = openSession(broker.port, { random: () => 0, ...options });
    closing.push(() => session.uplink.stop({ final: "{}", timeoutMs: 300 }));
    session.uplink.start();
    return { broker, ...session };
  }

  it("asks for a clean session that outlives the delay of its will, which is retained [MQTT-3.1.2-4] [MQTT-3.1.3-9]", async () => {
    const { broker } = await run({}, { username: "u", password: "p" });
    await until("CONNECT", () => broker.connects.length === 1);
    expect(broker.connects[0]).toMatchObject({
      clientId: "dz-014",
      protocolVersion: 5,
      clean: true,
      keepalive: 20,
      username: "u",
      will: { topic: "swath/1/cmac/dz-014/state", qos: 1, retain: true, properties: { willDelayInterval: 30 } },
    });
    const connect = broker.connects[0]!;
    expect(connect.will!.payload.toString()).toBe('{"state":"lost"}');
    expect(connect.properties!.sessionExpiryInterval!).toBeGreaterThan(30);
  });

  it.each([1, 2, 7])(
    "never has more than a Receive Maximum of %i unacknowledged [MQTT-3.3.4-7]",
    async (receiveMaximum) => {
      const { broker, lanes, uplink } = await run({ properties: { receiveMaximum }, onPublish: () => "hold" });
      lanes.append("log", 40);
      for (let i = 0; lanes.unsent("log") > 0; i++) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        if (i % 10 === 0) uplink.publishHealth(Buffer.from("{}"));
        broker.release(1);
      }
      expect(broker.maxUnacked).toBe(receiveMaximum);
      expect(broker.received.filter((r) => r.cls === "log").map((r) => seqOf(r.body))).toEqual(
        Array.from({ length: 40 }, (_, i) => i + 1),
      );
    },
  );

  it.each([
    ["CONNACK 0x84", { onConnect: (p) => (p.protocolVersion === 5 ? 0x84 : 0) }],
    ["return code 1", { onConnect: (p) => (p.protocolVersion === 5 ? 1 : 0) }],
    ["no CONNACK, twice", { onConnect: (p) => (p.protocolVersion === 5 ? "close" : 0) }],
  ] satisfies [string, Partial<BrokerScript>][])(
    "falls back to 3.1.1 within 3 s on %s and remembers it",
    async (_how, script) => {
      const { broker, lanes, uplink } = await run(script, { random: Math.random });
      lanes.append("log", 3);
      await until("the records", () => lanes.unsent("log") === 0, 3_000);
      expect(uplink.status()).toMatchObject({ protocol: "3.1.1", rememberedProtocol: "3.1.1", refused: 0 });
      const before = broker.connects.length;
      broker.cutAll();
      await until("the next connection", () => broker.connects.length > before);
      expect(broker.connects.at(-1)!.protocolVersion).toBe(4);
    },
  );

  it("never sends a packet beyond Maximum Packet Size, to the byte [MQTT-3.2.2-15]", async () => {
    const { broker, lanes } = await run({ properties: { maximumPacketSize: 256 } });
    const sizes = Array.from({ length: 120 }, (_, i) => 120 + i);
    for (const size of sizes) lanes.append("log", 1, (seq) => JSON.stringify({ seq }).padEnd(size));
    await until("the lane to be empty", () => lanes.unsent("log") === 0);
    const logs = broker.received.filter((r) => r.cls === "log");
    expect(Math.max(...logs.map((r) => r.bytes))).toBeLessThanOrEqual(256);
    // The size is reckoned with a topic alias and the longest header, so at most 7 bytes are left unused.
    expect(Math.max(...logs.map((r) => r.bytes))).toBeGreaterThan(256 - 8);
    expect(logs.length).toBeLessThan(sizes.length);
  });

  it("retains nothing where the server cannot [MQTT-3.2.2-14]", async () => {
    const { broker } = await run({ properties: { retainAvailable: false } });
    await until("the announcement", () => broker.received.length === 2);
    expect(broker.received.map((r) => r.retain)).toEqual([false, false]);
  });

  it("names each topic once and then sends two bytes for it where the server takes aliases [MQTT-3.3.2-8]", async () => {
    const { broker, lanes } = await run({ properties: { topicAliasMaximum: 10 } });
    lanes.append("log", 3);
    await until("the records", () => lanes.unsent("log") === 0);
    const logs = broker.received.filter((r) => r.cls === "log");
    expect(logs.map((r) => r.topic)).toEqual(Array(3).fill("swath/1/cmac/dz-014/log"));
    expect(logs[0]!.bytes - logs[1]!.bytes).toBe("swath/1/cmac/dz-014/log".length);
  });

  it("gives live 60 s and health 300 s to live, and says what the bytes are", async () => {
    const { broker, uplink } = await run({});
    await until("a connection", () => uplink.status().connected);
    uplink.publishLive(Buffer.from("{}"));
    uplink.publishHealth(Uint8Array.of(0xa0));
    await until("both", () => broker.received.length === 4);
    expect(broker.received.slice(2)).toMatchObject([
      { cls: "live", qos: 0, retain: false, expiryS: 60, contentType: "application/json" },
      { cls: "health", qos: 1, retain: true, expiryS: 300, contentType: "application/cbor" },
    ]);
  });

  it("leaves a server that has said DISCONNECT, says why, and comes back [MQTT-3.14.4-1]", async () => {
    const { broker, uplink } = await run({});
    await until("a connection", () => uplink.status().connected);
    const errors: string[] = [];
    uplink.onStatus((s) => s.lastError !== undefined && errors.push(s.lastError.message));
    broker.throwOut(0x8b);
    await until("the next connection", () => broker.connects.length === 2);
    expect(errors[0]).toMatch(/closed the connection: server shutting down \(0x8b\)/);
  });

  it("is a clone when the server says so twice (0x8E) [MQTT-3.1.4-3]", async () => {
    const { broker, uplink } = await run({});
    for (const n of [1, 2]) {
      await until("a connection", () => uplink.status().connects === n && uplink.status().connected);
      broker.throwOut(0x8e);
      await until("the end of it", () => !uplink.status().connected);
    }
    expect(uplink.status()).toMatchObject({ cloned: true, lastError: { code: "link/cloned" } });
  });

  it.each([
    [0x86, "5"],
    [0x87, "5"],
    [0x8a, "5"],
    [4, "3.1.1"],
    [5, "3.1.1"],
  ] as const)("does not hammer a broker that refuses it with %i, and says so", async (code, protocol) => {
    const { broker, uplink } = await run({ onConnect: () => code }, { protocol });
    await until("the refusal", () => uplink.status().refused === 1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(broker.connects.length).toBe(1);
    expect(uplink.status().lastError).toMatchObject({ code: "link/refused" });
  });

  it("keeps records that PUBACK refuses, and sends them again [MQTT-3.4.2-1]", async () => {
    let refusals = 3;
    const { broker, lanes, uplink } = await run({
      onPublish: (p) => (p.topic.endsWith("/log") && refusals-- > 0 ? 0x97 : 0),
    });
    lanes.append("log", 5);
    await until("the records", () => lanes.unsent("log") === 0);
    expect(uplink.status().counters).toMatchObject({ acked: 5 + 2, rejected: 3 });
    expect(new Set(broker.received.filter((r) => r.cls === "log").map((r) => r.body)).size).toBe(5);
  });

  it("survives rubbish instead of MQTT, and an endless packet, without keeping it in memory", async () => {
    const { createServer } = await import("node:net");
    for (const rubbish of [Buffer.alloc(64, 0xff), Buffer.from([0x20, 0xff, 0xff, 0xff, 0x7f])]) {
      let connections = 0;
      let sent = 0;
      const server = createServer((socket) => {
        connections += 1;
        socket.on("error", () => {});
        socket.on("data", () => {});
        socket.write(rubbish);
        const more = setInterval(() => {
          if (socket.destroyed) clearInterval(more);
          else {
            sent += 65_536;
            socket.write(Buffer.alloc(65_536));
          }
        }, 1);
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const address = server.address();
      const port = address !== null && typeof address === "object" ? address.port : 0;
      const { uplink } = openSession(port, { random: () => 0, protocol: "5" });
      uplink.start();
      await until("three attempts", () => connections >= 3);
      expect(uplink.status()).toMatchObject({ connected: false, connects: 0 });
      expect(uplink.status().lastError!.code).toMatch(/^link\//);
      expect(sent).toBeLessThan(20_000_000);
      await uplink.stop({ final: "{}" });
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
