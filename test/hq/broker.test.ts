import { connect as connectSocket } from "node:net";
import { connectAsync } from "mqtt";
import { afterEach, describe, expect, it } from "vitest";
import { type Broker, startBroker } from "../../src/hq/broker.ts";
import { until } from "./until.ts";

const open: Broker[] = [];
const start = async (port = 0) => {
  const broker = await startBroker({ port });
  open.push(broker);
  return broker;
};
afterEach(async () => {
  await Promise.all(open.splice(0).map((broker) => broker.close()));
});

describe("the embedded broker", () => {
  it("takes a free port and carries a message from one client to another", async () => {
    const broker = await start();
    const heard: string[] = [];
    const reader = await connectAsync(broker.url, { protocolVersion: 4 });
    reader.on("message", (_, payload) => heard.push(payload.toString()));
    await reader.subscribeAsync("a/+", { qos: 1 });
    const writer = await connectAsync(broker.url, { protocolVersion: 4 });
    await writer.publishAsync("a/b", "hello", { qos: 1 });
    await until("the message", () => heard.length === 1);
    expect(heard).toEqual(["hello"]);
    expect(broker.stats()).toMatchObject({ clients: 2, connections: 2, messages: 1, bytes: 5 });
    await Promise.all([reader.endAsync(true), writer.endAsync(true)]);
  });

  it("gives a retained message to who comes later, and the will of who vanished", async () => {
    const broker = await start();
    const will = { topic: "s/u1", payload: Buffer.from("lost"), qos: 1 as const, retain: true };
    const writer = await connectAsync(broker.url, { protocolVersion: 4, will, reconnectPeriod: 0 });
    await writer.publishAsync("s/u1", "online", { qos: 1, retain: true });
    const heard: string[] = [];
    const reader = await connectAsync(broker.url, { protocolVersion: 4 });
    reader.on("message", (_, payload) => heard.push(payload.toString()));
    await reader.subscribeAsync("s/#", { qos: 1 });
    await until("the retained message", () => heard.length === 1);
    writer.stream.destroy();
    await until("the will", () => heard.length === 2);
    expect(heard).toEqual(["online", "lost"]);
    await reader.endAsync(true);
  });

  it("refuses a version of the protocol it does not speak, and lives on", async () => {
    const broker = await start();
    await expect(connectAsync(broker.url, { protocolVersion: 5, reconnectPeriod: 0 })).rejects.toThrow();
    const client = await connectAsync(broker.url, { protocolVersion: 4 });
    await client.endAsync(true);
  });

  it("survives a client that talks nonsense", async () => {
    const broker = await start();
    const socket = connectSocket(Number(new URL(broker.url).port), "127.0.0.1");
    socket.on("error", () => {});
    socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x13]));
    await until("the broker to hang up", () => socket.destroyed || socket.readableEnded || socket.closed);
    const client = await connectAsync(broker.url, { protocolVersion: 4 });
    await client.endAsync(true);
  });

  it("ends within half a second although clients stay connected, and frees its port", async () => {
    const broker = await start();
    const client = await connectAsync(broker.url, { protocolVersion: 4, reconnectPeriod: 0 });
    client.on("error", () => {});
    const idle = connectSocket(Number(new URL(broker.url).port), "127.0.0.1");
    idle.on("error", () => {});
    await until("the idle connection", () => broker.stats().connections === 2);
    const before = performance.now();
    await broker.close();
    expect(performance.now() - before).toBeLessThan(500);
    await start(Number(new URL(broker.url).port));
    await client.endAsync(true);
  });

  it("says so when its port is taken", async () => {
    const broker = await start();
    await expect(startBroker({ port: Number(new URL(broker.url).port) })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});
