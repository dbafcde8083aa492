import { randomUUID } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { pino } from "pino";
import { catalogue } from "../../devices/index.ts";
import type { BoardAssignment } from "../board/assignment.ts";
import { systemClock } from "../bus/clock.ts";
import { type ServiceManager, serviceManager } from "../bus/service-manager.ts";
import { loadConfig } from "../config/load.ts";
import type { LoadedConfig } from "../config/loaded.ts";
import type { BoardReader, KeyPress } from "../device/board-device.ts";
import { createDisplay, type DisplayDriver } from "../device/display-driver.ts";
import { createLinkClient } from "../link/client.ts";
import { encodeNote } from "../link/frame.ts";
import { createOutbox, type Outbox } from "../link/outbox.ts";
import { isSwathError } from "../model/errors.ts";
import type { Lamp, Screen } from "../model/operator.ts";
import type { Clock } from "../model/time.ts";
import { createBoardProcess } from "./board-process.ts";
import { compose, recoveryOf } from "./compose.ts";
import { createGnssAnchor } from "./gnss-anchor.ts";
import { stopHooks } from "./hook-run.ts";
import { createLateness } from "./lateness.ts";
import { openLinuxPorts } from "./linux-ports.ts";
import { openPart } from "./open-parts.ts";
import { createRingTeller } from "./ring-teller.ts";
import { createSampler } from "./sampler.ts";
import { createSchedule, createSimulatedSchedule, type Due, steppedClock } from "./schedule.ts";
import { simulatedPorts } from "./simulated-ports.ts";
import { createUnitWatch } from "./unit-watch.ts";

/** Frames that the unit has not made durable are kept this long. */
const HOLD_MS = 180_000;
const HOLD_BYTES = 32 * 1024 * 1024;

/** The process that reads a sub-board, built beside this one. */
const BOARD_ENTRY = fileURLToPath(new URL("../board/main.js", import.meta.url));

/** What the unit tells its sampler; `--alone`: systemd started it, and the configuration may come later or be replaced. A simulation began at `--sim-start` (mono ms), when UTC was `--sim-utc` (ms). */
const { values: args } = parseArgs({
  options: {
    config: { type: "string" },
    socket: { type: "string" },
    "sim-start": { type: "string" },
    "sim-utc": { type: "string" },
    alone: { type: "boolean", default: false },
  },
});

const log = pino({ name: "swath-sampler", base: null, level: process.env["SWATH_LOG"] ?? "info" });

/** The pins of the operator's panel, for the sub-board that has it. */
function panelOf({ panel }: LoadedConfig, part: string): BoardAssignment["panel"] {
  if (panel?.board !== part) return { muted: true };
  const { lampPin, buzzerPin, keyPin, muted } = panel;
  return {
    ...(lampPin === undefined ? {} : { lampPin }),
    ...(buzzerPin === undefined ? {} : { buzzerPin }),
    ...(keyPin === undefined ? {} : { keyPin }),
    muted,
  };
}

/** The real machine: Linux's buses and the system's clock. */
async function real(config: LoadedConfig, clock: Clock) {
  const boards = new Map<string, BoardReader>();
  for (const { name, device, options } of config.parts) {
    if (device.kind !== "board") continue;
    const { inputs, samplingMs, adcBits } = device.plan(options);
    const assignment = { inputs: [...inputs], samplingMs, adcBits, panel: panelOf(config, name) };
    boards.set(name, createBoardProcess({ entry: BOARD_ENTRY, assignment }));
  }
  return { ports: await openLinuxPorts(config.buses, clock), boards, actors: [] as readonly Due[] };
}

async function main(): Promise<void> {
  const { config: file, socket } = args;
  if (file === undefined || socket === undefined) throw new Error("the sampler is started by `swath run`");
  if (args.alone) await untilThere(file);
  const config = loadConfig(file, { catalogue });
  const speed = config.simulation?.speed ?? 1;
  const simStartMs = Number(args["sim-start"] ?? systemClock.monoMs());
  const pace: Clock = { monoMs: () => simStartMs + (systemClock.monoMs() - simStartMs) * speed };
  const stepped = config.simulation === undefined ? undefined : steppedClock(pace.monoMs());
  const clock: Clock = stepped ?? systemClock;

  const session = randomUUID();
  const outbox: Outbox = createOutbox({
    holdMs: HOLD_MS * speed,
    maxBytes: HOLD_BYTES,
    onLost: (from, to) => {
      const mono = clock.monoMs();
      setImmediate(() => outbox.add(mono, (number) => encodeNote(number, { kind: "overflow", mono, from, to })));
    },
  });
  const hello = () => ({ session, pid: process.pid, config: config.hash, firstKept: outbox.firstKept });
  const boards = new Map<string, BoardReader>();
  const lamp = createUnitWatch<Lamp>(
    (next) => {
      for (const board of boards.values()) board.lamp(next);
    },
    "fault",
    () => clock.monoMs(),
  );
  let display: DisplayDriver | undefined;
  const screen = createUnitWatch<Screen>(
    (lines) => display?.show(lines),
    ["FAULT", "UNIT SILENT"],
    () => clock.monoMs(),
  );
  const link = createLinkClient({
    ...{ path: socket, outbox, hello, onLamp: lamp.told, onScreen: screen.told },
    onAskRings: () => rings.ask(),
  });
  const lateness = createLateness();
  const recovery = stepped === undefined ? recoveryOf(config) : undefined;
  const sampler = createSampler({
    ...compose(config),
    ...(recovery === undefined ? {} : { recovery }),
    startMs: clock.monoMs(),
    outbox,
    link,
    lateness,
    nowMs: () => clock.monoMs(),
  });
  const rings = createRingTeller({
    ...{ pipelines: sampler.pipelines, ringMs: config.ringSeconds * 1000, link },
    nowMs: () => clock.monoMs(),
  });
  const {
    ports,
    boards: readers,
    actors,
  } = stepped === undefined
    ? await real(config, clock)
    : simulatedPorts(config, clock, simStartMs, Number(args["sim-utc"] ?? Date.now()));

  for (const [name, reader] of readers) boards.set(name, reader);

  /** What a press of the key marks; the operator is answered once it is kept. */
  function mark(reader: BoardReader, part: string, press: KeyPress, atMs: number): void {
    if (config.panel === undefined || press === "mute") return;
    sampler.mark(config.panel[press], atMs, part);
    reader.noted(press);
  }

  const time = createGnssAnchor((anchor) => sampler.anchor(anchor));
  for (const part of config.parts) {
    const port = ports.get(part.bus);
    if (port === undefined) continue;
    const reader = boards.get(part.name);
    const board = reader && { reader, onKey: (press: KeyPress, atMs: number) => mark(reader, part.name, press, atMs) };
    sampler.addSource(openPart(part, port, { clock, sink: sampler.sinkFor(part.name), time, board }));
  }

  const displayPort = config.display && ports.get(config.display.bus);
  if (config.display !== undefined && displayPort?.kind === "i2c") {
    display = createDisplay({ ...config.display, bus: displayPort.bus });
    sampler.addDisplay(display);
  }

  const manager = serviceManager();
  const items = [
    ...actors,
    ...sampler.dues(),
    rings,
    signOfLife(clock, manager),
    ...(config.panel === undefined ? [] : [lamp]),
    ...(config.display === undefined ? [] : [screen]),
  ];
  const schedule =
    stepped === undefined
      ? createSchedule({ items, clock, lateness })
      : createSimulatedSchedule({ items, clock: stepped, pace });
  schedule.start();
  manager.ready();
  if (args.alone) watchReplaced(file, () => void stop());
  log.info(
    { parts: config.parts.length, channels: config.channels.length, simulated: stepped !== undefined },
    "sampling",
  );

  async function stop(): Promise<void> {
    schedule.stop();
    display?.off();
    for (const board of boards.values()) board.close();
    stopHooks();
    await link.close(500);
    await Promise.all([...ports.values()].map((p) => (p.kind === "serial" ? p.link.close() : p.bus.close())));
    process.exit(0);
  }
  process.on("SIGTERM", () => void stop());
  process.on("SIGINT", () => undefined);
  // Who started us holds the other end of our standard input: when it closes, that one is gone.
  process.stdin.on("end", () => void stop());
  process.stdin.on("error", () => undefined);
  process.stdin.resume();
}

/** What the schedule itself steps: when this is not reached, nothing is. */
function signOfLife(clock: Clock, manager: ServiceManager): Due {
  let dueMs = clock.monoMs();
  return {
    get dueMs() {
      return dueMs;
    },
    step(nowMs) {
      dueMs = nowMs + 1000;
      manager.alive();
    },
  };
}

const LOOK_MS = 500;

async function untilThere(file: string): Promise<void> {
  while (!existsSync(file)) await new Promise((done) => setTimeout(done, LOOK_MS));
}

/** Calls `replaced` once the file is another one or gone: the unit runs another configuration. */
function watchReplaced(file: string, replaced: () => void): void {
  const inode = () => {
    try {
      return statSync(file).ino;
    } catch {
      return undefined;
    }
  };
  const first = inode();
  const timer = setInterval(() => {
    if (inode() === first) return;
    clearInterval(timer);
    replaced();
  }, LOOK_MS);
}

main().catch((e: unknown) => {
  log.fatal({ err: e }, "the sampler cannot start");
  process.exit(isSwathError(e, "config") ? 78 : 1);
});
