import { execFile } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { promisify } from "node:util";
import { z } from "zod";
import { CLOCK_DRIFT } from "../model/time.ts";

/** What a time service says of the system's clock. */
export interface ClockQuality {
  /** When a server last answered, ms since 1970 by the system's clock. */
  readonly answeredMs: number;
  /** The clock is true to within this now, in ms. */
  readonly uncMs: number;
  /** Why a figure stands in for the service's own. */
  readonly guessed?: string;
}

/** Runs a command and gives its standard output; rejects when it cannot be run, fails or takes too long. */
export type RunCommand = (command: string, args: readonly string[]) => Promise<string>;

/** systemd-timesyncd makes this file once a server has set the clock, and touches it at every answer of a server. */
const SYNCHRONIZED = "/run/systemd/timesync/synchronized";
const CHRONYC = "/usr/bin/chronyc";
const COMMAND_MS = 5_000;
/** Network time over a field link, where the service does not say how good it is. */
export const GUESS_MS = 500;
/** timesyncd steps the clock when it is further off; below, it turns it slowly (NTP_MAX_ADJUST). */
const SLEWED_BELOW_US = 400_000;

const execute = promisify(execFile);
const runCommand: RunCommand = async (command, args) =>
  (await execute(command, args, { timeout: COMMAND_MS, encoding: "utf8", env: { ...process.env, LC_ALL: "C" } }))
    .stdout;

const uint = z.int().min(0);
/** The property NTPMessage of org.freedesktop.timesync1, as `busctl --json=short` prints it; times in µs. */
const ntpMessage = z.object({
  type: z.literal("(uuuuittayttttbtt)"),
  data: z.tuple([
    uint.describe("leap"),
    uint.describe("version"),
    uint.describe("mode"),
    uint.describe("stratum"),
    z.int().describe("precision"),
    uint.describe("root delay"),
    uint.describe("root dispersion"),
    z.array(z.int()).describe("reference"),
    uint.describe("sent by this clock"),
    uint.describe("received by the server's"),
    uint.describe("sent by the server's"),
    uint.describe("received by this clock"),
    z.boolean().describe("ignored"),
    uint.describe("packets"),
    uint.describe("jitter"),
  ]),
});

/**
 * How far from true time timesyncd's last answer may have left the clock, in µs: the server's root distance, half the round
 * trip, and all that was still to be turned slowly. Undefined for anything but an answer that was taken.
 */
export function timesyncUncUs(property: string): number | undefined {
  let said: unknown;
  try {
    said = JSON.parse(property);
  } catch {
    return undefined;
  }
  const parsed = ntpMessage.safeParse(said);
  if (!parsed.success) return undefined;
  const [leap, , , stratum, , rootDelay, rootDispersion, , origin, received, sent, came, ignored, , jitter] =
    parsed.data.data;
  if (ignored || leap === 3 || stratum === 0 || stratum > 15 || origin === 0) return undefined;
  const roundTrip = came - origin - (sent - received);
  if (roundTrip < 0) return undefined;
  const offset = Math.abs(received - origin + (sent - came)) / 2;
  const unturned = offset < SLEWED_BELOW_US ? offset : 0;
  return rootDelay / 2 + rootDispersion + roundTrip / 2 + jitter + unturned;
}

/**
 * What `chronyc -c tracking` says: the bound of its manual, |system time| + root dispersion + root delay / 2. Undefined while
 * it is not synchronised.
 */
export function chronyQuality(line: string): ClockQuality | undefined {
  const fields = line.trim().split(",");
  const [answeredS, offsetS, rootDelayS, rootDispersionS] = [3, 4, 10, 11].map((i) => Number(fields[i] || Number.NaN));
  const leap = fields[13];
  const numbers = [answeredS!, offsetS!, rootDelayS!, rootDispersionS!];
  if (leap === undefined || leap === "Not synchronised" || !numbers.every(Number.isFinite) || answeredS === 0)
    return undefined;
  return {
    answeredMs: answeredS! * 1000,
    uncMs: (Math.abs(offsetS!) + rootDispersionS! + rootDelayS! / 2) * 1000,
  };
}

/**
 * Reads how good the system's clock is: from timesyncd over the system bus, or from chronyd. Both may be asked by any user of
 * this computer. Where timesyncd has set the clock and does not say how well, half a second is stated. Never rejects.
 */
export function createClockQuality(
  options: { readonly marker?: string; readonly chronyc?: string; readonly run?: RunCommand } = {},
) {
  const { marker = SYNCHRONIZED, chronyc = CHRONYC, run = runCommand } = options;
  let last: { readonly touched: number; readonly uncUs: number } | undefined;

  async function timesyncd(touched: number, utcMs: number): Promise<ClockQuality> {
    const ageMs = Math.max(0, utcMs - touched);
    const of = (uncUs: number) => ({ answeredMs: touched, uncMs: uncUs / 1000 + ageMs * CLOCK_DRIFT });
    if (last?.touched === touched) return of(last.uncUs);
    const name = "org.freedesktop.timesync1";
    const args = [
      ...["--json=short", "get-property", name],
      "/org/freedesktop/timesync1",
      `${name}.Manager`,
      "NTPMessage",
    ];
    const asked = await run("busctl", args).then(timesyncUncUs, (e: unknown) =>
      e instanceof Error ? e : new Error(String(e)),
    );
    if (typeof asked === "number") {
      last = { touched, uncUs: asked };
      return of(asked);
    }
    const guessed = asked?.message.split("\n")[0] ?? "timesyncd does not tell of an answer that it took";
    return { answeredMs: touched, uncMs: GUESS_MS, guessed };
  }

  return async (utcMs: number): Promise<ClockQuality | undefined> => {
    const touched = statSync(marker, { throwIfNoEntry: false })?.mtimeMs;
    if (touched !== undefined) return timesyncd(touched, utcMs);
    if (!existsSync(chronyc)) return undefined;
    return run(chronyc, ["-c", "tracking"]).then(chronyQuality, () => undefined);
  };
}
