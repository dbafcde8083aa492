import type { Device } from "../device/catalogue.ts";
import type { I2cPlan } from "../device/define.ts";
import type { ChannelTable } from "../device/table.ts";
import type { ChannelSpec } from "../model/channel.ts";

/** One channel of a part as configured. */
export interface PartChannel extends ChannelSpec {
  /** The name in the part's table. */
  readonly key: string;
}

/** The kind of bus a part is wired to. */
export function busKindOf(device: Device): "i2c" | "serial" | "counter" {
  return device.kind === "i2c" || device.kind === "counter" ? device.kind : "serial";
}

/** What a part delivers with these options, which its schema has accepted; in the order of its table. */
export function channelsOf(device: Device, options: unknown): PartChannel[] {
  if (device.kind === "i2c") {
    const plan = device.plan(options);
    return Object.entries(plan.channels).map(([key, channel]) => {
      const resolution = "scale" in channel ? Math.abs(channel.scale) : channel.resolution;
      return partChannel(key, { ...channel, resolution }, rateOf(plan, channel));
    });
  }
  const channels: Readonly<Record<string, ChannelSpec>> =
    device.kind === "nmea" ? device.channels : device.plan(options).channels;
  return Object.entries(channels).map(([key, channel]) => partChannel(key, channel, channel.rateHz));
}

function partChannel(key: string, spec: ChannelSpec, rateHz: number | undefined): PartChannel {
  const { label, unit, range, resolution } = spec;
  return { key, label, unit, range, resolution, ...(rateHz === undefined ? {} : { rateHz }) };
}

/** Samples per second of a channel; undefined for a part that delivers only when something happens. */
function rateOf(plan: I2cPlan, channel: ChannelTable): number | undefined {
  const { read } = plan;
  if (read.verb === "armedFifo") return undefined;
  if (read.verb === "streamFifo") return read.odrHz;
  const frames = read.verb === "poll" ? read.frames : read.shots;
  const frame = frames.find((f) => (f.key ?? f.reg) === channel.frame) ?? frames[0];
  return frame === undefined ? undefined : 1000 / frame.everyMs;
}
