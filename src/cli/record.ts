import { closeSync, openSync, writeSync } from "node:fs";
import { parseArgs } from "node:util";
import { catalogue } from "../../devices/index.ts";
import { systemClock } from "../bus/clock.ts";
import { loadConfig } from "../config/load.ts";
import type { SourceSink } from "../device/source.ts";
import { isSwathError } from "../model/errors.ts";
import type { Clock } from "../model/time.ts";
import { createTap } from "../replay/tap.ts";
import { createLateness } from "../sampler/lateness.ts";
import { openLinuxPorts } from "../sampler/linux-ports.ts";
import { openPart } from "../sampler/open-parts.ts";
import { createSchedule, type Due, steppedClock, stepUntil } from "../sampler/schedule.ts";
import { simulatedPorts } from "../sampler/simulated-ports.ts";
import { EXIT_CONFIG, EXIT_USAGE } from "./exit-codes.ts";
import { softwareVersion } from "./version.ts";

const USAGE = `usage: swath record --config FILE --out FILE [--for S] [--max-mb N]

Writes down what comes from the buses, byte by byte and sample by sample, for swath replay. The unit must not run meanwhile:
a bus has one owner. A simulated machine is recorded as fast as it goes.
  --out FILE    a file that is not there yet
  --for S       seconds; default: until Ctrl-C (a simulated machine: 60)
  --max-mb N    ends when the file is so large (default 1000)
`;
const SIMULATED_S = 60;
/** Simulated time done between two looks at whether somebody wants to stop. */
const SLICE_MS = 1000;
const LOOK_MS = 200;

const NOWHERE: SourceSink = { block: () => undefined, scan: () => undefined, state: () => undefined };

function optionsOf(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        config: { type: "string", short: "c" },
        out: { type: "string" },
        for: { type: "string" },
        "max-mb": { type: "string" },
      },
    });
    const { config, out } = values;
    const forS = values.for === undefined ? undefined : Number(values.for);
    const maxMb = Number(values["max-mb"] ?? 1000);
    if (config === undefined || out === undefined) return undefined;
    return (forS === undefined || forS > 0) && maxMb > 0 ? { config, out, forS, maxMb } : undefined;
  } catch {
    return undefined;
  }
}

/** `swath record`: returns 0 when it ended as asked or the file is full, 78 for a configuration that cannot be used. */
export async function record(args: readonly string[], out: { write(text: string): unknown }): Promise<number> {
  const options = optionsOf(args);
  if (options === undefined) {
    out.write(USAGE);
    return EXIT_USAGE;
  }
  let fd: number;
  try {
    const config = loadConfig(options.config, { catalogue });
    const isSimulated = config.simulation !== undefined;
    fd = openSync(options.out, "wx", 0o600);
    const stepped = isSimulated ? steppedClock(0) : undefined;
    const clock: Clock = stepped ?? systemClock;
    const tap = createTap({
      config,
      software: softwareVersion(),
      clock,
      maxBytes: options.maxMb * 1e6,
      write: (entry) => writeSync(fd, entry),
    });
    const simulated = stepped && simulatedPorts(config, stepped, 0, Date.now());
    const ports = simulated?.ports ?? (await openLinuxPorts(config.buses, clock));
    const sources: Due[] = [];
    const left: string[] = [];
    for (const part of config.parts) {
      const port = ports.get(part.bus);
      const reader = simulated?.boards.get(part.name);
      if (port === undefined || (part.device.kind === "board" && reader === undefined)) {
        left.push(part.name);
        continue;
      }
      const board = reader && { reader, onKey: () => undefined };
      const around = { clock, sink: tap.sink(part.name, NOWHERE), time: { utc: () => undefined }, board };
      sources.push(openPart(part, tap.port(part.bus, port), around));
    }
    let asked = false;
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => (asked = true));
    if (left.length > 0) out.write(`not recorded: ${left.join(", ")}\n`);
    const untilMs = clock.monoMs() + 1000 * (options.forS ?? (isSimulated ? SIMULATED_S : Infinity));
    if (stepped !== undefined && simulated !== undefined) {
      const items: Due[] = [...(simulated.actors as readonly Due[]), ...sources];
      while (stepped.monoMs() < untilMs && !asked && !tap.isFull) {
        stepUntil(items, stepped, Math.min(untilMs, stepped.monoMs() + SLICE_MS));
        await new Promise((turn) => setImmediate(turn));
      }
    } else {
      const schedule = createSchedule({ items: sources, clock, lateness: createLateness() });
      schedule.start();
      while (clock.monoMs() < untilMs && !asked && !tap.isFull) await new Promise((turn) => setTimeout(turn, LOOK_MS));
      schedule.stop();
    }
    tap.end();
    closeSync(fd);
    for (const port of ports.values()) await (port.kind === "serial" ? port.link.close() : port.bus.close());
    out.write(`${options.out}: ${(tap.bytes / 1e6).toFixed(2)} MB${tap.isFull ? ", FULL: it ended early" : ""}\n`);
    return 0;
  } catch (e) {
    if (isSwathError(e, "config")) {
      out.write(`${e.message}\n`);
      return EXIT_CONFIG;
    }
    if (e instanceof Error && "code" in e && typeof e.code === "string") {
      out.write(`${options.out}: ${e.code === "EEXIST" ? "is there already; nothing was overwritten" : e.message}\n`);
      return EXIT_USAGE;
    }
    throw e;
  }
}
