import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../bus/clock.ts";
import type { LoadedConfig, LoadedDisplay, LoadedPart } from "../../config/loaded.ts";
import { startLinkServer } from "../../link/server.ts";
import type { SourceHealth } from "../../model/record.ts";
import { verifiedWords } from "../verified-words.ts";
import { type Finding, finding } from "./finding.ts";

const LOOK_MS = 100;
/** The sampler reads its program from a card that may be slow; parts get their time from its first word on. */
const START_MS = 30_000;

/** How parts, and the display, do. */
interface Heard {
  readonly sources: Readonly<Record<string, SourceHealth>>;
  readonly display?: SourceHealth | undefined;
}

/**
 * Runs the sampler alone for a few seconds, as the unit would, and returns how each part does then: as soon as all run, or
 * after `timeoutMs`. Nothing is recorded or sent.
 */
export async function trySampler(config: LoadedConfig, samplerEntry: string, timeoutMs: number): Promise<Heard> {
  const dir = mkdtempSync(join(tmpdir(), "swath-doctor-"));
  const socket = join(dir, "link.sock");
  let heard: Heard = { sources: {} };
  let endMs = systemClock.monoMs() + START_MS;
  const server = await startLinkServer({
    path: socket,
    listener: {
      hello() {
        endMs = systemClock.monoMs() + timeoutMs;
      },
      row: () => undefined,
      note: () => undefined,
      gone: () => undefined,
      status: (status) => {
        heard = status;
      },
    },
  });
  const start = ["--sim-start", String(systemClock.monoMs()), "--sim-utc", String(Date.now())];
  const child = spawn(process.execPath, [samplerEntry, "--config", config.file, "--socket", socket, ...start], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  const gone = new Promise<void>((done) => child.once("exit", () => done()));
  const allRun = () =>
    config.parts.every((part) => heard.sources[part.name]?.state === "running") &&
    (config.display === undefined || heard.display?.state === "running");
  while (!allRun() && systemClock.monoMs() < endMs && child.exitCode === null && child.signalCode === null)
    await new Promise((done) => setTimeout(done, LOOK_MS));
  // The sampler ends by itself when its standard input closes.
  child.stdin?.end();
  const insist = setTimeout(() => child.kill("SIGKILL"), 2000);
  await gone;
  clearTimeout(insist);
  await server.close();
  rmSync(dir, { recursive: true, force: true });
  return heard;
}

/** Counters that name a cause, most telling first, with what to do about each. */
const CAUSES: readonly (readonly [counter: string, means: string, todo: string])[] = [
  ["denied", "the bus may not be used", "Give the user the right to the bus: see the finding on the bus."],
  [
    "stranger",
    "another part answers there",
    "Fit the part that the configuration names, or name the part that is fitted.",
  ],
  ["brownOut", "it lost its settings while running", "Check its supply and ground."],
  ["readback", "it does not keep what is written to it", "Check its supply; it may be damaged."],
  [
    "busy",
    "the bus is held low or owned by a kernel driver",
    "Unplug parts one by one until it is free; check dtoverlay lines.",
  ],
  ["crc", "bytes arrive damaged", "Check shield, length and pull-ups of the cable."],
  ["badChecksum", "bytes arrive damaged", "Check the baud rate, the shield and the ground."],
  ["junkBytes", "bytes arrive that it does not send", "Check the baud rate and that the right device is on this port."],
  ["timeout", "it does not answer in time", "Check its cable for water and its connector."],
  ["noAck", "nothing answers", "Check power, plug and address."],
  ["silent", "the port is open but nothing comes", "Check its power, its baud rate and that it is set to talk."],
  ["stuck", "its values do not move", "It may be frozen: take its power away for a moment."],
  ["overrun", "samples were lost in it", "Lower its odrHz, or the load on this bus."],
];

/** Why a part is not running, as far as its counters tell, and what to do about it. */
function causeOf({ state, counters }: SourceHealth): [because: string, todo: string] {
  const cause = CAUSES.find(([counter]) => (counters[counter] ?? 0) > 0);
  const because = cause === undefined ? "" : `: ${cause[1]} (${cause[0]} ${counters[cause[0]]})`;
  return [
    because,
    cause?.[2] ?? (state === "starting" ? "Wait a minute and look again." : "Check power, plug and cable."),
  ];
}

/** What one part says of itself, and what to do. */
export function judgePart(part: LoadedPart, health: SourceHealth | undefined): Finding {
  const what = `part ${part.name}`;
  const where = part.address === undefined ? part.bus : `0x${part.address.toString(16)} on ${part.bus}`;
  const named = `${part.device.part}, ${where}`;
  if (health === undefined) return finding(what, "unknown", `${named}: nothing was heard of it`);
  const { state, verified } = health;
  if (state === "running") return finding(what, "ok", `${named}: running, ${verifiedWords(verified)}`);
  const [because, todo] = causeOf(health);
  return finding(
    what,
    state === "starting" || state === "degraded" ? "look" : "wrong",
    `${named}: ${state}${because}`,
    todo,
  );
}

/** What is known of the display. Nothing is measured with it, so that its loss is worth a look and no more. */
export function judgeDisplay({ device, address, bus }: LoadedDisplay, health: SourceHealth | undefined): Finding {
  const named = `${device.part}, 0x${address.toString(16)} on ${bus}`;
  if (health === undefined) return finding("display", "unknown", `${named}: nothing was heard of it`);
  if (health.state === "running")
    return finding("display", "ok", `${named}: written to, verified by its acknowledge alone`);
  return finding("display", "look", `${named}: ${health.state}${causeOf(health)[0]}`, causeOf(health)[1]);
}
