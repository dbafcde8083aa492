import type { z } from "zod";
import { quantityOf } from "../dsp/signal.ts";
import { type Checking, complain, goodAt, namesAt, type Path } from "./checking.ts";
import type { LoadedChannel, LoadedDetector } from "./loaded.ts";
import { suggest } from "./nearest.ts";
import { captureSchema, jamSchema, limitSchema, shockSchema, stateSchema } from "./schema.ts";

/** Slowest sampling a shock may be looked for in: a pulse of 10 ms has one sample above a fifth of its peak from here on. */
const SHOCK_HZ_MIN = 200;
/** Seconds of the rings that the black box leaves free: samples go on coming while it copies. */
export const CAPTURE_SPARE_S = 2;

type Limit = z.output<typeof limitSchema>;
type Shock = z.output<typeof shockSchema>;

/** The detectors whose channels exist and fit. */
export function checkDetectors(
  c: Checking,
  channels: readonly LoadedChannel[],
  ringSeconds: number,
): readonly LoadedDetector[] {
  const out: LoadedDetector[] = [];
  for (const name of namesAt(c, ["detectors"])) {
    const path = ["detectors", name];
    const limit = goodAt(c, limitSchema, [...path, "limit"]);
    const shock = goodAt(c, shockSchema, [...path, "shock"]);
    if (limit !== undefined && checkLimit(c, [...path, "limit"], limit, channels))
      out.push({ kind: "limit", name, ...limit });
    if (shock !== undefined && checkShock(c, [...path, "shock"], shock, channels))
      out.push({ kind: "shock", name, ...shock });
    const jam = goodAt(c, jamSchema, [...path, "jam"]);
    if (jam !== undefined && checkJam(c, [...path, "jam"], jam, channels)) out.push({ kind: "jam", name, ...jam });
    const state = goodAt(c, stateSchema, [...path, "state"]);
    if (state !== undefined && checkState(c, [...path, "state"], state, channels))
      out.push({ kind: "state", name, ...state });
  }
  if (out.some((d) => d.capture)) checkSpans(c, ringSeconds);
  return out;
}

/** The channel of a name; undefined after complaining, or when the channel itself is wrong and has been reported. */
function channelAt(c: Checking, path: Path, name: string, channels: readonly LoadedChannel[]) {
  const found = channels.find((ch) => ch.column === name);
  const names = namesAt(c, ["channels"]);
  if (found === undefined && !names.includes(name)) {
    const hint = suggest(name, names, "channels of this file");
    complain(c, "config/conflict", path, `there is no channel "${name}"; ${hint}`);
  }
  return found;
}

function checkLimit(c: Checking, path: Path, limit: Limit, channels: readonly LoadedChannel[]): boolean {
  const channel = channelAt(c, [...path, "channel"], limit.channel, channels);
  if (channel === undefined) return false;
  const side = limit.above === undefined ? "below" : "above";
  const at = limit.above ?? limit.below ?? 0;
  const { range, unit } = channel.spec;
  const before = c.problems.length;
  const never = side === "above" ? at >= range[1] : at <= range[0];
  if (never) {
    const text = `${limit.channel} reaches from ${range[0]} to ${range[1]} ${unit}: it is never ${side} ${at}`;
    complain(c, "config/conflict", [...path, side], text);
  }
  if (side === "above" ? limit.releaseAt > at : limit.releaseAt < at) {
    const text = `found ${limit.releaseAt}, expected at ${side === "above" ? "most" : "least"} ${at}: what is ${side} the limit cannot release it`;
    complain(c, "config/conflict", [...path, "releaseAt"], text);
  }
  return c.problems.length === before;
}

function checkShock(c: Checking, path: Path, shock: Shock, channels: readonly LoadedChannel[]): boolean {
  const before = c.problems.length;
  let whole = true;
  for (const [i, name] of shock.channels.entries()) {
    const place = [...path, "channels", i];
    const channel = channelAt(c, place, name, channels);
    if (channel === undefined) {
      whole = false;
      continue;
    }
    if (channel.standIns.length > 0) {
      const text = `${name} has several sources: a shock is looked for in the samples of one`;
      complain(c, "config/conflict", place, text);
      continue;
    }
    const { unit, rateHz, range } = channel.source;
    if (unit !== "m/s2") {
      complain(c, "config/conflict", place, `${name} is in ${unit}, expected an acceleration in m/s2`);
    } else if (rateHz === undefined || rateHz < SHOCK_HZ_MIN) {
      const rate = rateHz === undefined ? "has no regular rate" : `gives ${rateHz} samples/s`;
      complain(
        c,
        "config/conflict",
        place,
        `${name} ${rate}, expected at least ${SHOCK_HZ_MIN}: a shock is over in 10 ms`,
      );
    } else if (shock.floorMps2 >= range[1]) {
      const text = `${name} ends at ${Math.round(range[1])} m/s2: no peak is above ${shock.floorMps2}`;
      complain(c, "config/conflict", [...path, "floorMps2"], text);
    }
  }
  if (shock.strikeMps2 !== undefined && shock.strikeMps2 > shock.floorMps2)
    complain(c, "config/conflict", [...path, "strikeMps2"], `expected at most floorMps2, ${shock.floorMps2}`);
  const evidence = [
    ["rotor", shock.rotor, ["rotation"]],
    ["load", shock.load, ["pressure", "current", "power"]],
  ] as const;
  for (const [key, name, quantities] of evidence) {
    if (name === undefined) continue;
    const channel = channelAt(c, [...path, key], name, channels);
    if (channel === undefined) whole = false;
    else if (!quantities.some((q) => q === quantityOf(channel.source.unit))) {
      const text = `${name} is in ${channel.source.unit}, expected a ${quantities.join(" or ")}`;
      complain(c, "config/conflict", [...path, key], text);
    }
  }
  return whole && c.problems.length === before;
}

function checkJam(c: Checking, path: Path, jam: z.output<typeof jamSchema>, all: readonly LoadedChannel[]): boolean {
  const before = c.problems.length;
  const rotor = channelAt(c, [...path, "rotor"], jam.rotor, all);
  const load = channelAt(c, [...path, "load"], jam.load, all);
  if (rotor === undefined || load === undefined) return false;
  const wants = [
    ["rotor", rotor, ["rotation"]],
    ["load", load, ["pressure", "current", "power", "ratio"]],
  ] as const;
  for (const [key, channel, quantities] of wants)
    if (!quantities.some((q) => q === quantityOf(channel.spec.unit)))
      complain(
        c,
        "config/conflict",
        [...path, key],
        `${channel.column} is in ${channel.spec.unit}, expected one that measures ${quantities.join(" or ")}`,
      );
  if (jam.loadAbove >= load.spec.range[1])
    complain(
      c,
      "config/conflict",
      [...path, "loadAbove"],
      `${jam.load} reaches ${load.spec.range[1]} ${load.spec.unit}: it is never above ${jam.loadAbove}`,
    );
  if (jam.releaseRpm < jam.rotorBelowRpm)
    complain(c, "config/conflict", [...path, "releaseRpm"], `expected at least rotorBelowRpm, ${jam.rotorBelowRpm}`);
  if (jam.stoppedRpm > jam.rotorBelowRpm)
    complain(c, "config/conflict", [...path, "stoppedRpm"], `expected at most rotorBelowRpm, ${jam.rotorBelowRpm}`);
  return c.problems.length === before;
}

function checkState(
  c: Checking,
  path: Path,
  state: z.output<typeof stateSchema>,
  all: readonly LoadedChannel[],
): boolean {
  const channel = channelAt(c, [...path, "channel"], state.channel, all);
  if (channel === undefined) return false;
  if (channel.spec.codes !== undefined) return true;
  const text = `the values of ${state.channel} are no codes: expected a channel made by machine_state`;
  complain(c, "config/conflict", [...path, "channel"], text);
  return false;
}

/** The black box copies out of the rings when its time is over: what it wants must still be in them. */
function checkSpans(c: Checking, ringSeconds: number): void {
  const capture = goodAt(c, captureSchema, ["capture"]) ?? captureSchema.parse({});
  const before = Math.max(capture.fast.beforeS, capture.slow.beforeS);
  const after = Math.max(capture.fast.afterS, capture.slow.afterS);
  const wanted = before + after + CAPTURE_SPARE_S;
  if (wanted <= ringSeconds) return;
  const text = `${before} s before and ${after} s after a trigger need rings of ${wanted} s, but ring.seconds is ${ringSeconds}`;
  complain(c, "config/conflict", ["capture"], text);
}
