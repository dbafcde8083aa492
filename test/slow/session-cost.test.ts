import { connect, createServer } from "node:net";
import { Aedes } from "aedes";
import { describe, expect, it } from "vitest";
import { mosquittoPath, startMosquitto } from "../rigs/mosquitto.ts";
import { openSession, until } from "../uplink/session.ts";

const row = (seq: number) =>
  JSON.stringify({
    v: 1,
    seq,
    c: Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`channel_${i}`, 1800.5 + i])),
  });

async function cpuUs(work: () => Promise<unknown>): Promise<number> {
  const from = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(from);
  return user + system;
}

const tick = () => new Promise((resolve) => setImmediate(resolve));
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function tenASecond(send: () => void): Promise<void> {
  for (let i = 0; i < 100; i++) {
    send();
    await wait(100);
  }
}

/** Mosquitto in a process of its own, so that only the session is measured; else aedes in this one. */
async function broker(): Promise<{ name: string; port: number; stop: () => Promise<unknown> }> {
  if (mosquittoPath() !== undefined || process.env["CI"] !== undefined) {
    const mosquitto = await startMosquitto();
    return { name: "Mosquitto", port: mosquitto.port, stop: () => mosquitto.stop() };
  }
  const aedes = await Aedes.createBroker();
  const server = createServer((socket) => aedes.handle(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  return { name: "aedes, itself included", port, stop: async () => server.close(() => aedes.close()) };
}

describe("what the session costs", () => {
  it("is little at ten live rows a second, beside the plain limit of a socket", async () => {
    const { name, port, stop } = await broker();
    const { uplink, lanes } = openSession(port);
    uplink.start();
    await until("a connection", () => uplink.status().connected);
    const body = Buffer.from(row(1));
    const counters = () => uplink.status().counters;

    const backToBack = async (count: number) => {
      const target = counters().liveSent + count;
      while (counters().liveSent < target) {
        uplink.publishLive(body);
        await tick();
      }
    };
    await backToBack(3_000);
    const dropped = counters().liveDropped;
    const liveUs = (await cpuUs(() => backToBack(10_000))) / 10_000;
    const droppedShare = (counters().liveDropped - dropped) / 10_000;

    lanes.append("log", 5_000, row);
    await until("the records", () => lanes.unsent("log") === 0, 60_000);
    lanes.append("log", 10_000, row);
    const logUs = (await cpuUs(() => until("the records", () => lanes.unsent("log") === 0, 60_000))) / 10_000;

    const idleUs = await cpuUs(() => tenASecond(() => {}));
    const pacedUs = (await cpuUs(() => tenASecond(() => uplink.publishLive(body)))) - idleUs;

    const sink = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => sink.listen(0, "127.0.0.1", resolve));
    const address = sink.address();
    const raw = connect(address !== null && typeof address === "object" ? address.port : 0, "127.0.0.1");
    await new Promise((resolve) => raw.once("connect", resolve));
    const rawUs = (await cpuUs(() => tenASecond(() => raw.write(body)))) - idleUs;
    raw.destroy();
    sink.close();

    console.log(
      `${name}, rows of ${body.length} bytes: live ${liveUs.toFixed(0)} µs each back to back (${droppedShare.toFixed(1)} dropped per row sent), ` +
        `record until its PUBACK ${logUs.toFixed(0)} µs; at 10 rows/s ${(pacedUs / 100).toFixed(0)} µs each = ` +
        `${(pacedUs / 1e5).toFixed(2)} % of a core, a bare socket ${(rawUs / 100).toFixed(0)} µs`,
    );
    expect(pacedUs / 1e7).toBeLessThan(0.1);
    await uplink.stop({ final: "{}" });
    await stop();
  });
});
