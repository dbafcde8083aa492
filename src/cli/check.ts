import { catalogue } from "../../devices/index.ts";
import { explainConfig } from "../config/explain.ts";
import { loadConfig } from "../config/load.ts";
import { isSwathError } from "../model/errors.ts";

/** Exit code of a configuration that cannot be used (EX_CONFIG of sysexits.h). */
const EXIT_CONFIG = 78;
/** Exit code of a command line that cannot be understood (EX_USAGE). */
const EXIT_USAGE = 64;

/**
 * `swath check FILE`: says in plain words what a unit file means once merged with the profiles it extends, and returns 0;
 * or lists everything that is wrong with it, and returns 78.
 */
export async function check(args: readonly string[], out: { write(text: string): unknown }): Promise<number> {
  const [file, ...more] = args;
  if (file === undefined || file.startsWith("-") || more.length > 0) {
    out.write("usage: swath check FILE\n");
    return EXIT_USAGE;
  }
  try {
    const loaded = loadConfig(file, { catalogue });
    out.write(`${[`${file} is right.`, "", ...explainConfig(loaded)].join("\n")}\n`);
    return 0;
  } catch (e) {
    if (!isSwathError(e, "config")) throw e;
    const lines = e.message.split("\n");
    out.write(`${e.message}\n\n${lines.length} ${lines.length === 1 ? "problem" : "problems"}; nothing was started.\n`);
    return EXIT_CONFIG;
  }
}
