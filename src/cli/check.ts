import { catalogue } from "../../devices/index.ts";
import { explainConfig } from "../config/explain.ts";
import { loadConfig } from "../config/load.ts";
import { isSwathError } from "../model/errors.ts";
import { EXIT_CONFIG, EXIT_USAGE } from "./exit-codes.ts";

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
    out.write(`${[`${file} is right.`, "", ...explainConfig(loaded, Date.now())].join("\n")}\n`);
    return 0;
  } catch (e) {
    if (!isSwathError(e, "config")) throw e;
    const lines = e.message.split("\n");
    out.write(`${e.message}\n\n${lines.length} ${lines.length === 1 ? "problem" : "problems"}; nothing was started.\n`);
    return EXIT_CONFIG;
  }
}
