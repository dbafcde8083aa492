import { get, request } from "node:http";
import { connect as connectSocket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Broker, startBroker } from "../../src/hq/broker.ts";
import { type DemoHq, startDemoHq } from "../../src/hq/demo.ts";
import { createStore } from "../../src/hq/page/store.ts";
import type { Tidings, UnitPatch } from "../../src/hq/page/view.ts";
import { startSubscriber } from "../../src/hq/subscriber.ts";
import { type FakeUnit, startFakeUnit } from "./fake-unit.ts";
import { until } from "./until.ts";

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

function ask(url: string, options: { method?: string; headers?: Record<string, string> } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, ...options }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        body += part;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    asked.on("error", reject);
    asked.end();
  });
}

/** Listens to `/events` as the page does. */
function listen(url: string) {
  const tidings: Tidings[] = [];
  let ended = false;
  const asked = get(new URL("events", url), { agent: false }, (response) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (part: string) => {
      text += part;
      const parts = text.split("\n\n");
      text = parts.pop()!;
      for (const one of parts) if (one.startsWith("data: ")) tidings.push(JSON.parse(one.slice(6)) as Tidings);
    });
    response.on("close", () => {
      ended = true;
    });
    response.on("error", () => {});
  });
  asked.on("error", () => {});
  return { tidings, ended: () => ended, stop: () => asked.destroy() };
}

let hq: DemoHq;
let units: FakeUnit[];
const fake = async (options: Partial<Parameters<typeof startFakeUnit>[0]> = {}) => {
  const unit = await startFakeUnit({ url: hq.brokerUrl, speed: 10, ...options });
  units.push(unit);
  return unit;
};
const state = async () => JSON.parse((await ask(new URL("api/state", hq.pageUrl).href)).body) as Tidings;
const only = async (): Promise<UnitPatch | undefined> => (await state()).units[0];

beforeEach(async () => {
  hq = await startDemoHq();
  units = [];
});
afterEach(async () => {
  await Promise.all(units.map((unit) => unit.close()));
  await hq.close();
});

describe("HQ with a unit at work", () => {
  it("shows its state, its figures, its way and complete books", async () => {
    await fake({ pastS: 40 });
    await until("ten live messages", async () => ((await only())?.lanes?.live.received ?? 0) >= 10);
    const unit = (await only())!;
    expect(unit.head).toMatchObject({ machine: "d85ms-15-07", state: "online", simulated: "all", trust: "gnss" });
    expect(unit.live?.c["rotor_speed.mean"]).toBeTypeOf("number");
    expect(unit.descriptor?.charts.map((chart) => chart.channel)).toEqual([
      "rotor_speed",
      "tool_depth",
      "engine_speed",
      "shock",
    ]);
    expect(unit.descriptor?.channels).toHaveLength(19);
    expect(unit.rows?.items.length).toBeGreaterThan(40);
    expect(unit.track?.items.length).toBeGreaterThan(10);
    expect(unit.health?.sources.map((source) => source.state)).toEqual(["running", "running", "running", "running"]);
    expect(unit.lanes?.lanes.map((lane) => lane.missing)).toEqual([0, 0, 0]);
    expect(hq.summary()).toMatchObject({ missing: 0, bad: 0, duplicates: 0, units: 1, lastStateWord: "online" });
  });

  it("says lost when the unit vanishes without a word", async () => {
    const unit = await fake();
    await until("online", () => hq.summary().lastStateWord === "online");
    unit.vanish();
    await until("lost", () => hq.summary().lastStateWord === "lost");
    expect((await only())?.head?.state).toBe("lost");
  });

  it("tells how many records are missing when numbers are left out", async () => {
    const unit = await fake();
    unit.pause();
    const event = { kind: "event", name: "operator_mark", severity: "info", detail: {} };
    await unit.record("event", event);
    unit.skip("event", 3);
    await unit.record("event", event);
    await until("the hole", () => hq.summary().missing === 3);
    expect((await only())?.lanes?.lanes[0]).toMatchObject({ lane: "event", missing: 3 });
  });

  it("counts what does not pass the checks and goes on", async () => {
    const unit = await fake();
    await unit.send("log", "{ this is not JSON");
    await unit.send("live", { v: 1 });
    await until("two bad messages", () => hq.summary().bad === 2);
    expect((await state()).bad).toEqual({ "not-json": 1, schema: 1 });
    const before = hq.summary().records;
    await until("more records", () => hq.summary().records > before);
  });
});

describe("the stream of events", () => {
  it("gives everything at first and then only what changed, at most five times a second", async () => {
    await fake({ pastS: 30 });
    await until("a position", async () => ((await only())?.track?.items.length ?? 0) > 5);
    const stream = listen(hq.pageUrl);
    const began = performance.now();
    await until("twelve messages", () => stream.tidings.length >= 12);
    const seconds = (performance.now() - began) / 1000;
    expect(stream.tidings.length / seconds).toBeLessThan(6.5);
    const [first, ...rest] = stream.tidings;
    expect(first!.rules).toMatchObject({ toolWidthM: 2 });
    expect(first!.units[0]!.descriptor).toBeDefined();
    expect(rest.every((one) => one.units[0]?.descriptor === undefined)).toBe(true);
    stream.stop();
    await until("the page to be gone", () => hq.summary().pages === 0);
  });

  it("adds up to the same as the whole state", async () => {
    const unit = await fake({ pastS: 30 });
    const stream = listen(hq.pageUrl);
    await until("some rows", () => stream.tidings.filter((one) => one.units[0]?.rows !== undefined).length > 8);
    unit.pause();
    const total = await until("the unit to rest", async () => {
      const before = hq.summary().messages;
      await new Promise((resolve) => setTimeout(resolve, 400));
      return hq.summary().messages === before ? await state() : undefined;
    });
    await until("the page to catch up", () => {
      const page = createStore(() => 0);
      for (const one of stream.tidings) page.take(one);
      const own = page.units.get("cmac/demo-01");
      return own?.lanes?.messages === total.units[0]!.lanes!.messages;
    });
    const page = createStore(() => 0);
    for (const one of stream.tidings) page.take(one);
    const own = page.units.get("cmac/demo-01")!;
    // The page may keep rows a little longer than HQ does.
    expect(own.rows.slice(-total.units[0]!.rows!.items.length)).toEqual(total.units[0]!.rows!.items);
    expect(own.track).toEqual(total.units[0]!.track!.items);
    expect(own.live).toEqual(total.units[0]!.live);
    stream.stop();
  });

  it("holds back for a page that does not read, and serves the others", async () => {
    await fake({ pastS: 600, speed: 20 });
    await until("a long way", async () => ((await only())?.rows?.items.length ?? 0) > 100);
    const { port } = new URL(hq.pageUrl);
    const slow = connectSocket(Number(port), "127.0.0.1");
    slow.on("error", () => {});
    slow.pause();
    slow.write(`GET /events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    await until("the slow page", () => hq.summary().pages === 1);
    const stream = listen(hq.pageUrl);
    await until("twelve messages", () => stream.tidings.length >= 12);
    expect(hq.summary().pages).toBe(2);
    slow.destroy();
    stream.stop();
    await until("both to be gone", () => hq.summary().pages === 0);
  });

  it("refuses the seventeenth page and takes it when another has left", async () => {
    const streams = Array.from({ length: 16 }, () => listen(hq.pageUrl));
    await until("sixteen pages", () => hq.summary().pages === 16);
    expect((await ask(new URL("events", hq.pageUrl).href)).status).toBe(503);
    streams[0]!.stop();
    await until("one to leave", () => hq.summary().pages === 15);
    streams.push(listen(hq.pageUrl));
    await until("the new one", () => hq.summary().pages === 16);
    for (const stream of streams) stream.stop();
  });

  it("ends at once when HQ closes", async () => {
    const stream = listen(hq.pageUrl);
    await until("the first message", () => stream.tidings.length > 0);
    const before = performance.now();
    await hq.close();
    expect(performance.now() - before).toBeLessThan(1000);
    await until("the stream to end", stream.ended);
  });
});

describe("the server of the page", () => {
  it("serves the page with a policy that allows nothing inline and nothing from elsewhere", async () => {
    const { status, headers, body } = await ask(hq.pageUrl);
    expect(status).toBe(200);
    expect(headers["content-security-policy"]).toContain("default-src 'self'");
    expect(headers["content-security-policy"]).not.toContain("unsafe");
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(body).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|https?:\/\//);
    for (const path of ["style.css", "tables.css", "icon.svg", "vendor/uplot.js", "vendor/uplot.css"]) {
      expect((await ask(new URL(path, hq.pageUrl).href)).status, path).toBe(200);
    }
  });

  it.each(["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:PORT"])(
    "refuses the host %s, under which another page could read it",
    async (host) => {
      const { port } = new URL(hq.pageUrl);
      const { status, body } = await ask(new URL("api/state", hq.pageUrl).href, {
        headers: { host: host.replace("PORT", port) },
      });
      expect(status).toBeGreaterThanOrEqual(400);
      expect(body).not.toContain("units");
    },
  );

  it.each(["POST", "PUT", "DELETE", "OPTIONS"])("refuses %s", async (method) => {
    expect((await ask(new URL("api/state", hq.pageUrl).href, { method })).status).toBe(405);
  });

  it.each([
    "../package.json",
    "..%2fpackage.json",
    "vendor/../../package.json",
    "__proto__",
    "main.ts",
    "tsconfig.json",
  ])("has nothing at %s", async (path) => {
    const { port } = new URL(hq.pageUrl);
    const answer = await new Promise<string>((resolve) => {
      const socket = connectSocket(Number(port), "127.0.0.1");
      let text = "";
      socket.on("data", (part) => {
        text += part.toString();
      });
      socket.on("close", () => resolve(text));
      socket.write(`GET /${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
  });

  it("passes on hostile words as data and nothing else", async () => {
    const hostile = `<img src=x onerror=alert(1)>"'\u2028`;
    await fake({ labels: { rotor_speed: hostile } });
    const text = (await until("the label", async () => {
      const answer = await ask(new URL("api/state", hq.pageUrl).href);
      return answer.body.includes("onerror") ? answer : undefined;
    })) as Answer;
    expect(text.headers["content-type"]).toMatch(/^application\/json/);
    const label = (JSON.parse(text.body) as Tidings).units[0]!.descriptor!.channels[0]!.label;
    expect(label).toBe(hostile);
  });
});

describe("the subscriber", () => {
  const rules = { toolWidthM: 2, targetDepthM: 0.2, shockLineMps2: 250 };

  it("comes back by itself when the broker was away, and hears what is retained", async () => {
    const first = await startBroker({ port: 0 });
    const port = Number(new URL(first.url).port);
    const subscriber = startSubscriber({ url: first.url, rules });
    let second: Broker | undefined;
    try {
      await until("the first session", () => subscriber.connected());
      await first.close();
      await until("the end of it", () => !subscriber.connected());
      second = await startBroker({ port });
      const unit = await startFakeUnit({ url: second.url });
      units.push(unit);
      await until("the unit", () => subscriber.fleet.units.get("cmac/demo-01")?.state() !== undefined);
      expect(subscriber.stats().connects).toBe(2);
      await unit.close();
    } finally {
      units.length = 0;
      await subscriber.close();
      await second?.close();
    }
  });

  it("starts without a broker and waits for it", async () => {
    const free = await startBroker({ port: 0 });
    const port = Number(new URL(free.url).port);
    await free.close();
    const subscriber = startSubscriber({ url: free.url, rules });
    try {
      expect(subscriber.connected()).toBe(false);
      const late = await startBroker({ port });
      try {
        await until("the session", () => subscriber.connected());
      } finally {
        await late.close();
      }
    } finally {
      await subscriber.close();
    }
  });
});
