import { accessSync, constants, existsSync } from "node:fs";
import type { ChannelSpec } from "../model/channel.ts";
import { UNITS } from "../model/units.ts";
import { BUS_SHARE_MAX, type BusLoad, busLoads, percent, ringBytes } from "./budget.ts";
import { hex } from "./check-parts.ts";
import { windDownMs } from "./check-power.ts";
import { calibrationLines } from "./explain-calibration.ts";
import type { LoadedChannel, LoadedConfig, LoadedDisplay, LoadedPart } from "./loaded.ts";
import type { BusConfig } from "./schema.ts";
import { areaM2, borderM } from "./site.ts";
import { sourceWords } from "./source-words.ts";
import { estimateTraffic } from "./traffic.ts";

/** What a configuration means once everything is merged and filled in at `nowMs` (UTC), in plain words, line by line. */
export function explainConfig(loaded: LoadedConfig, nowMs: number): string[] {
  return [
    ...heading(loaded),
    "",
    ...upstream(loaded),
    "",
    "Buses and parts",
    ...busLines(loaded),
    "",
    "Channels",
    ...loaded.channels.flatMap(channelLines),
    ...(loaded.channels.length === 0 ? ["  none"] : []),
    "",
    ...(loaded.detectors.length === 0 ? [] : ["Detectors", ...detectorLines(loaded), ""]),
    ...calibrationLines(loaded, nowMs),
    ...panelLines(loaded),
    ...powerLines(loaded),
    ...harnessLines(loaded),
    ...output(loaded),
  ];
}

function heading(loaded: LoadedConfig): string[] {
  const { identity, machine, profile, site, simulation, files } = loaded;
  const lines = [`Unit ${identity.unit} of ${identity.org}, on machine ${machine}; configuration ${loaded.hash}`];
  if (files.length > 1) lines.push(`Extends ${files.slice(1).join(", which extends ")}`);
  if (profile !== undefined) {
    const figures = [
      `${words(profile.tool)} (${words(profile.role)})`,
      ...(profile.toolWidthM === undefined ? [] : [`${profile.toolWidthM} m wide`]),
      ...(profile.targetDepthM === undefined ? [] : [`to work ${profile.targetDepthM} m deep`]),
      ...(profile.rotorRpm === undefined ? [] : [`rotor at ${profile.rotorRpm} rpm`]),
      ...(profile.workSpeedMps === undefined ? [] : [`at ${profile.workSpeedMps} m/s`]),
    ];
    lines.push(`Machine: ${profile.name}, ${figures.join(", ")}`);
  }
  if (site !== undefined) {
    const [lat = 0, lon = 0] = site.area[0] ?? [];
    const size = `${(areaM2(site.area) / 10_000).toFixed(2)} ha within ${Math.round(borderM(site.area))} m of border`;
    lines.push(
      `Site: ${site.name} (${site.id}), ${site.area.length} corners from ${lat.toFixed(5)} ${lon.toFixed(5)}, ${size}; to be worked ${site.requiredDepthM} m deep`,
    );
    if (profile?.targetDepthM !== undefined && profile.targetDepthM < site.requiredDepthM)
      lines.push(`  NOT DEEP ENOUGH: the machine is set to work ${profile.targetDepthM} m deep`);
  }
  if (simulation !== undefined) {
    const { scene, seed, speed, unplugged = [] } = simulation;
    lines.push(
      `SIMULATED: no bus is opened; scene ${scene}, seed ${seed}, ${speed} × real time, every value marked so`,
    );
    if (unplugged.length > 0) lines.push(`  unplugged: ${unplugged.join(", ")}`);
  }
  return lines;
}

function upstream({ broker, spool, hq }: LoadedConfig): string[] {
  const version = broker.protocol === "auto" ? "MQTT 5, or 3.1.1 where that is not spoken" : `MQTT ${broker.protocol}`;
  const user = broker.username === undefined ? "no user name" : `user ${broker.username}`;
  const files = [
    ["password", broker.passwordFile],
    ["authority", broker.caFile],
    ["certificate", broker.certFile],
    ["key", broker.keyFile],
    ...(hq?.keyFiles ?? []).map((file) => ["HQ's public key", file] as const),
    ["HQ's export key", hq?.exportKeyFile],
  ] as const;
  const until = spool.ack === "hq" ? "HQ says that its database has it" : "the broker acknowledges it";
  return [
    `Broker: ${broker.url}, ${version}, ${user}`,
    ...files.flatMap(([what, file]) =>
      file === undefined ? [] : [`  ${what} from ${file}${existsSync(file) ? "" : " (NOT THERE on this computer)"}`],
    ),
    `Spool: ${spool.dir}, at most ${spool.maxMb} MB; a record is kept until ${until}`,
  ];
}

function busLines(loaded: LoadedConfig): string[] {
  const buses = new Map(Object.entries(loaded.buses));
  const loads = busLoads(buses, loaded.parts, loaded.display);
  return [...buses].flatMap(([name, bus]) => {
    const onBus = loads.get(name) ?? [];
    const used = onBus.reduce((sum, l) => sum + l.share, 0);
    const share = onBus.length > 0 ? `; ${percent(used)} of its time used, limit ${percent(BUS_SHARE_MAX)}` : "";
    const parts = loaded.parts.filter((p) => p.bus === name);
    return [
      `  ${name}: ${busWords(bus)}${share}`,
      ...hookLines("    ", bus.kind === "counter" ? undefined : bus.hooks),
      ...(onBus.length + parts.length === 0 ? ["    nothing is wired to it"] : []),
      ...parts.flatMap((part) => {
        const load = onBus.find((l) => l.part === part.name);
        const cost = load === undefined ? "" : `; ${percent(load.share)}, ${load.traffic}`;
        return partLines(part, cost);
      }),
      ...(loaded.display?.bus === name ? displayLines(loaded.display, onBus, loaded.channels) : []),
    ];
  });
}

function displayLines(
  { device, address, size, depth, rotor }: LoadedDisplay,
  onBus: readonly BusLoad[],
  channels: readonly LoadedChannel[],
): string[] {
  const load = onBus.find((l) => l.part === "display");
  const cost = load === undefined ? "" : `; ${percent(load.share)}, ${load.traffic}`;
  const missing = [depth, rotor].filter((name) => !channels.some(({ column }) => column === name));
  const dashes = missing.length === 0 ? "" : ` (there is no channel ${missing.join(" or ")}: -- in its place)`;
  return [`    display: ${device.part} at ${hex(address)}, ${size}, shows ${depth} and ${rotor}${dashes}${cost}`];
}

function busWords(bus: BusConfig): string {
  if (bus.kind === "i2c") return `I2C /dev/i2c-${bus.device} at ${bus.clockHz / 1000} kHz`;
  if (bus.kind === "counter") return `pulse counter ${bus.device} of the kernel`;
  return `serial ${bus.port}, ${bus.baud} baud (${bus.baud / 10} bytes/s); reopened after ${bus.silenceS} s of silence`;
}

/** Scripts, and whether they can be run on this computer. */
function hookLines(indent: string, hooks: Readonly<Record<string, string | undefined>> = {}): string[] {
  return Object.entries(hooks).flatMap(([kind, path]) => {
    if (path === undefined) return [];
    return [`${indent}${kind} script ${path}${isExecutable(path) ? "" : " (CANNOT BE RUN on this computer)"}`];
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function partLines({ name, device, address, options, hooks }: LoadedPart, cost: string): string[] {
  const entries = Object.entries(options);
  const simple = entries.filter(([, value]) => typeof value !== "object").map(([key, value]) => `${key} ${value}`);
  const nested = entries.filter(([, value]) => typeof value === "object");
  const where = address === undefined ? "" : ` at ${hex(address)}`;
  return [
    `    ${name}: ${device.part}${where}, ${device.summary}${cost}`,
    ...(simple.length === 0 ? [] : [`      ${simple.join(", ")}`]),
    ...nested.map(([key, value]) => `      ${key}: ${inline(value)}`),
    ...hookLines("      ", hooks),
  ];
}

/** A nested option on one line: `label Rotor speed, loop420 (shuntOhm 150, lo 0, hi 400)`. */
function inline(value: unknown): string {
  if (Array.isArray(value)) return value.map(inline).join(" ");
  if (typeof value !== "object" || value === null) return String(value);
  const pairs = Object.entries(value).map(([key, inner]) => {
    return typeof inner === "object" && inner !== null ? `${key} (${inline(inner)})` : `${key} ${inline(inner)}`;
  });
  return pairs.join(", ");
}

function channelLines(channel: LoadedChannel): string[] {
  const { column, spec, words: steps, columns, standIns, failOver } = channel;
  const [raw, ...others] = [channel, ...standIns].map((s) => `${sourceWords(s)}, ${rate(s.source)}`);
  return [
    `  ${column}: ${spec.label}, ${span(spec)}, from ${raw}`,
    ...others.map((other) => `    else from ${other}`),
    ...(failOver === undefined
      ? []
      : [
          `    the next speaks after ${failOver.afterMs} ms without a usable sample, a better one again after ${failOver.returnAfterMs} good ms`,
        ]),
    ...(steps.length === 0 ? [] : [`    filters: ${steps.join(" → ")}; leaves ${rate(spec)}`]),
    `    columns: ${columns.join(", ")}`,
  ];
}

function detectorLines({ detectors, capture, channels }: LoadedConfig): string[] {
  const unitOf = (name: string) => channels.find((ch) => ch.column === name)?.spec.unit ?? "";
  const lines = detectors.map((d) => {
    const kept = d.capture ? "; the black box keeps what was around it" : "";
    if (d.kind === "shock") {
      const { name, channels: axes, floorMps2, k, riseMs, ringSamples } = d;
      return `  ${name}: detonation candidates on ${axes.join(", ")} above ${floorMps2} m/s2 and ${k} MAD of the noise, rising within ${riseMs} ms, ringing ${ringSamples} samples; ${d.severity}${kept}`;
    }
    if (d.kind === "jam")
      return `  ${d.name}: ${d.rotor} below ${d.rotorBelowRpm} rpm while ${d.load} is above ${d.loadAbove} ${unitOf(d.load)} for ${d.afterMs} ms (stalled below ${d.stoppedRpm} rpm), until it is back at ${d.releaseRpm} rpm; ${d.severity}${kept}`;
    if (d.kind === "state") return `  ${d.name}: every change of ${d.channel}; ${d.severity}${kept}`;
    const side = d.above === undefined ? `below ${d.below}` : `above ${d.above}`;
    const unit = unitOf(d.channel);
    return `  ${d.name}: ${d.channel} ${side} ${unit} for ${d.afterMs} ms, until it is back at ${d.releaseAt} ${unit}; ${d.severity}${kept}`;
  });
  if (!detectors.some((d) => d.capture)) return lines;
  const { fast, slow } = capture;
  const words = (s: typeof fast) => `${s.beforeS} s before to ${s.afterS} s after`;
  return [...lines, `  Black box: ${words(fast)} of fast channels, ${words(slow)} of slow ones`];
}

function panelLines({ panel }: LoadedConfig): string[] {
  if (panel === undefined) return [];
  const { board, lampPin, buzzerPin, keyPin, muted } = panel;
  const things = [
    ...(lampPin === undefined ? [] : [`lamp on pin ${lampPin}`]),
    ...(buzzerPin === undefined ? [] : [`buzzer on pin ${buzzerPin}${muted ? ", muted" : ""}`]),
    ...(keyPin === undefined ? [] : [`key on pin ${keyPin}: short ${words(panel.short)}, long ${words(panel.long)}`]),
  ];
  return [`Panel on ${board}: ${things.join("; ")}`];
}

function harnessLines({ harness }: LoadedConfig): string[] {
  if (harness === undefined) return [];
  return [`Harness: ${harness.channel} must read ${harness.serial}, or the unit says that it is in the wrong machine`];
}

function powerLines({ power, channels }: LoadedConfig): string[] {
  if (power === undefined) return [];
  const { channel, onAbove, offBelow = onAbove, offHoldMs, holdUpMs, shutdownMs, unless } = power.ignition;
  const unitOf = (name: string) => UNITS[channels.find((c) => c.column === name)?.spec.unit ?? "1"].label;
  const is = (name: string, x: number) => [x, unitOf(name)].filter((word) => word !== "").join(" ");
  const runs =
    unless === undefined
      ? "  nothing says whether the machine runs: a broken wire reads like a key that is off (power.ignition.unless)"
      : `  never while ${unless.channel} is above ${is(unless.channel, unless.above)}`;
  const needed = windDownMs(power);
  return [
    `Ignition: ${channel}, on above ${is(channel, onAbove)}, off below ${is(channel, offBelow)} for ${offHoldMs} ms; then the unit switches its computer off`,
    runs,
    `  at most ${needed} ms of the ${holdUpMs} ms that the supply goes on: ${offHoldMs} hold, ${needed - offHoldMs - shutdownMs} unit, ${shutdownMs} Linux; ${holdUpMs - needed} to spare`,
  ];
}

function span({ range, unit }: ChannelSpec): string {
  const label = UNITS[unit].label;
  return `${short(range[0])} to ${short(range[1])}${label === "" ? "" : ` ${label}`}`;
}

const short = (value: number) => String(Number(value.toPrecision(5)));

function rate({ rateHz }: ChannelSpec): string {
  return rateHz === undefined ? "no regular rate" : `${short(rateHz)} samples/s`;
}

function output(loaded: LoadedConfig): string[] {
  const { rows, live, track, channels, ringSeconds } = loaded;
  const traffic = estimateTraffic(loaded);
  const bytes = (n: number) => `about ${Math.round(n)} bytes/s`;
  const count = channels.reduce((sum, ch) => sum + ch.columns.length, 0);
  return [
    `Telemetry: ${count} columns, a row every ${rows.everyMs} ms, ${rows.batch} rows in a record; ${bytes(traffic.telemetry)}`,
    track === undefined
      ? "Track: none"
      : `Track: from ${track.part}, ${track.columns.map((t) => t.column).join(", ")}; ${bytes(traffic.track)} at 5 fixes/s`,
    `Live: every ${live.everyMs} ms; ${bytes(traffic.live)}, never kept`,
    `Rings: the last ${ringSeconds} s of ${channels.length} channels at full rate, ${(ringBytes(channels, ringSeconds) / 1e6).toFixed(2)} MB of memory`,
    `In a working day of 8 h: about ${((8 * 3600 * (traffic.telemetry + traffic.track)) / 1e6).toFixed(1)} MB sent as ${loaded.broker.encoding === "cbor" ? "cbor" : "JSON"}, ${((8 * 3600 * traffic.live) / 1e6).toFixed(1)} MB live`,
  ];
}

function words(snake: string): string {
  return snake.replaceAll("_", " ");
}
