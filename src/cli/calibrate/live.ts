import { fileURLToPath } from "node:url";
import { systemClock } from "../../bus/clock.ts";
import { signalOf } from "../../config/filters.ts";
import type { LoadedChannel, LoadedConfig } from "../../config/loaded.ts";
import type { BoardReader } from "../../device/board-device.ts";
import { createChain } from "../../dsp/chain.ts";
import { createOutbox } from "../../link/outbox.ts";
import { QUALITY } from "../../model/quality.ts";
import type { Clock } from "../../model/time.ts";
import { createBoardProcess } from "../../sampler/board-process.ts";
import { compose } from "../../sampler/compose.ts";
import { createLateness } from "../../sampler/lateness.ts";
import { openLinuxPorts } from "../../sampler/linux-ports.ts";
import { openPart, type Port } from "../../sampler/open-parts.ts";
import { createSampler } from "../../sampler/sampler.ts";
import { createSchedule, type Due, steppedClock, stepUntil } from "../../sampler/schedule.ts";
import { simulatedPorts } from "../../sampler/simulated-ports.ts";
import type { Samples } from "../../work/reading.ts";

/** How long a channel gets to come up and its filters to settle before a reading, in ms. */
const SETTLE_MS = 15_000;
const LOOK_MS = 50;
const BOARD_ENTRY = fileURLToPath(new URL("../../board/main.js", import.meta.url));

/** What one channel brought, and what became of its parts, in words. */
export interface Taken {
  readonly samples: Samples;
  readonly states: readonly string[];
}

/**
 * Runs one channel of a unit file alone in this process, and returns all it brings within `seconds` once its filters have
 * settled. Everything is opened anew for each reading, so that no filter remembers where the tool was before. A simulated
 * machine runs as fast as it can. Rejects when `interrupted` does; what it opened is closed in any case.
 */
export async function takeSamples(
  whole: LoadedConfig,
  column: string,
  seconds: number,
  interrupted: Promise<never>,
): Promise<Taken> {
  const config = partOf(whole, column);
  const stepped = config.simulation === undefined ? undefined : steppedClock(0);
  const clock: Clock = stepped ?? systemClock;
  const boards = new Map<string, BoardReader>();
  const opened = await openPorts(config, clock, boards);
  const lateness = createLateness();
  const sampler = createSampler({
    ...compose(config),
    startMs: clock.monoMs(),
    outbox: createOutbox({ holdMs: 1000, maxBytes: 1e6, onLost: () => undefined }),
    link: { connected: false, pump: () => undefined, status: () => undefined, close: () => Promise.resolve() },
    lateness,
    nowMs: () => clock.monoMs(),
  });
  const states = new Map<string, string>();
  for (const part of config.parts) {
    const port = opened.ports.get(part.bus);
    if (port === undefined) continue;
    const inner = sampler.sinkFor(part.name);
    const sink = {
      ...inner,
      state(...[state, previous, reason]: Parameters<typeof inner.state>) {
        states.set(part.name, `${part.name} (${part.device.part}): ${state}, ${reason}`);
        inner.state(state, previous, reason);
      },
    };
    const reader = boards.get(part.name);
    const board = reader && { reader, onKey: () => undefined };
    sampler.addSource(openPart(part, port, { clock, sink, time: { utc: () => undefined }, board }));
  }

  const samples = { t: [] as number[], x: [] as number[], q: [] as number[] };
  let isCollecting = false;
  let isSettled = false;
  sampler.pipelines
    .find((p) => p.name === column)
    ?.onFiltered((block) => {
      if (block.n === 0) return;
      isSettled = (block.q[block.n - 1]! & (QUALITY.warmup | QUALITY.missing)) === 0;
      for (let i = 0; isCollecting && i < block.n; i++) {
        samples.t.push(block.t[i]!);
        samples.x.push(block.x[i]!);
        samples.q.push(block.q[i]!);
      }
    });
  const items = [...opened.actors, ...sampler.dues()];
  const schedule = stepped === undefined ? createSchedule({ items, clock, lateness }) : undefined;

  async function pass(ms: number): Promise<void> {
    if (stepped !== undefined) stepUntil(items, stepped, stepped.monoMs() + ms);
    // A person who presses Ctrl-C is heard in a simulation too.
    await Promise.race([new Promise<void>((done) => setTimeout(done, stepped === undefined ? ms : 0)), interrupted]);
  }
  try {
    schedule?.start();
    const fromMs = clock.monoMs();
    while (!isSettled && clock.monoMs() - fromMs < SETTLE_MS) await pass(LOOK_MS);
    isCollecting = true;
    const untilMs = clock.monoMs() + seconds * 1000;
    while (clock.monoMs() < untilMs) await pass(Math.min(LOOK_MS, untilMs - clock.monoMs()));
    return { samples, states: [...states.values()] };
  } finally {
    schedule?.stop();
    for (const board of boards.values()) board.close();
    for (const port of opened.ports.values()) await (port.kind === "serial" ? port.link.close() : port.bus.close());
  }
}

/** The configuration with this channel alone and what it is made of, and the parts and buses of those. */
function partOf(whole: LoadedConfig, column: string): LoadedConfig {
  const channels = new Map<string, LoadedChannel>();
  const add = (name: string) => {
    const found = whole.channels.find((ch) => ch.column === name);
    if (found === undefined || channels.has(name)) return;
    channels.set(name, name === column ? { ...found, filters: steadyFilters(whole, found) } : found);
    for (const input of found.derived?.inputs ?? []) add(input.name);
  };
  add(column);
  const sources = [...channels.values()].flatMap((ch) => [ch, ...ch.standIns].map((s) => s.part));
  const parts = whole.parts.filter((p) => sources.includes(p.name));
  const buses = Object.fromEntries(Object.entries(whole.buses).filter(([name]) => parts.some((p) => p.bus === name)));
  const { track: _, ...rest } = whole;
  // Inputs stand before what is made of them, as in the whole file.
  const kept = whole.channels.flatMap((ch) => channels.get(ch.column) ?? []);
  return { ...rest, buses, parts, channels: kept, detectors: [] };
}

/** The filters without those that let samples through only now and then or on change: a thing that stands still would send none. */
function steadyFilters({ ringSeconds }: LoadedConfig, { source, filters }: LoadedChannel): LoadedChannel["filters"] {
  const signal = signalOf(source, ringSeconds);
  const kept: LoadedChannel["filters"][number][] = [];
  for (const stage of filters) if (createChain([...kept, stage], signal).output.holdMs === undefined) kept.push(stage);
  return kept;
}

async function openPorts(
  config: LoadedConfig,
  clock: Clock,
  boards: Map<string, BoardReader>,
): Promise<{ ports: ReadonlyMap<string, Port>; actors: readonly Due[] }> {
  if (config.simulation !== undefined) {
    const machine = simulatedPorts(config, clock, clock.monoMs(), Date.now());
    for (const [name, reader] of machine.boards) boards.set(name, reader);
    return machine;
  }
  for (const { name, device, options } of config.parts) {
    if (device.kind !== "board") continue;
    const { inputs, samplingMs, adcBits } = device.plan(options);
    const assignment = { inputs: [...inputs], samplingMs, adcBits, panel: { muted: true } };
    boards.set(name, createBoardProcess({ entry: BOARD_ENTRY, assignment }));
  }
  return { ports: await openLinuxPorts(config.buses, clock), actors: [] };
}
