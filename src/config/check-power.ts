import { COMMIT_LIMIT_MS, STOP_LIMIT_MS, TAKEN_LIMIT_MS } from "../model/power.ts";
import { type Checking, complain, goodAt, namesAt } from "./checking.ts";
import type { LoadedChannel } from "./loaded.ts";
import { suggest } from "./nearest.ts";
import { type Power, powerSchema } from "./schema.ts";

/** A channel that speaks less often than this cannot tell a key that is off from a sensor that is silent. */
const LEAST_HZ = 1;

/** From the key to the last write at the most, in ms: hold, commit, request, stop of the unit, and Linux itself. */
export function windDownMs({ ignition }: Power): number {
  return ignition.offHoldMs + COMMIT_LIMIT_MS + TAKEN_LIMIT_MS + STOP_LIMIT_MS + ignition.shutdownMs;
}

/** Checks that the ignition is sensed by channels of this file that speak often enough, and that all is done within the hold-up time. */
export function checkPower(c: Checking, channels: readonly LoadedChannel[]): void {
  const power = goodAt(c, powerSchema, ["power"]);
  if (power === undefined) return;
  const { channel, unless, holdUpMs, offHoldMs, shutdownMs } = power.ignition;
  const path = ["power", "ignition"];
  const names = namesAt(c, ["channels"]);
  for (const [name, at] of [
    [channel, [...path, "channel"]],
    ...(unless === undefined ? [] : [[unless.channel, [...path, "unless", "channel"]] as const]),
  ] as const) {
    const known = channels.find((one) => one.column === name);
    const rateHz = known?.spec.rateHz;
    if (!names.includes(name))
      complain(
        c,
        "config/conflict",
        at,
        `there is no channel "${name}"; ${suggest(name, names, "channels of this file")}`,
      );
    else if (known !== undefined && (rateHz === undefined || rateHz < LEAST_HZ))
      complain(
        c,
        "config/conflict",
        at,
        `"${name}" has ${rateHz === undefined ? "no regular rate" : `${rateHz} samples/s`} behind its filters, expected at least ${LEAST_HZ} a second`,
      );
  }
  if (unless?.channel === channel)
    complain(
      c,
      "config/conflict",
      [...path, "unless", "channel"],
      "it is the channel of the ignition, expected another",
    );
  const needed = windDownMs(power);
  if (needed <= holdUpMs) return;
  const unitMs = needed - offHoldMs - shutdownMs;
  complain(
    c,
    "config/conflict",
    [...path, "holdUpMs"],
    `the power goes after ${holdUpMs} ms, but switching off in order takes up to ${needed} ms (offHoldMs ${offHoldMs}, the unit ${unitMs}, shutdownMs ${shutdownMs}): expected a supply that goes on for longer, or less of the others`,
  );
}
