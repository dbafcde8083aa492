import { describe, expect, it } from "vitest";
import { startFakeBroker } from "../rigs/fake-broker.ts";
import { startMosquitto } from "../rigs/mosquitto.ts";
import { startTcpProxy } from "../rigs/tcp-proxy.ts";
import { brokerKinds } from "../uplink/brokers.ts";
import { openSession, until } from "../uplink/session.ts";

describe("links that die without a word", () => {
  it.each(brokerKinds())(
    "a black hole to $name is found within 30 s, idle or sending, and everything arrives after",
    async (kind) => {
      const broker = await kind.start();
      const proxy = await startTcpProxy(broker.port);
      const { uplink, lanes } = openSession(proxy.port, { protocol: kind.protocol, random: () => 0 });
      uplink.start();
      lanes.append("log", 10);
      await until("the first records", () => lanes.unsent("log") === 0);
      proxy.faults.blackHole = true;
      const startMs = performance.now();
      const sending = setInterval(() => lanes.append("log", 1), 1_000);
      await until("the end of the link", () => !uplink.status().connected, 31_000);
      const tookS = (performance.now() - startMs) / 1_000;
      clearInterval(sending);
      console.log(`${kind.name}: dead link found after ${tookS.toFixed(1)} s`);
      expect(tookS).toBeLessThanOrEqual(30);
      proxy.cutAll();
      proxy.faults.blackHole = false;
      await until("the rest", () => lanes.unsent("log") === 0, 20_000);
      await uplink.stop({ final: "{}" });
      await proxy.close();
      await broker.stop();
    },
  );

  it("is not stretched by a server that asks for a keep-alive of an hour [MQTT-3.1.2-21]", async () => {
    const broker = await startFakeBroker({ properties: { serverKeepAlive: 3600 } });
    const { uplink } = openSession(broker.port, { random: () => 0 });
    uplink.start();
    await until("a connection", () => uplink.status().connected);
    broker.script.pong = false;
    const startMs = performance.now();
    await until("the end of the link", () => !uplink.status().connected, 31_000);
    expect(performance.now() - startMs).toBeLessThanOrEqual(30_000);
    await uplink.stop({ final: "{}" });
    await broker.close();
  });

  it("a broker that takes CONNECT and never answers is given up after 15 s, in the same version", async () => {
    const broker = await startFakeBroker({ onConnect: () => "silence" });
    const { uplink } = openSession(broker.port, { random: () => 0 });
    uplink.start();
    const startMs = performance.now();
    await until("the second attempt", () => broker.connects.length === 2, 20_000);
    const tookMs = performance.now() - startMs;
    expect(tookMs).toBeGreaterThan(14_000);
    expect(tookMs).toBeLessThan(17_000);
    expect(broker.connects[1]!.protocolVersion).toBe(5);
    await uplink.stop({ final: "{}" });
    await broker.close();
  });
});

describe.each(brokerKinds().filter((k) => k.speaks === "5"))("the delayed will on $name", ({ start, protocol }) => {
  it("is not published when the unit is back within 30 s, and is 30 s after it is gone [MQTT-3.1.3-9]", async () => {
    const broker = await start();
    const proxy = await startTcpProxy(broker.port);
    const { uplink } = openSession(proxy.port, { protocol, random: () => 0 });
    uplink.start();
    await until("a connection", () => uplink.status().connected);
    const lost = () => broker.delivered.some((d) => d.body === '{"state":"lost"}');
    for (let n = 2; n <= 4; n++) {
      proxy.cutAll();
      await until("the next connection", () => uplink.status().connects === n && uplink.status().connected);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    expect(lost()).toBe(false);
    proxy.faults.refuse = true;
    proxy.cutAll();
    const startMs = performance.now();
    await until("the will", lost, 40_000);
    expect(performance.now() - startMs).toBeGreaterThan(25_000);
    await uplink.stop({ final: "{}" });
    await proxy.close();
    await broker.stop();
  });
});

describe.each(
  brokerKinds()
    .filter((k) => k.name.startsWith("Mosquitto"))
    .slice(0, 1),
)("a frozen broker", () => {
  it("is left within 30 s, and gets everything when it is back", async () => {
    const broker = await startMosquitto();
    const { uplink, lanes } = openSession(broker.port, { random: () => 0 });
    uplink.start();
    await until("a connection", () => uplink.status().connected);
    broker.freeze();
    lanes.append("log", 100);
    await until("the end of the link", () => !uplink.status().connected, 31_000);
    await broker.kill();
    await broker.restart();
    await until("the records", () => lanes.unsent("log") === 0, 20_000);
    await uplink.stop({ final: "{}" });
    await broker.stop();
  });
});
