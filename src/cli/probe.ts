import { parseArgs } from "node:util";
import { catalogue } from "../../devices/index.ts";
import { systemClock } from "../bus/clock.ts";
import { loadConfig } from "../config/load.ts";
import type { LoadedConfig, LoadedPart } from "../config/loaded.ts";
import type { Source } from "../device/source.ts";
import type { ChannelTable } from "../device/table.ts";
import { isSwathError } from "../model/errors.ts";
import { qualityNames } from "../model/quality.ts";
import { createLateness } from "../sampler/lateness.ts";
import { openLinuxPorts } from "../sampler/linux-ports.ts";
import { openPart, type Port } from "../sampler/open-parts.ts";
import { createSchedule, type Due } from "../sampler/schedule.ts";
import { simulatedPorts } from "../sampler/simulated-ports.ts";
import { EXIT_CONFIG, EXIT_USAGE } from "./exit-codes.ts";
import { overhear, readable } from "./overheard.ts";
import { verifiedWords } from "./verified-words.ts";

type Out = { write(text: string): unknown };

const USAGE =
  "usage: swath probe PART --config FILE [--once [--seconds N]] [--json]\n\nStop the unit first: a part that two programs ask at once misleads both.\n";
const REFRESH_MS = 500;

/** The newest sample of one channel. */
interface Newest {
  readonly key: string;
  readonly unit: string;
  readonly decimals: number;
  /** The count it came from; undefined where a value is not one count. */
  raw: number | undefined;
  value: number | null;
  quality: string[];
  atMs: number;
  samples: number;
}

/** The count behind a value, where the part's table has one. */
function rawOf(channel: ChannelTable | undefined, x: number): number | undefined {
  if (channel === undefined || !("scale" in channel) || channel.ratio !== undefined || Number.isNaN(x))
    return undefined;
  return Math.round((x - (channel.offset ?? 0)) / channel.scale);
}

/** One part running alone, with the newest sample of each of its channels. */
function watch(part: LoadedPart, port: Port) {
  const { device } = part;
  const tables = device.kind === "i2c" ? Object.values(device.plan(part.options).channels) : [];
  const newest: Newest[] = part.channels.map(({ key, unit, resolution }) => ({
    key,
    unit,
    decimals: Math.min(9, Math.max(0, Math.ceil(-Math.log10(resolution)))),
    raw: undefined,
    value: null,
    quality: ["missing"],
    atMs: Number.NaN,
    samples: 0,
  }));
  const changes: string[] = [];
  const heard = port.kind === "serial" ? overhear(port.link) : undefined;
  const tapped: Port = heard === undefined ? port : { kind: "serial", link: heard.link };
  const source: Source = openPart(part, tapped, {
    clock: systemClock,
    time: { utc: () => undefined },
    sink: {
      block(channel, block) {
        const it = newest[channel];
        if (it === undefined || block.n === 0) return;
        const x = block.x[block.n - 1]!;
        it.value = Number.isNaN(x) ? null : x;
        it.raw = rawOf(tables[channel], x);
        it.quality = qualityNames(block.q[block.n - 1]!);
        it.atMs = block.t[block.n - 1]!;
        it.samples += block.n;
      },
      scan: () => undefined,
      state: (state, previous, reason) => void changes.push(`${previous} → ${state} (${reason})`),
    },
  });
  return { source, newest, changes, tail: () => heard?.tail() };
}

type Watched = ReturnType<typeof watch>;

function report({ source, newest, changes, tail }: Watched): object {
  const bytes = tail();
  const counters = Object.fromEntries(Object.entries(source.counters).filter(([, n]) => n > 0));
  const now = systemClock.monoMs();
  const channels = newest.map(({ key, unit, raw, value, quality, atMs, samples }) => {
    const ageMs = Number.isNaN(atMs) ? null : Math.round(now - atMs);
    return { key, value, unit, ...(raw === undefined ? {} : { raw }), quality, ageMs, samples };
  });
  return {
    name: source.name,
    part: source.part,
    state: source.state,
    verified: source.verified,
    channels,
    counters,
    ...(bytes === undefined ? {} : { lastBytes: readable(bytes) }),
    changes,
  };
}

function lines({ source, newest, changes, tail }: Watched): string[] {
  const bytes = tail();
  const now = systemClock.monoMs();
  const rows = newest.map(({ key, unit, decimals, raw, value, quality, atMs, samples }) => [
    key,
    value === null ? "–" : value.toFixed(decimals),
    unit,
    raw === undefined ? "" : String(raw),
    quality.length === 0 ? "good" : quality.join("+"),
    Number.isNaN(atMs) ? "never" : `${Math.round(now - atMs)} ms`,
    String(samples),
  ]);
  const table = [["channel", "value", "unit", "raw count", "quality", "age", "samples"], ...rows];
  const widths = table[0]!.map((_, i) => Math.max(...table.map((row) => row[i]!.length)));
  const counters = Object.entries(source.counters).filter(([, n]) => n > 0);
  return [
    `${source.name} (${source.part}): ${source.state}, ${verifiedWords(source.verified)}`,
    "",
    ...table.map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  "),
    ),
    "",
    `counters: ${counters.length === 0 ? "none" : counters.map(([k, n]) => `${k} ${n}`).join(", ")}`,
    ...(bytes === undefined ? [] : [`last bytes: ${bytes.length === 0 ? "none" : readable(bytes)}`]),
    ...changes.slice(-5).map((change) => `  ${change}`),
  ];
}

/** The ports of the part's bus alone, so that nothing else of the machine is touched. */
async function openPorts(
  config: LoadedConfig,
  part: LoadedPart,
): Promise<{ ports: ReadonlyMap<string, Port>; actors: readonly Due[] }> {
  if (config.simulation !== undefined) return simulatedPorts(config, systemClock, systemClock.monoMs(), Date.now());
  const buses = Object.fromEntries(Object.entries(config.buses).filter(([name]) => name === part.bus));
  return { ports: await openLinuxPorts(buses, systemClock), actors: [] };
}

/**
 * `swath probe PART --config FILE`: runs one part of a unit file alone and shows its newest values, raw counts (of a serial part
 * the last bytes that came) and counters, until it is interrupted; with `--once` when every channel has a value, or after some seconds. Returns 0 when the part runs, else 1.
 */
export async function probe(args: readonly string[], out: Out): Promise<number> {
  const options = {
    config: { type: "string", short: "c" },
    once: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    seconds: { type: "string", default: "8" },
  } as const;
  let parsed: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (e) {
    out.write(`${e instanceof Error ? e.message : String(e)}\n${USAGE}`);
    return EXIT_USAGE;
  }
  const { values, positionals } = parsed;
  const limitMs = Number(values.seconds) * 1000;
  const [name, ...more] = positionals;
  if (name === undefined || values.config === undefined || more.length > 0 || !(limitMs > 0)) {
    out.write(USAGE);
    return EXIT_USAGE;
  }
  let config: LoadedConfig;
  try {
    config = loadConfig(values.config, { catalogue });
  } catch (e) {
    if (!isSwathError(e, "config")) throw e;
    out.write(`${e.message}\n`);
    return EXIT_CONFIG;
  }
  const part = config.parts.find((p) => p.name === name);
  if (part === undefined || part.device.kind === "board") {
    const why =
      part === undefined ? `there is no part "${name}"` : `"${name}" is a sub-board, which only the unit reads`;
    const right = config.parts.filter((p) => p.device.kind !== "board").map((p) => p.name);
    out.write(`${values.config}: ${why}; parts: ${right.join(", ")}\n`);
    return EXIT_USAGE;
  }
  const { ports, actors } = await openPorts(config, part);
  const watched = watch(part, ports.get(part.bus)!);
  const schedule = createSchedule({
    items: [...actors, watched.source],
    clock: systemClock,
    lateness: createLateness(),
  });
  schedule.start();

  const startMs = systemClock.monoMs();
  let interrupted = false;
  process.once("SIGINT", () => {
    interrupted = true;
  });
  const isWhole = () => watched.newest.every((n) => n.samples > 0) && watched.source.state === "running";
  while (!interrupted) {
    const isLast = values.once && (isWhole() || systemClock.monoMs() - startMs > limitMs);
    if (!values.once && values.json) out.write(`${JSON.stringify(report(watched))}\n`);
    else if (!values.once) out.write(`\x1b[H\x1b[2J${lines(watched).join("\n")}\n\nCtrl-C ends this.\n`);
    if (isLast) break;
    await new Promise((done) => setTimeout(done, values.once ? 50 : REFRESH_MS));
  }
  schedule.stop();
  if (values.once)
    out.write(values.json ? `${JSON.stringify(report(watched), undefined, 2)}\n` : `${lines(watched).join("\n")}\n`);
  for (const port of ports.values()) await (port.kind === "serial" ? port.link.close() : port.bus.close());
  return watched.source.state === "running" ? 0 : 1;
}
