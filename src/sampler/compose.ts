import { staleAfter } from "../config/check-derived.ts";
import { CAPTURE_SPARE_S } from "../config/check-detectors.ts";
import { holdOf, signalOf } from "../config/filters.ts";
import type { LoadedChannel, LoadedConfig, LoadedDetector, LoadedSource } from "../config/loaded.ts";
import { derivations } from "../dsp/derive/catalogue.ts";
import { SwathError } from "../model/errors.ts";
import type { BlackBoxSpec } from "./black-box.ts";
import type { DerivedSpec } from "./derived.ts";
import type { WatchSpec } from "./detectors.ts";
import type { PipelineSource, PipelineSpec } from "./pipeline.ts";
import type { RecoverySpec } from "./recovery.ts";
import type { SamplerOptions } from "./sampler.ts";

/** Longest block a source hands over. */
const BLOCK_SAMPLES = 1024;
/** Ring size of a channel whose part does not state a rate. */
const UNSTATED_HZ = 20;
/** From this rate on a channel is kept as a fast one by the black box. */
const FAST_HZ = 100;
/** A due read is done within this; sentences and frames that belong together have come within this, in ms. */
const READ_LAG_MS = 25;
const SERIAL_LAG_MS = 50;

/** What a configuration asks of the acquisition core: the same for the live loop and for a replay. */
export function compose(
  config: LoadedConfig,
): Pick<SamplerOptions, "pipelines" | "derived" | "track" | "blackBox" | "watches" | "rowMs" | "ignition" | "harness"> {
  return {
    pipelines: config.channels.map((c) => pipelineOf(config, c)),
    derived: derivedOf(config),
    track: trackOf(config),
    blackBox: blackBoxOf(config),
    watches: config.detectors.map((d) => watchOf(config, d)),
    rowMs: config.rows.everyMs,
    ...ignitionOf(config),
    ...(config.harness === undefined
      ? {}
      : { harness: config.channels.findIndex((c) => c.column === config.harness?.channel) }),
  };
}

function pipelineOf(config: LoadedConfig, channel: LoadedChannel): PipelineSpec {
  const { standIns, failOver } = channel;
  const rateHz = Math.max(...[channel, ...standIns].map((s) => s.source.rateHz ?? UNSTATED_HZ));
  return {
    name: channel.column,
    ...pipelineSource(config, channel),
    ...(failOver === undefined ? {} : { failOver, standIns: standIns.map((s) => pipelineSource(config, s)) }),
    filters: channel.filters,
    stats: channel.stats,
    ...(channel.aboveAt === undefined ? {} : { above: channel.aboveAt }),
    ringSamples: Math.ceil(rateHz * config.ringSeconds),
    rowMs: config.rows.everyMs,
  };
}

function pipelineSource(config: LoadedConfig, { part: name, key, source }: LoadedSource): PipelineSource {
  const part = config.parts.find((p) => p.name === name);
  const channel = part?.channels.findIndex((c) => c.key === key) ?? -1;
  return { part: name, channel, signal: { ...signalOf(source, config.ringSeconds), capacity: BLOCK_SAMPLES } };
}

/** Channels made of others, each after those it is made of. */
function derivedOf({ channels }: LoadedConfig): DerivedSpec[] {
  const out: DerivedSpec[] = [];
  const place = (name: string) => channels.findIndex((c) => c.column === name);
  const add = (at: number) => {
    const derived = channels[at]?.derived;
    const def = derived && derivations[derived.name];
    if (derived === undefined || def === undefined || out.some((d) => d.channel === at)) return;
    for (const { name } of derived.inputs) add(place(name));
    const plan = def.plan(derived.params, derived.inputs);
    if (!plan.ok) throw new SwathError("internal/bug", `${channels[at]?.column}: ${plan.message}`);
    out.push({
      channel: at,
      inputs: derived.inputs.map(({ name, maxAgeMs, holdMs }) => ({
        channel: place(name),
        maxAgeMs,
        holds: holdMs !== undefined,
      })),
      create: plan.create,
    });
  };
  for (let at = 0; at < channels.length; at++) add(at);
  return out;
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
  const join = (channel: string) => {
    const { source, filters, spec } = config.channels[place(channel)]!;
    const holdMs = holdOf({ source, filters }, config.ringSeconds);
    return {
      channel: place(channel),
      maxAgeMs: staleAfter({ ...spec, ...(holdMs === undefined ? {} : { holdMs }) }),
      holds: holdMs !== undefined,
    };
  };
  if (detector.kind === "jam") {
    const { rotor, load, ...jam } = detector;
    return { kind: "jam", name, severity, capture, rotor: join(rotor), load: join(load), jam };
  }
  if (detector.kind === "state") {
    const codes = config.channels[place(detector.channel)]?.spec.codes ?? [];
    return { kind: "state", name, severity, capture, channel: place(detector.channel), codes };
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

/** How the ignition is sensed, where it is. */
function ignitionOf({ power, channels }: LoadedConfig): Pick<SamplerOptions, "ignition"> {
  if (power === undefined) return {};
  const { channel, onAbove, offBelow = onAbove, offHoldMs, unless } = power.ignition;
  const place = (name: string) => channels.findIndex((c) => c.column === name);
  const runs = unless === undefined ? {} : { unless: { channel: place(unless.channel), above: unless.above } };
  return { ignition: { channel: place(channel), onAbove, offBelow, offHoldMs, ...runs } };
}

/** What the black box keeps, when a detector wants it. */
function blackBoxOf({ parts, channels, detectors, capture, ringSeconds }: LoadedConfig): BlackBoxSpec | undefined {
  if (!detectors.some((d) => d.capture)) return undefined;
  const span = ({ beforeS, afterS }: typeof capture.fast) => ({ beforeMs: beforeS * 1000, afterMs: afterS * 1000 });
  return {
    channels: channels.map(({ column, standIns, part, source: { unit, resolution, rateHz = 0 } }) => {
      const lagMs = Math.max(...[part, ...standIns.map((s) => s.part)].map((name) => lagOf(parts, name)));
      return { name: column, unit, resolution, lagMs, span: span(rateHz >= FAST_HZ ? capture.fast : capture.slow) };
    }),
    longestMs: (ringSeconds - CAPTURE_SPARE_S) * 1000,
  };
}

/** How long after it was taken a sample of a part has reached its ring, in ms. */
function lagOf(parts: LoadedConfig["parts"], name: string): number {
  const part = parts.find((p) => p.name === name);
  if (part?.device.kind !== "i2c") return SERIAL_LAG_MS;
  const { read } = part.device.plan(part.options);
  if (read.verb === "streamFifo") return read.drainMs + READ_LAG_MS;
  if (read.verb === "armedFifo") return (read.depth * 1000) / read.odrHz + read.pollMs + READ_LAG_MS;
  return READ_LAG_MS;
}

/** The hooks of a configuration, for a machine that is not simulated; undefined where there are none. */
export function recoveryOf({ buses, parts }: LoadedConfig): RecoverySpec | undefined {
  const spec: RecoverySpec = {
    buses: Object.fromEntries(
      Object.entries(buses).flatMap(([name, bus]) => {
        if (bus.kind === "counter") return [];
        return [[name, { port: bus.kind === "i2c" ? `/dev/i2c-${bus.device}` : bus.port, hooks: bus.hooks }]];
      }),
    ),
    parts,
  };
  const has = [...Object.values(spec.buses), ...parts].some((it) => Object.keys(it.hooks ?? {}).length > 0);
  return has ? spec : undefined;
}
