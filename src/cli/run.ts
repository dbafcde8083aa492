import { join } from "node:path";
import { parseArgs } from "node:util";
import { pino } from "pino";
import { catalogue } from "../../devices/index.ts";
import { loadConfig } from "../config/load.ts";
import { isSwathError } from "../model/errors.ts";
import { startUnit, type Unit } from "../unit/unit.ts";
import { EXIT_CONFIG, EXIT_TEMPFAIL, EXIT_USAGE } from "./exit-codes.ts";
import { softwareVersion } from "./version.ts";

/** A planned stop that hangs is cut off after this. */
const STOP_LIMIT_MS = 3000;

/**
 * `swath run --config FILE`: runs the unit until SIGTERM or SIGINT. Returns 78 for a configuration that cannot be used, 75 when another
 * unit runs on the spool, and
 * otherwise only when it has stopped.
 */
export async function run(args: readonly string[], out: { write(text: string): unknown }): Promise<number> {
  let file: string | undefined;
  try {
    file = parseArgs({ args: [...args], options: { config: { type: "string", short: "c" } } }).values.config;
  } catch (e) {
    out.write(`${e instanceof Error ? e.message : String(e)}\n`);
  }
  if (file === undefined) {
    out.write("usage: swath run --config FILE\n");
    return EXIT_USAGE;
  }
  // A stop that is asked for while the unit starts must be as orderly as any other.
  const asked = new Promise<void>((done) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => done());
  });
  const log = pino({ name: "swath", base: null, level: process.env["SWATH_LOG"] ?? "info" });
  let unit: Unit;
  try {
    unit = await startUnit({
      config: loadConfig(file, { catalogue }),
      software: softwareVersion(),
      samplerEntry: join(import.meta.dirname, "..", "sampler", "main.js"),
      log,
    });
  } catch (e) {
    if (!isSwathError(e, "config") && !isSwathError(e, "spool")) throw e;
    out.write(`${e.message}\n`);
    return isSwathError(e, "config") ? EXIT_CONFIG : EXIT_TEMPFAIL;
  }
  await asked;
  setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
  try {
    await unit.stop();
  } catch (e) {
    log.error({ err: e }, "the stop was not orderly");
  }
  return 0;
}
