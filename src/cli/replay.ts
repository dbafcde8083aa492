import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { catalogue } from "../../devices/index.ts";
import { loadConfig } from "../config/load.ts";
import { isSwathError } from "../model/errors.ts";
import { compareReplays, eventsOf } from "../replay/compare.ts";
import { eventLine, explainComparison, short } from "../replay/explain.ts";
import { isRecording } from "../replay/format.ts";
import { logAsRecording } from "../replay/logs.ts";
import { type Replayed, replayRecording } from "../replay/replay.ts";
import { EXIT_CONFIG, EXIT_USAGE } from "./exit-codes.ts";

const USAGE = `usage: swath replay RECORDING --config FILE [--against FILE2] [--bus NAME] [--json]

Runs a recording of swath record through the filters, rows and detectors of a configuration, faster than real time.
  --against FILE2   also through another one, and says what would be different
  --bus NAME        the file is no recording but the log of this serial port: its raw bytes, or lines of candump
  --json            one JSON object a line: every row and event, or the comparison
`;

type Out = { write(text: string): unknown };

function optionsOf(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        config: { type: "string", short: "c" },
        against: { type: "string" },
        bus: { type: "string" },
        json: { type: "boolean", default: false },
      },
    });
    const [recording, ...more] = positionals;
    if (recording === undefined || more.length > 0 || values.config === undefined) return undefined;
    return { recording, config: values.config, against: values.against, bus: values.bus, json: values.json };
  } catch {
    return undefined;
  }
}

/** `swath replay`: returns 0, or 78 for a configuration or recording that cannot be used. */
export async function replay(args: readonly string[], out: Out): Promise<number> {
  const options = optionsOf(args);
  if (options === undefined) {
    out.write(USAGE);
    return EXIT_USAGE;
  }
  try {
    const bytes = readFileSync(options.recording);
    const began = performance.now();
    const config = loadConfig(options.config, { catalogue });
    const file = isRecording(bytes) ? bytes : logAsRecording(bytes, config, options.bus);
    const first = replayRecording(file, config);
    const tookMs = performance.now() - began;
    if (options.against === undefined) {
      if (options.json) writeLines(first, out);
      else out.write(`${summary(first, tookMs).join("\n")}\n`);
      return 0;
    }
    const second = replayRecording(file, loadConfig(options.against, { catalogue }));
    const comparison = compareReplays(first, second);
    if (options.json) out.write(`${JSON.stringify(comparison)}\n`);
    else {
      const difference = [`With ${options.against} instead`, ...explainComparison(comparison, first.fromMs)];
      out.write(`${[...summary(first, tookMs), "", ...difference].join("\n")}\n`);
    }
    return 0;
  } catch (e) {
    if (isSwathError(e, "config")) {
      out.write(`${e.message}\n`);
      return EXIT_CONFIG;
    }
    if (e instanceof Error && "code" in e && typeof e.code === "string") {
      out.write(`${options.recording}: ${e.message}\n`);
      return EXIT_USAGE;
    }
    throw e;
  }
}

/** Every row with its columns by name, and every note. */
function writeLines({ rows, notes, columns }: Replayed, out: Out): void {
  for (const { table, monoMs, values, q } of rows) {
    const names = columns[table] ?? [];
    const c = Object.fromEntries(names.map((name, i) => [name, Number.isNaN(values[i]) ? null : values[i]]));
    const marks = Object.fromEntries(names.flatMap((name, i) => (q[i] === 0 ? [] : [[name, q[i]]])));
    out.write(`${JSON.stringify({ table: table === 0 ? "telemetry" : "track", mono: monoMs, c, q: marks })}\n`);
  }
  for (const note of notes) out.write(`${JSON.stringify(note)}\n`);
}

const seconds = (ms: number) => (ms / 1000).toFixed(1);

function summary(r: Replayed, tookMs: number): string[] {
  const spanMs = r.toMs - r.fromMs;
  const [telemetry, track] = [0, 1].map((table) => r.rows.filter((row) => row.table === table).length);
  const events = eventsOf(r);
  return [
    `Recorded by ${r.head.unit} on ${r.head.machine}, ${r.head.software}, configuration ${r.head.config}`,
    `${seconds(spanMs)} s in ${seconds(tookMs)} s, ${Math.round(spanMs / Math.max(1, tookMs))} times real time: ${telemetry} rows, ${track} fixes, ${events.length} events`,
    ...(r.unread === 0 ? [] : [`${r.unread} bytes at the end could not be read: the recording was cut there`]),
    ...(r.notRecorded.length === 0 ? [] : [`not in the recording, so without samples: ${r.notRecorded.join(", ")}`]),
    ...(r.notConfigured.length === 0
      ? []
      : [`in the recording, not in this configuration: ${r.notConfigured.join(", ")}`]),
    "",
    "Columns (rows with a value; least, mean, greatest)",
    ...r.columns.flatMap((names, table) => names.map((name, i) => columnLine(r, table, name, i))),
    "",
    "Events",
    ...(events.length === 0 ? ["  none"] : events.map((event) => eventLine(event, r.fromMs))),
  ];
}

function columnLine({ rows }: Replayed, table: number, name: string, i: number): string {
  let [n, all, sum, least, greatest] = [0, 0, 0, Infinity, -Infinity];
  for (const row of rows) {
    if (row.table !== table) continue;
    all++;
    const v = row.values[i]!;
    if (Number.isNaN(v)) continue;
    n++;
    sum += v;
    least = Math.min(least, v);
    greatest = Math.max(greatest, v);
  }
  const figures = n === 0 ? "no value" : `${short(least)}, ${short(sum / n)}, ${short(greatest)}`;
  return `  ${name.padEnd(24)} ${`${n} of ${all}`.padStart(14)}   ${figures}`;
}
