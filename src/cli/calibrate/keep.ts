import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { catalogue } from "../../../devices/index.ts";
import { diffConfigs, explainDiff } from "../../config/diff.ts";
import { loadConfig } from "../../config/load.ts";
import type { LoadedConfig } from "../../config/loaded.ts";
import { mergeCalibration, type NewCalibration } from "../../config/merge-calibration.ts";
import { isSwathError } from "../../model/errors.ts";
import type { Dialogue } from "./dialogue.ts";

/**
 * Shows what would change on the machine, asks, and puts the new unit file in place of the old one whole, with its rights and
 * owner. Returns whether it did. Throws a `config` error, with nothing written, when the new file would not be right; errors
 * of the file system as they come, with nothing written either.
 */
export async function keepCalibration(
  dialogue: Dialogue,
  config: LoadedConfig,
  added: NewCalibration,
): Promise<boolean> {
  // A link stays a link: what it points to is replaced.
  const path = realpathSync(config.file);
  const before = readFileSync(path, "utf8");
  // Beside the file it will be, because what it extends is looked for from there.
  const next = join(dirname(path), `.${basename(path)}.${process.pid}.new`);
  try {
    writeWhole(next, mergeCalibration(before, added), statSync(path));
    const changes = diffConfigs(asItIs(config), loadConfig(next, { catalogue }));
    dialogue.say(["", `What would change in ${path}:`, ...explainDiff(changes), ""].join("\n"));
    for (;;) {
      const answer = (await dialogue.ask("Write it? yes or no: ")).toLowerCase();
      if (answer === "no" || answer === "n") return false;
      if (answer === "yes" || answer === "y") break;
    }
    // Somebody may have edited it meanwhile.
    if (readFileSync(path, "utf8") !== before) {
      dialogue.say(`${path} was changed meanwhile.`);
      return false;
    }
    renameSync(next, path);
    syncFolder(dirname(path));
    return true;
  } finally {
    rmSync(next, { force: true });
  }
}

/** The old file with its old calibrations; without the one about to be replaced where that does not fit any more. */
function asItIs(without: LoadedConfig): LoadedConfig {
  try {
    return loadConfig(without.file, { catalogue });
  } catch (e) {
    if (isSwathError(e, "config")) return without;
    throw e;
  }
}

function writeWhole(path: string, text: string, { mode, uid, gid }: Stats): void {
  const file = openSync(path, "wx", 0o600);
  try {
    const bytes = Buffer.from(text);
    for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
    // The service must be able to read it as before.
    fchownSync(file, uid, gid);
    fchmodSync(file, mode & 0o777);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
