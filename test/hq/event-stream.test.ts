import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createFleetStreams } from "../../src/hq/event-stream.ts";
import { createFleet } from "../../src/hq/fleet.ts";
import type { Tidings } from "../../src/hq/page/view.ts";
import type { Subscriber } from "../../src/hq/subscriber.ts";
import type { EventStreams } from "../../src/web/event-streams.ts";
import { descriptorRecord, encode, liveMessage, onLane, stateMessage, topic } from "./messages.ts";

const RULES = { toolWidthM: 2, targetDepthM: 0.2, shockLineMps2: 250 };

/** A response whose unread bytes the test decides. */
class Page extends EventEmitter {
  writableLength = 0;
  destroyed = false;
  readonly heard: Tidings[] = [];
  writeHead() {}
  write(text: string) {
    if (text.startsWith("data: ")) this.heard.push(JSON.parse(text.slice(6)) as Tidings);
  }
  end() {}
  destroy() {
    this.destroyed = true;
    this.emit("close");
  }
}

let streams: EventStreams;
let live: (mono: number) => void;

function attach(): Page {
  const page = new Page();
  streams.attach(new EventEmitter() as IncomingMessage, page as unknown as ServerResponse);
  return page;
}

beforeEach(() => {
  vi.useFakeTimers();
  const fleet = createFleet(RULES);
  fleet.receive(topic("state"), encode(stateMessage("online")), 0);
  fleet.receive(...onLane("log", descriptorRecord(1)), 0);
  live = (mono) => {
    fleet.receive(topic("live"), encode(liveMessage(mono, { "rotor_speed.mean": mono })), mono);
  };
  const subscriber = { fleet, connected: () => true } as unknown as Subscriber;
  streams = createFleetStreams(subscriber, { ...RULES, machineNames: {}, demo: false });
});
afterEach(() => {
  streams.close();
  vi.useRealTimers();
});

const monos = (page: Page) =>
  page.heard.flatMap((one) => one.units.flatMap((unit) => unit.rows?.items.map((row) => row[0]) ?? []));

describe("a stream of events", () => {
  it("gives a page that fell behind nothing until it has caught up, and then all it missed in one message", () => {
    const slow = attach();
    const quick = attach();
    slow.writableLength = 1_000_000;
    for (let second = 1; second <= 5; second++) {
      live(second * 1000);
      vi.advanceTimersByTime(1000);
    }
    expect(slow.heard).toHaveLength(1);
    expect(monos(quick)).toEqual([1000, 2000, 3000, 4000, 5000]);
    slow.writableLength = 0;
    vi.advanceTimersByTime(200);
    expect(slow.heard).toHaveLength(2);
    expect(monos(slow)).toEqual([1000, 2000, 3000, 4000, 5000]);
  });

  it("lets go of a page that reads nothing for half a minute", () => {
    const slow = attach();
    slow.writableLength = 1_000_000;
    vi.advanceTimersByTime(29_000);
    expect(slow.destroyed).toBe(false);
    vi.advanceTimersByTime(2_000);
    expect(slow.destroyed).toBe(true);
    expect(streams.count()).toBe(0);
  });

  it("sends a heartbeat once a second while nothing changes", () => {
    const page = attach();
    vi.advanceTimersByTime(5_000);
    expect(page.heard).toHaveLength(6);
    expect(page.heard.slice(1).every((one) => one.units.length === 0)).toBe(true);
  });

  it("joins what comes within a fifth of a second into one message", () => {
    const page = attach();
    for (let i = 1; i <= 10; i++) live(i * 1000);
    vi.advanceTimersByTime(200);
    expect(page.heard).toHaveLength(2);
    expect(monos(page)).toHaveLength(10);
  });
});
