import { PerformanceObserver } from "node:perf_hooks";
import { catalogue } from "../../devices/index.ts";
import { systemClock } from "../../src/bus/clock.ts";
import { encodeSlcanHeard } from "../../src/codec/slcan.ts";
import { loadConfig } from "../../src/config/load.ts";
import { createFrameReader } from "../../src/link/frame.ts";
import { createOutbox } from "../../src/link/outbox.ts";
import { compose } from "../../src/sampler/compose.ts";
import { openLinuxPorts } from "../../src/sampler/linux-ports.ts";
import { openPart } from "../../src/sampler/open-parts.ts";
import { createSampler } from "../../src/sampler/sampler.ts";
import { createSchedule, type Due } from "../../src/sampler/schedule.ts";
import { CAN_FRAMES_HZ } from "./plan-config.ts";
import { planMachine } from "./plan-machine.ts";

/**
 * The sampler over twins, in real time, in a process of its own: `plan-worker CONFIG SECONDS BUS`. With the bus `user-land` the
 * I2C twins are in another process and are reached through the genuine addon; those of the serial lines stay here.
 */
const [file = "", seconds = "20", i2cBus = "memory"] = process.argv.slice(2);
/** What the compiler and the first rows take is not the steady state. */
const WARM_MS = 5000;
const CAPTURE_AFTER_MS = 500;
const ENGINE_FRAMES_HZ = 10;

const config = loadConfig(file, { catalogue });
const startMs = systemClock.monoMs();
const outbox = createOutbox({ holdMs: 180_000, maxBytes: 32 << 20, onLost: () => undefined });
const lates: Float64Array = new Float64Array(1 << 20);
let late = 0;
/** The unit's part: every frame is acknowledged as it comes. What captures say is looked at, the rest is dropped. */
const waits: number[] = [];
const reader = createFrameReader(
  (frame) => {
    if (frame.type !== "note" || frame.body.kind !== "capture") return;
    const last = frame.body.triggers.at(-1)?.at ?? 0;
    waits.push(systemClock.monoMs() - (frame.body.mono + last + CAPTURE_AFTER_MS));
  },
  () => undefined,
);
let taken = 0;
const sampler = createSampler({
  ...compose(config),
  startMs,
  outbox,
  lateness: {
    add(ms) {
      if (late < lates.length) lates[late++] = ms > 0 ? ms : 0;
    },
    take: () => ({ p50Ms: 0, maxMs: 0 }),
  },
  link: {
    connected: true,
    pump() {
      for (let next = outbox.after(taken); next !== undefined; next = outbox.after(taken)) {
        taken = next.number;
        if (next.bytes.length > 5000) reader(next.bytes);
      }
      outbox.ack(taken);
    },
    status: () => undefined,
    close: async () => undefined,
  },
  nowMs: () => systemClock.monoMs(),
});
const { ports, actors } = planMachine(config, startMs);
if (i2cBus === "user-land") {
  const i2c = Object.fromEntries(Object.entries(config.buses).filter(([, bus]) => bus.kind === "i2c"));
  for (const [name, port] of await openLinuxPorts(i2c, systemClock)) ports.set(name, port);
}
/** What the twins and the scene take; the rest is the sampler's. */
let twinMs = 0;
const timed = (due: Due): Due => ({
  get dueMs() {
    return due.dueMs;
  },
  step(nowMs) {
    const before = performance.now();
    due.step(nowMs);
    twinMs += performance.now() - before;
  },
});
const can = ports.get("can");
const frame = encodeSlcanHeard(0x18_fe_f2_03, new Uint8Array(8).fill(0x7d));
let canDueMs = startMs;
const traffic: Due = {
  get dueMs() {
    return canDueMs;
  },
  step() {
    canDueMs += 10;
    const n = (CAN_FRAMES_HZ - ENGINE_FRAMES_HZ * 6) / 100;
    if (can?.kind === "serial" && "feed" in can.link)
      for (let i = 0; i < n; i++) (can.link.feed as (b: Uint8Array) => void)(frame);
  },
};
const sources = config.parts.flatMap((part) => {
  const port = ports.get(part.bus);
  if (port === undefined) return [];
  const source = openPart(part, port, {
    clock: systemClock,
    sink: sampler.sinkFor(part.name),
    time: { utc: () => undefined },
  });
  sampler.addSource(source);
  return [source];
});

/** Samples that the regular I2C parts owe in a second, and what they have given so far. */
const regular = sources.filter((s) => s.channels.every((c) => c.rateHz !== undefined) && "overrun" in s.counters);
const owedHz = regular.reduce((n, s) => n + s.channels.reduce((sum, c) => sum + (c.rateHz ?? 0), 0), 0);
const given = () => regular.reduce((n, s) => n + (s.counters["samples"] ?? 0), 0);

const collections: number[] = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) collections.push(entry.duration);
}).observe({ entryTypes: ["gc"] });

createSchedule({
  items: [...actors.map(timed), timed(traffic), ...sampler.dues()],
  clock: systemClock,
  lateness: {
    add(ms) {
      if (late < lates.length) lates[late++] = ms > 0 ? ms : 0;
    },
    take: () => ({ p50Ms: 0, maxMs: 0 }),
  },
}).start();

setTimeout(() => {
  late = 0;
  waits.length = 0;
  twinMs = 0;
  collections.length = 0;
  const givenBefore = given();
  const before = process.cpuUsage();
  const from = performance.now();
  setTimeout(() => {
    const { user, system } = process.cpuUsage(before);
    const spentMs = performance.now() - from;
    const sorted = lates.slice(0, late).sort();
    const at = (p: number) => sorted[Math.min(late - 1, Math.floor(p * late))] ?? 0;
    const overruns = sources.reduce((n, s) => n + (s.counters["overrun"] ?? 0), 0);
    process.send?.({
      cpuShare: (user + system) / 1000 / spentMs,
      twinShare: twinMs / spentMs,
      rssMb: process.memoryUsage.rss() / 1e6,
      samples: given() - givenBefore,
      owed: Math.round((owedHz * spentMs) / 1000),
      overruns,
      framesLost: outbox.lost,
      states: Object.fromEntries(sources.map((s) => [s.name, s.state])),
      counters: Object.fromEntries(sources.map((s) => [s.name, s.counters])),
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: at(1),
      longestGcMs: Math.max(0, ...collections),
      collections: collections.length,
      captures: waits.length,
      captureP50Ms: waits.toSorted((a, b) => a - b)[waits.length >> 1] ?? Number.NaN,
      captureMaxMs: Math.max(...waits),
    });
    process.disconnect?.();
    process.exit(0);
  }, Number(seconds) * 1000);
}, WARM_MS);
