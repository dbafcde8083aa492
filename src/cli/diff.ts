import { catalogue } from "../../devices/index.ts";
import { diffConfigs, explainDiff } from "../config/diff.ts";
import { loadConfig } from "../config/load.ts";
import { isSwathError } from "../model/errors.ts";
import { EXIT_CONFIG, EXIT_USAGE } from "./exit-codes.ts";

/**
 * `swath diff A B [--json]`: says what would change on the machine if unit file B took the place of A, whatever the files
 * look like. Returns 0 when nothing would, 1 when something would, 78 when one of the files is wrong.
 */
export async function diff(args: readonly string[], out: { write(text: string): unknown }): Promise<number> {
  const json = args.includes("--json");
  const [a, b, ...more] = args.filter((arg) => arg !== "--json");
  if (a === undefined || b === undefined || more.length > 0 || a.startsWith("-") || b.startsWith("-")) {
    out.write("usage: swath diff A B [--json]\n");
    return EXIT_USAGE;
  }
  try {
    const before = loadConfig(a, { catalogue });
    const after = loadConfig(b, { catalogue });
    const changes = diffConfigs(before, after);
    if (json) out.write(`${JSON.stringify({ before: before.hash, after: after.hash, changes }, null, 1)}\n`);
    else out.write(`${[`${a} (${before.hash}) → ${b} (${after.hash})`, "", ...explainDiff(changes)].join("\n")}\n`);
    return changes.length === 0 ? 0 : 1;
  } catch (e) {
    if (!isSwathError(e, "config")) throw e;
    out.write(`${e.message}\n\nnothing was compared.\n`);
    return EXIT_CONFIG;
  }
}
