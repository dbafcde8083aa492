import type { Device } from "../device/catalogue.ts";
import type { I2cDevice, I2cPlan } from "../device/define.ts";
import { DISPLAY_CHUNK_BYTES, DISPLAY_STEP_MS, type DisplayDevice } from "../device/display-device.ts";
import type { Frame } from "../device/table.ts";
import { type Checking, complain } from "./checking.ts";
import type { LoadedChannel, LoadedDisplay, LoadedPart } from "./loaded.ts";
import type { BusConfig } from "./schema.ts";

/** Largest share of a bus that the plan may take: the kernel, retries and a throttled clock need the rest. */
export const BUS_SHARE_MAX = 0.7;
/** Most megabytes all rings together may take on a Pi with 1 GB. */
export const RING_MAX_MB = 64;
/** Bytes of one sample in a ring: instant, value and quality. */
const RING_SAMPLE_BYTES = 18;
/** Samples per second put down for a source without a regular rate. */
const IRREGULAR_HZ = 20;

/** What one part asks of its bus. */
export interface BusLoad {
  readonly part: string;
  /** Share of the bus time, 0 to 1, wire time only. */
  readonly share: number;
  /** What it does, for people: `51 transfers/s`, `15000 characters/s`. */
  readonly traffic: string;
}

/** Bits of a character on a serial line: start, eight, stop. */
const CHAR_BITS = 10;

/** What a serial part asks of its line; undefined where its traffic is not known before it is heard. */
export function lineLoad(name: string, device: Device, options: unknown, baud: number): BusLoad | undefined {
  if (device.kind !== "serial" && device.kind !== "line") return undefined;
  const { charsPerSecond } = device.plan(options);
  if (charsPerSecond === undefined) return undefined;
  const share = (charsPerSecond * CHAR_BITS) / baud;
  return { part: name, share, traffic: `${Math.round(charsPerSecond)} characters/s` };
}

/** Clocks of a register pointer written, then `bytes` read: nine to a byte, with start, restart and stop. */
const readClocks = (bytes: number) => 9 * (3 + bytes) + 3;
/** Clocks of `bytes` after the address, one way. */
const oneWayClocks = (bytes: number) => 9 * (1 + bytes) + 2;

const frameClocks = (frame: Frame) => (frame.reg === undefined ? oneWayClocks(frame.bytes) : readClocks(frame.bytes));

/** What a part with these options asks of an I2C bus at `clockHz`, in wire time; start-up and captures are not in it. */
export function busLoad(name: string, device: I2cDevice, options: unknown, clockHz: number): BusLoad {
  const plan = device.plan(options);
  const jobs = transfers(plan);
  // One wanted register is read again every second.
  jobs.push({ perSecond: 1, clocks: readClocks(1) });
  return {
    part: name,
    share: jobs.reduce((sum, j) => sum + j.perSecond * j.clocks, 0) / clockHz,
    traffic: `${Math.round(jobs.reduce((sum, j) => sum + j.perSecond, 0))} transfers/s`,
  };
}

/** What a display asks of its bus while all of it changes: so many pieces a second, each told its place first. */
export function displayLoad({ window }: DisplayDevice, clockHz: number): BusLoad {
  const perSecond = 1000 / DISPLAY_STEP_MS;
  const clocks = oneWayClocks(1 + window(0, 0, DISPLAY_CHUNK_BYTES).length) + oneWayClocks(1 + DISPLAY_CHUNK_BYTES);
  return {
    part: "display",
    share: (perSecond * clocks) / clockHz,
    traffic: `at most ${Math.round(2 * perSecond)} transfers/s`,
  };
}

interface Job {
  readonly perSecond: number;
  readonly clocks: number;
}

function transfers({ read, registers }: I2cPlan): Job[] {
  switch (read.verb) {
    case "poll":
      return read.frames.map((f) => ({ perSecond: 1000 / f.everyMs, clocks: frameClocks(f) }));
    case "oneShot":
      return read.shots.flatMap((shot) => {
        const valueBytes = shot.start.value === undefined ? 0 : (registers[shot.start.reg]?.bytes ?? 1);
        const perSecond = 1000 / shot.everyMs;
        return [
          { perSecond, clocks: oneWayClocks(1 + valueBytes) },
          { perSecond, clocks: frameClocks(shot) },
        ];
      });
    case "streamFifo": {
      const perRead = read.perRead ?? 1;
      const drains = 1000 / read.drainMs;
      const jobs = [
        { perSecond: read.odrHz / perRead, clocks: readClocks(read.bytes * perRead) },
        { perSecond: drains, clocks: readClocks(1) },
      ];
      if ("reg" in read.entries) jobs.push({ perSecond: drains, clocks: readClocks(read.entries.bytes) });
      return jobs;
    }
    case "armedFifo":
      return [
        { perSecond: 1000 / read.pollMs, clocks: readClocks(1) },
        { perSecond: 1000 / read.ackMs, clocks: readClocks(1) },
      ];
  }
}

/** The load of every bus where it is known, part by part. */
export function busLoads(
  buses: ReadonlyMap<string, BusConfig>,
  parts: Iterable<LoadedPart>,
  display: LoadedDisplay | undefined,
): ReadonlyMap<string, readonly BusLoad[]> {
  const loads = new Map<string, BusLoad[]>();
  for (const { name, device, bus: busName, options } of parts) {
    const bus = buses.get(busName);
    let load: BusLoad | undefined;
    if (bus?.kind === "i2c" && device.kind === "i2c") load = busLoad(name, device, options, bus.clockHz);
    else if (bus?.kind === "serial") load = lineLoad(name, device, options, bus.baud);
    if (load === undefined) continue;
    loads.set(busName, [...(loads.get(busName) ?? []), load]);
  }
  const bus = display && buses.get(display.bus);
  if (display !== undefined && bus?.kind === "i2c")
    loads.set(display.bus, [...(loads.get(display.bus) ?? []), displayLoad(display.device, bus.clockHz)]);
  return loads;
}

/** Refuses a bus with more than its share of work, and a FIFO that overflows between two drains. */
export function checkBudgets(
  c: Checking,
  buses: ReadonlyMap<string, BusConfig>,
  parts: ReadonlyMap<string, LoadedPart>,
  display: LoadedDisplay | undefined,
): void {
  for (const [busName, loads] of busLoads(buses, parts.values(), display)) {
    const share = loads.reduce((sum, l) => sum + l.share, 0);
    if (share <= BUS_SHARE_MAX) continue;
    const isI2c = buses.get(busName)?.kind === "i2c";
    const sum = loads.map((l) => `${l.part} ${percent(l.share)}${isI2c ? "" : `, ${l.traffic}`}`).join(", ");
    const remedy = isI2c
      ? "raise clockHz, or read less often"
      : "raise the baud rate at both ends, or take a native USB adapter";
    const text = `its parts take ${percent(share)} of its time (${sum}), expected at most ${percent(BUS_SHARE_MAX)}: ${remedy}`;
    complain(c, "config/conflict", ["buses", busName], text);
  }
  for (const [name, { device, options }] of parts) {
    if (device.kind !== "i2c") continue;
    const { read } = device.plan(options);
    if (read.verb !== "streamFifo") continue;
    const gathered = (read.odrHz * read.drainMs) / 1000;
    if (gathered < read.depth) continue;
    const text = `${gathered} samples gather between two drains, but the FIFO of ${device.part} holds ${read.depth}`;
    complain(c, "config/conflict", ["parts", name, "options"], text);
  }
}

const fastest = (channel: LoadedChannel) =>
  Math.max(...[channel, ...channel.standIns].map((s) => s.source.rateHz ?? IRREGULAR_HZ));

/** Bytes that the rings of all channels take. */
export function ringBytes(channels: readonly LoadedChannel[], seconds: number): number {
  return channels.reduce((sum, ch) => sum + Math.ceil(fastest(ch) * seconds) * RING_SAMPLE_BYTES, 0);
}

/** Refuses rings that do not fit the memory of a Pi. */
export function checkRings(c: Checking, channels: readonly LoadedChannel[], seconds: number): void {
  const mb = ringBytes(channels, seconds) / 1e6;
  if (mb <= RING_MAX_MB) return;
  const text = `${seconds} s of ${channels.length} channels take ${mb.toFixed(0)} MB, expected at most ${RING_MAX_MB} MB`;
  complain(c, "config/conflict", ["ring", "seconds"], text);
}

/** `20.4 %`. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
