import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { pino } from "pino";
import { catalogue } from "../../devices/index.ts";
import { systemClock } from "../bus/clock.ts";
import { serviceManager } from "../bus/service-manager.ts";
import { loadConfig } from "../config/load.ts";
import { isSwathError } from "../model/errors.ts";
import { STOP_LIMIT_MS } from "../model/power.ts";
import { createDeliverySign } from "../unit/delivery-sign.ts";
import { readBootId } from "../unit/host-readings.ts";
import { createRecentLines } from "../unit/recent-lines.ts";
import { runSlotted, type TrialTimes } from "../unit/slotted.ts";
import { createStick } from "../unit/stick.ts";
import { startUnit, type Unit } from "../unit/unit.ts";
import { EXIT_CONFIG, EXIT_TEMPFAIL, EXIT_USAGE } from "./exit-codes.ts";
import { readKeys } from "./keys.ts";
import { softwareVersion } from "./version.ts";

/** Warnings and errors kept for a report. */
const LINES_KEPT = 60;

const USAGE =
  "usage: swath run --config FILE\n       swath run --slots DIR --keys DIR [--inbox DIR] [--outbox DIR] [--run-dir DIR]\n";

/**
 * `swath run --config FILE`: runs the unit until SIGTERM or SIGINT. Returns 78 for a configuration that cannot be used, 75
 * when another unit runs on the spool, and otherwise only when it has stopped. `swath run --slots DIR --keys DIR`: runs the
 * signed configuration of the active slot, takes new ones from the inbox (default: `inbox` in DIR), tries each and goes back
 * by itself. What a stick asks for in the inbox is put into the outbox (default: `outbox` in DIR). With `--run-dir DIR` it starts no sampler: one that systemd runs finds configuration and socket there.
 */
export async function run(args: readonly string[], out: { write(text: string): unknown }): Promise<number> {
  let values: {
    config?: string;
    slots?: string;
    keys?: string;
    inbox?: string;
    outbox?: string;
    "run-dir"?: string;
    "trial-s"?: string;
  };
  try {
    ({ values } = parseArgs({ args: [...args], options: OPTIONS }));
  } catch (e) {
    out.write(`${e instanceof Error ? e.message : String(e)}\n${USAGE}`);
    return EXIT_USAGE;
  }
  const { config: file, slots, keys } = values;
  if ((file === undefined) === (slots === undefined) || (slots === undefined) !== (keys === undefined)) {
    out.write(USAGE);
    return EXIT_USAGE;
  }
  // A stop that is asked for while the unit starts must be as orderly as any other.
  const asked = new Promise<void>((done) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => done());
  });
  const level = process.env["SWATH_LOG"] ?? "info";
  const recent = createRecentLines(LINES_KEPT);
  const streams = [
    { level, stream: pino.destination(1) },
    { level: "warn", stream: recent },
  ];
  const log = pino({ name: "swath", base: null, level }, pino.multistream(streams));
  const common = {
    software: softwareVersion(),
    samplerEntry: join(import.meta.dirname, "..", "sampler", "main.js"),
    log,
  };
  // A planned stop that hangs is cut off.
  void asked.then(() => setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref());
  if (slots !== undefined && keys !== undefined) {
    const known = readKeys(keys);
    const manager = serviceManager();
    const runDir = values["run-dir"];
    const away = { manager, ...(runDir === undefined ? {} : { runDir }) };
    manager.ready();
    if (known.length === 0) log.error({ keys }, "there is no public key here; no configuration will be believed");
    const inbox = values.inbox ?? join(slots, "inbox");
    const outbox = values.outbox ?? join(slots, "outbox");
    const nowMs = () => systemClock.monoMs();
    const sign = createDeliverySign(nowMs);
    const stick = createStick({ inbox, outbox, software: common.software, lines: recent.lines, log, nowMs, sign });
    // A stick is not taken out because its bundle has been accepted while its records are still being written.
    const delivery = () => (stick.state()?.state === "reading" ? "reading" : sign.now());
    await runSlotted({
      dir: slots,
      inbox,
      stick,
      sign,
      keys: known,
      catalogue,
      boot: readBootId(randomUUID),
      log,
      asked,
      rehearsalEntry: join(import.meta.dirname, "..", "unit", "rehearsal-main.js"),
      ...away,
      ...trialTimes(values["trial-s"]),
      start: (config, bundle, applyConfig) =>
        startUnit({ ...common, ...away, config, bundle, applyConfig, stick: stick.state, delivery }),
    });
    return 0;
  }
  let unit: Unit;
  try {
    unit = await startUnit({ ...common, config: loadConfig(file ?? "", { catalogue }) });
  } catch (e) {
    if (!isSwathError(e, "config") && !isSwathError(e, "spool")) throw e;
    out.write(`${e.message}\n`);
    return isSwathError(e, "config") ? EXIT_CONFIG : EXIT_TEMPFAIL;
  }
  await asked;
  try {
    await unit.stop();
  } catch (e) {
    log.error({ err: e }, "the stop was not orderly");
  }
  return 0;
}

const OPTIONS = {
  config: { type: "string", short: "c" },
  slots: { type: "string" },
  keys: { type: "string" },
  inbox: { type: "string" },
  outbox: { type: "string" },
  "run-dir": { type: "string" },
  "trial-s": { type: "string" },
} as const;

/** `--trial-s 60`: all must be well for so many seconds, within five times as many, and a minute at least. */
function trialTimes(text: string | undefined): { times?: TrialTimes } {
  const s = Number(text);
  return text === undefined || !(s > 0) ? {} : { times: { holdMs: s * 1000, limitMs: Math.max(60_000, s * 5000) } };
}
