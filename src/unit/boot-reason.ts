import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { StateMessage } from "../model/record.ts";
import type { RunFacts } from "./run-file.ts";

/** WDIOF_CARDRESET in the kernel's watchdog interface: the watchdog made the last reset. */
const CARDRESET = 0x20;
/** Bits of `power_reset` as the firmware of a Pi with a PMIC leaves it in the device tree: why it was reset. */
const PMIC_UNDER_VOLTAGE = 1 << 1;
const PMIC_WATCHDOG = 1 << 4;

/** What the hardware tells of the last reset; what it does not tell is absent. */
export interface ResetFacts {
  readonly watchdog?: boolean;
  readonly underVoltage?: boolean;
}

/** Reads it from the kernel; `root` is `/` but for tests. */
export function readResetFacts(root = "/"): ResetFacts {
  const read = (path: string): Buffer | undefined => {
    try {
      return readFileSync(join(root, path));
    } catch {
      return undefined;
    }
  };
  const status = Number(read("sys/class/watchdog/watchdog0/bootstatus")?.toString() ?? Number.NaN);
  const word = read("proc/device-tree/chosen/power/power_reset");
  const pmic = word?.length === 4 ? word.readUInt32BE(0) : undefined;
  const watchdog = Number.isFinite(status) ? (status & CARDRESET) !== 0 : undefined;
  return {
    ...(watchdog === undefined && pmic === undefined
      ? {}
      : { watchdog: watchdog === true || ((pmic ?? 0) & PMIC_WATCHDOG) !== 0 }),
    ...(pmic === undefined ? {} : { underVoltage: (pmic & PMIC_UNDER_VOLTAGE) !== 0 }),
  };
}

/**
 * Why the unit starts now. What cannot be told is not guessed: power that went away without a word is `power-cut`, whether a
 * switch, a fuse or a kernel that stopped was the cause.
 */
export function bootReason(
  previous: RunFacts | undefined,
  bootId: string,
  reset: ResetFacts,
): NonNullable<StateMessage["bootReason"]> {
  if (previous?.boot === undefined) return "first";
  if (previous.boot === bootId) return previous.ended ? "planned" : "crash";
  // Where the ignition is sensed, an end in order while it was on was asked for by a person.
  if (previous.ended) return previous.ignition === "on" ? "planned" : "ignition";
  if (reset.watchdog === true) return "watchdog";
  // The supply sags and goes because the key was turned; the unit knew before.
  if (previous.ignition === "off") return "ignition";
  if (reset.underVoltage === true || previous.undervoltage) return "brown-out";
  return "power-cut";
}
