import { accessSync, constants, realpathSync } from "node:fs";
import { dirname } from "node:path";
import type { Readable } from "node:stream";
import { parseArgs } from "node:util";
import { catalogue } from "../../devices/index.ts";
import { loadConfig } from "../config/load.ts";
import type { LoadedChannel, LoadedConfig } from "../config/loaded.ts";
import type { NewCalibration } from "../config/merge-calibration.ts";
import { isSwathError } from "../model/errors.ts";
import { calibrateDepth } from "./calibrate/depth.ts";
import { type Dialogue, NoAnswer, openDialogue } from "./calibrate/dialogue.ts";
import { keepCalibration } from "./calibrate/keep.ts";
import { measureLeverArm } from "./calibrate/lever-arm.ts";
import { calibrateRotor } from "./calibrate/rotor.ts";
import type { ChannelSession } from "./calibrate/session.ts";
import { calibrateTilt } from "./calibrate/tilt.ts";
import { EXIT_CONFIG, EXIT_USAGE } from "./exit-codes.ts";

type Out = { write(text: string): unknown };

/** What is calibrated by reading a channel, the unit its values are in, and the guide through it. */
const CHANNEL_KINDS: Readonly<
  Record<string, { readonly unit: string; readonly guide: (s: ChannelSession) => Promise<NewCalibration | undefined> }>
> = {
  depth: { unit: "m", guide: calibrateDepth },
  tilt: { unit: "deg", guide: calibrateTilt },
  rotor: { unit: "rpm", guide: calibrateRotor },
};

const USAGE = `usage: swath calibrate ${Object.keys(CHANNEL_KINDS).join("|")} --config FILE --channel NAME --by YOUR-NAME [--seconds N]
       swath calibrate lever-arm --config FILE --by YOUR-NAME

Asks one question at a time, reads the channel, and writes the result into the unit file.
Stop the unit first: a part that two programs ask at once misleads both.
`;

/**
 * `swath calibrate KIND --config FILE [--channel NAME] --by NAME`: guides through a calibration and writes it into the unit file.
 * Answers are lines of `input`. Returns 0 when it was written; 1 when it was not, with the file as it was.
 */
export async function calibrate(
  args: readonly string[],
  out: Out,
  input: Readable & { readonly isTTY?: boolean } = process.stdin,
): Promise<number> {
  const options = {
    config: { type: "string", short: "c" },
    channel: { type: "string" },
    by: { type: "string" },
    seconds: { type: "string", default: "5" },
  } as const;
  let parsed: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (e) {
    out.write(`${messageOf(e)}\n${USAGE}`);
    return EXIT_USAGE;
  }
  const { values, positionals } = parsed;
  const [name = "", ...more] = positionals;
  const by = values.by?.trim() ?? "";
  const seconds = Number(values.seconds);
  const isLeverArm = name === "lever-arm";
  const kind = Object.hasOwn(CHANNEL_KINDS, name) ? CHANNEL_KINDS[name] : undefined;
  const column = values.channel;
  const isTime = seconds >= 1 && seconds <= 600;
  const isKnown = isLeverArm ? column === undefined : kind !== undefined && column !== undefined;
  if (!isKnown || more.length > 0 || values.config === undefined || !isTime) {
    out.write(USAGE);
    return EXIT_USAGE;
  }
  if (by === "" || by.length > 60) {
    out.write(`--by: expected the name of who measures, 1 to 60 characters\n${USAGE}`);
    return EXIT_USAGE;
  }
  try {
    const config = loadConfig(values.config, { catalogue, without: [column ?? "leverArm"] });
    if (kind === undefined || column === undefined)
      return await converse(config, out, input, (dialogue) => measureLeverArm(dialogue, config, by));
    const channel = channelFor(config, column, name, kind.unit);
    if (typeof channel === "string") {
      out.write(`${values.config}: ${channel}\n`);
      return EXIT_USAGE;
    }
    return await converse(config, out, input, (dialogue) => kind.guide({ dialogue, config, channel, seconds, by }));
  } catch (e) {
    if (!isSwathError(e, "config")) throw e;
    out.write(`${e.message}\n\nNothing was written.\n`);
    return EXIT_CONFIG;
  }
}

/** The channel, or a sentence why it cannot be calibrated so. */
function channelFor(config: LoadedConfig, column: string, kind: string, unit: string): LoadedChannel | string {
  const found = config.channels.find((ch) => ch.column === column);
  const fitting = config.channels.filter((ch) => ch.spec.unit === unit && ch.standIns.length === 0);
  const right = `channels in ${unit}: ${fitting.map((ch) => ch.column).join(", ") || "none"}`;
  if (found === undefined) return `there is no channel "${column}"; ${right}`;
  if (found.spec.unit !== unit) return `${column} is in ${found.spec.unit}, a ${kind} is in ${unit}; ${right}`;
  if (found.standIns.length > 0)
    return `${column} has several sources, and a calibration is of one; make a channel of each source first`;
  return found;
}

async function converse(
  config: LoadedConfig,
  out: Out,
  input: Readable & { readonly isTTY?: boolean },
  guide: (dialogue: Dialogue) => Promise<NewCalibration | undefined>,
): Promise<number> {
  try {
    // Known before anybody moves the machine for it.
    const path = realpathSync(config.file);
    accessSync(path, constants.R_OK | constants.W_OK);
    accessSync(dirname(path), constants.W_OK);
  } catch (e) {
    out.write(`${config.file} cannot be written: ${messageOf(e)}\n`);
    return 1;
  }
  const dialogue = openDialogue(input, out);
  try {
    if (config.simulation !== undefined)
      dialogue.say("This is a SIMULATED machine: what is read says nothing of a real one.");
    dialogue.say(
      `Machine ${config.machine}, unit ${config.identity.unit}; ${new Date().toISOString()} by this computer's clock.`,
    );
    const isWritten = await guideAndKeep(dialogue, config, guide);
    dialogue.say(
      isWritten
        ? `Written. Look at it with: swath check ${config.file}; then flash it or start the unit.`
        : "Nothing was written.",
    );
    return isWritten ? 0 : 1;
  } catch (e) {
    if (isSwathError(e, "config")) throw e;
    if (!(e instanceof NoAnswer) && !(e instanceof Error && ("code" in e || e instanceof SyntaxError))) throw e;
    dialogue.say(`\n${config.file}: ${e.message}. Nothing was written.`);
    return 1;
  } finally {
    dialogue.close();
  }
}

async function guideAndKeep(
  dialogue: Dialogue,
  config: LoadedConfig,
  guide: (dialogue: Dialogue) => Promise<NewCalibration | undefined>,
): Promise<boolean> {
  const found = await guide(dialogue);
  return found !== undefined && (await keepCalibration(dialogue, config, found));
}

function messageOf(e: unknown): string {
  return e instanceof Error ? e.message : String(e);
}
