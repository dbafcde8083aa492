import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { pino } from "pino";
import { catalogue } from "../../devices/index.ts";
import { systemClock } from "../bus/clock.ts";
import { CAPTURE_SPARE_S } from "../config/check-detectors.ts";
import { signalOf } from "../config/filters.ts";
import { loadConfig } from "../config/load.ts";
import type { LoadedChannel, LoadedConfig, LoadedDetector } from "../config/loaded.ts";
import { createLinkClient } from "../link/client.ts";
import { encodeNote } from "../link/frame.ts";
import { createOutbox, type Outbox } from "../link/outbox.ts";
import { isSwathError } from "../model/errors.ts";
import type { Clock } from "../model/time.ts";
import { createSimulatedMachine } from "../sim/machine.ts";
import type { BlackBoxSpec } from "./black-box.ts";
import type { WatchSpec } from "./detectors.ts";
import { createGnssAnchor } from "./gnss-anchor.ts";
import { createLateness } from "./lateness.ts";
import { openLinuxPorts } from "./linux-ports.ts";
import { openPart, type Port } from "./open-parts.ts";
import type { PipelineSpec } from "./pipeline.ts";
import { createSampler } from "./sampler.ts";
import { createSchedule, createSimulatedSchedule, type Due, steppedClock } from "./schedule.ts";

/** Frames that the unit has not made durable are kept this long. */
const HOLD_MS = 180_000;
const HOLD_BYTES = 32 * 1024 * 1024;
/** Longest block a source hands over. */
const BLOCK_SAMPLES = 1024;
/** Ring size of a channel whose part does not state a rate. */
const UNSTATED_HZ = 20;
/** From this rate on a channel is kept as a fast one by the black box. */
const FAST_HZ = 100;

/** What the unit tells its sampler. A simulation began at `--sim-start` (mono ms), when UTC was `--sim-utc` (ms). */
const { values: args } = parseArgs({
  options: {
    config: { type: "string" },
    socket: { type: "string" },
    "sim-start": { type: "string" },
    "sim-utc": { type: "string" },
  },
});

const log = pino({ name: "swath-sampler", base: null, level: process.env["SWATH_LOG"] ?? "info" });

function pipelineOf(config: LoadedConfig, channel: LoadedChannel): PipelineSpec {
  const part = config.parts.find((p) => p.name === channel.part);
  const index = part?.channels.findIndex((c) => c.key === channel.key) ?? -1;
  const rateHz = channel.source.rateHz ?? UNSTATED_HZ;
  return {
    name: channel.column,
    part: channel.part,
    channel: index,
    signal: { ...signalOf(channel.source, config.ringSeconds), capacity: BLOCK_SAMPLES },
    filters: channel.filters,
    stats: channel.stats,
    ringSamples: Math.ceil(rateHz * config.ringSeconds),
    rowMs: config.rows.everyMs,
  };
}

function trackOf(config: LoadedConfig): { part: string; channels: number[] } | undefined {
  const { track } = config;
  const part = config.parts.find((p) => p.name === track?.part);
  if (track === undefined || part === undefined) return undefined;
  return { part: part.name, channels: track.columns.map((c) => part.channels.findIndex((k) => k.key === c.key)) };
}

/** A detector as the configuration has it, with channels by their place. */
function watchOf(config: LoadedConfig, detector: LoadedDetector): WatchSpec {
  const place = (name: string) => config.channels.findIndex((c) => c.column === name);
  const { name, severity, capture } = detector;
  if (detector.kind === "limit") {
    const { channel, above, below, releaseAt, afterMs, releaseAfterMs } = detector;
    const side = above === undefined ? "under" : "over";
    const limit = { side, at: above ?? below ?? 0, releaseAt, afterMs, releaseAfterMs } as const;
    const resolution = config.channels[place(channel)]?.spec.resolution ?? 1;
    return { kind: "limit", name, severity, capture, channel: place(channel), limit, resolution };
  }
  const { channels: axes, floorMps2, strikeMps2, k, riseMs, ringSamples, refractoryMs, rotor, load } = detector;
  const strikeFloor = strikeMps2 ?? floorMps2 / 4;
  return {
    kind: "shock",
    name,
    severity,
    capture,
    channels: axes.map(place),
    axes,
    shock: { floor: floorMps2, strikeFloor, k, riseMs, ringSamples, refractoryMs },
    ...(rotor === undefined ? {} : { rotor: { channel: place(rotor), workingRpm: detector.rotorWorkingRpm } }),
    ...(load === undefined ? {} : { load: place(load) }),
  };
}

/** What the black box keeps, when a detector wants it. */
function blackBoxOf({ channels, detectors, capture, ringSeconds }: LoadedConfig): BlackBoxSpec | undefined {
  if (!detectors.some((d) => d.capture)) return undefined;
  const span = ({ beforeS, afterS }: typeof capture.fast) => ({ beforeMs: beforeS * 1000, afterMs: afterS * 1000 });
  return {
    channels: channels.map(({ column, source: { unit, resolution, rateHz = 0 } }) => {
      return { name: column, unit, resolution, span: span(rateHz >= FAST_HZ ? capture.fast : capture.slow) };
    }),
    longestMs: (ringSeconds - CAPTURE_SPARE_S) * 1000,
  };
}

/** The real machine: Linux's buses and the system's clock. */
async function real(config: LoadedConfig, clock: Clock) {
  return { ports: await openLinuxPorts(config.buses, clock), actors: [] as readonly Due[] };
}

/** The simulated machine: memory for every bus, a twin for every part. */
function simulated(config: LoadedConfig, clock: Clock, startMs: number, startUtcMs: number) {
  const { profile, simulation } = config;
  const machine = createSimulatedMachine({
    scene: {
      seed: simulation?.seed ?? 1,
      toolWidthM: profile?.toolWidthM ?? 2,
      targetDepthM: profile?.targetDepthM ?? 0.2,
      rotorRpm: profile?.rotorRpm ?? 200,
      workSpeedMps: profile?.workSpeedMps ?? 0.139,
    },
    buses: config.buses,
    parts: config.parts.map((part) => ({
      ...part,
      columns: Object.fromEntries(config.channels.filter((c) => c.part === part.name).map((c) => [c.key, c.column])),
    })),
    clock,
    startMs,
    startUtcMs,
  });
  const ports = new Map<string, Port>();
  for (const [name, bus] of machine.i2c) ports.set(name, { kind: "i2c", bus });
  for (const [name, link] of machine.serial) ports.set(name, { kind: "serial", link });
  return { ports, actors: machine.actors as readonly Due[] };
}

async function main(): Promise<void> {
  const { config: file, socket } = args;
  if (file === undefined || socket === undefined) throw new Error("the sampler is started by `swath run`");
  const config = loadConfig(file, { catalogue });
  const speed = config.simulation?.speed ?? 1;
  const simStartMs = Number(args["sim-start"] ?? systemClock.monoMs());
  const pace: Clock = { monoMs: () => simStartMs + (systemClock.monoMs() - simStartMs) * speed };
  const stepped = config.simulation === undefined ? undefined : steppedClock(pace.monoMs());
  const clock: Clock = stepped ?? systemClock;

  const session = randomUUID();
  const outbox: Outbox = createOutbox({
    holdMs: HOLD_MS * speed,
    maxBytes: HOLD_BYTES,
    onLost: (from, to) => {
      const mono = clock.monoMs();
      setImmediate(() => outbox.add(mono, (number) => encodeNote(number, { kind: "overflow", mono, from, to })));
    },
  });
  const hello = () => ({ session, pid: process.pid, config: config.hash, firstKept: outbox.firstKept });
  const link = createLinkClient({ path: socket, outbox, hello });
  const lateness = createLateness();
  const sampler = createSampler({
    pipelines: config.channels.map((c) => pipelineOf(config, c)),
    track: trackOf(config),
    blackBox: blackBoxOf(config),
    watches: config.detectors.map((d) => watchOf(config, d)),
    rowMs: config.rows.everyMs,
    startMs: clock.monoMs(),
    outbox,
    link,
    lateness,
    nowMs: () => clock.monoMs(),
  });
  const { ports, actors } =
    stepped === undefined
      ? await real(config, clock)
      : simulated(config, clock, simStartMs, Number(args["sim-utc"] ?? Date.now()));

  const time = createGnssAnchor((anchor) => sampler.anchor(anchor));
  for (const part of config.parts) {
    const port = ports.get(part.bus);
    if (port !== undefined) sampler.addSource(openPart(part, port, { clock, sink: sampler.sinkFor(part.name), time }));
  }

  const items = [...actors, ...sampler.dues()];
  const schedule =
    stepped === undefined
      ? createSchedule({ items, clock, lateness })
      : createSimulatedSchedule({ items, clock: stepped, pace });
  schedule.start();
  log.info(
    { parts: config.parts.length, channels: config.channels.length, simulated: stepped !== undefined },
    "sampling",
  );

  async function stop(): Promise<void> {
    schedule.stop();
    await link.close(500);
    await Promise.all([...ports.values()].map((p) => (p.kind === "serial" ? p.link.close() : p.bus.close())));
    process.exit(0);
  }
  process.on("SIGTERM", () => void stop());
  process.on("SIGINT", () => undefined);
  // The unit holds the other end of our standard input: when it closes, the unit is gone.
  process.stdin.on("end", () => void stop());
  process.stdin.on("error", () => undefined);
  process.stdin.resume();
}

main().catch((e: unknown) => {
  log.fatal({ err: e }, "the sampler cannot start");
  process.exit(isSwathError(e, "config") ? 78 : 1);
});
