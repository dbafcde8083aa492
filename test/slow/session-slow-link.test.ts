import { describe, expect, it } from "vitest";
import { startTcpProxy } from "../rigs/tcp-proxy.ts";
import { brokerKinds } from "../uplink/brokers.ts";
import { seqOf } from "../uplink/memory-lanes.ts";
import { openSession, until } from "../uplink/session.ts";

const ROW = JSON.stringify({
  v: 1,
  c: Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`channel_${i}`, 1800 + i])),
});

describe.each(brokerKinds().slice(0, 1))("a slow link to $name", ({ start, protocol }) => {
  it.each([
    ["1 Mbit/s and 300 ms", 125_000, 150, 1_000, 2_000],
    ["100 kbit/s and 300 ms", 12_500, 150, 1_000, 2_000],
    ["10 kbit/s and 300 ms", 1_250, 150, 400, 5_000],
  ] as const)(
    "carries events and live beside a backlog over %s",
    async (name, bytesPerS, latencyMs, recordBytes, withinMs) => {
      const broker = await start();
      const proxy = await startTcpProxy(broker.port, { bytesPerS, latencyMs });
      const { uplink, lanes } = openSession(proxy.port, { protocol });
      lanes.append("log", 5_000, (seq) => JSON.stringify({ seq }).padEnd(recordBytes, " "));
      uplink.start();
      await until("a connection", () => uplink.status().connected, 20_000);

      const seconds = 40;
      const eventAt: number[] = [];
      let liveSentAt = new Map<number, number>();
      const liveLateMs: number[] = [];
      const eventLateMs: number[] = [];
      let read = 0;
      const watch = setInterval(() => {
        for (const { cls, body } of broker.delivered.slice(read)) {
          read += 1;
          const nowMs = performance.now();
          if (cls === "event") eventLateMs.push(nowMs - eventAt[seqOf(body) - 1]!);
          if (cls === "live") liveLateMs.push(nowMs - liveSentAt.get(seqOf(body))!);
        }
      }, 5);
      await new Promise((resolve) => setTimeout(resolve, 8_000));
      const from = {
        ms: performance.now(),
        bytes: proxy.bytes,
        count: broker.delivered.filter((d) => d.cls === "log").length,
      };
      liveSentAt = new Map();
      for (let s = 0; s < seconds; s++) {
        liveSentAt.set(s, performance.now());
        uplink.publishLive(Buffer.from(ROW.replace('"v":1', `"v":1,"seq":${s}`)));
        if (s % 4 === 0) {
          eventAt.push(performance.now());
          lanes.append("event", 1);
        }
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
      const drained = broker.delivered.filter((d) => d.cls === "log").length - from.count;
      const tookS = (performance.now() - from.ms) / 1_000;
      await until("all events", () => eventLateMs.length === eventAt.length, 10_000);
      clearInterval(watch);
      await uplink.stop({ final: "{}" });
      await proxy.close();
      await broker.stop();

      const worst = (ms: number[]) => Math.round(Math.max(...ms));
      const used = (drained * recordBytes) / tookS / bytesPerS;
      console.log(
        `${name}: backlog ${drained} records in ${tookS.toFixed(0)} s (${(used * 100).toFixed(0)} % of the link as payload), ` +
          `events within ${worst(eventLateMs)} ms, live ${liveLateMs.length}/${seconds} within ${worst(liveLateMs)} ms`,
      );
      expect(worst(eventLateMs)).toBeLessThan(withinMs);
      expect(worst(liveLateMs)).toBeLessThan(withinMs);
      expect(liveLateMs.length).toBeGreaterThan(seconds / 4);
      expect(drained).toBeGreaterThan(0);
    },
  );
});
