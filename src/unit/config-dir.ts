import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bundle } from "../config/bundle.ts";
import { loadFlatIn, loadFlatThere } from "../config/flatten.ts";
import type { LoadedConfig } from "../config/loaded.ts";
import type { Catalogue } from "../device/catalogue.ts";

/** Where the files of the configuration that runs are, for the unit and its sampler. */
export interface ConfigDir {
  /** Loads the configuration from there; throws what is wrong with it. */
  load(files: Bundle["files"], catalogue: Catalogue): LoadedConfig;
  /** The unit ends, or another configuration is to run. */
  close(): void;
}

/**
 * A folder for the files of a bundle. Where systemd runs the sampler it is `config` in `runDir`: the sampler ends when its
 * file is another one, so files that are there already stay as they are, also when the unit ends. A unit that crashed or hung
 * comes back to a sampler that has kept what it measured. Without `runDir` it is a folder of the unit's own.
 */
export function openConfigDir(runDir: string | undefined): ConfigDir {
  if (runDir === undefined) {
    const dir = makeOwn();
    return {
      load: (files, catalogue) => loadFlatIn(dir, files, catalogue),
      close: () => rmSync(dir, { recursive: true, force: true }),
    };
  }
  const dir = join(runDir, "config");
  return {
    load(files, catalogue) {
      if (holds(dir, files)) return loadFlatThere(dir, catalogue);
      rmSync(dir, { recursive: true, force: true });
      mkdirSync(dir, { recursive: true, mode: 0o750 });
      const config = loadFlatIn(dir, files, catalogue);
      chmodSync(dir, 0o750);
      for (const name of readdirSync(dir)) chmodSync(join(dir, name), 0o640);
      return config;
    },
    close: () => undefined,
  };
}

/** Takes away what a sampler under systemd runs: there is no configuration any more. */
export function clearConfigDir(runDir: string | undefined): void {
  if (runDir !== undefined) rmSync(join(runDir, "config"), { recursive: true, force: true });
}

/** Whether a folder holds these files and no other, to the letter, for its group to read. */
function holds(dir: string, files: Bundle["files"]): boolean {
  try {
    const names = readdirSync(dir).sort();
    return (
      names.join("\n") ===
        files
          .map((f) => f.name)
          .sort()
          .join("\n") && files.every(({ name, text }) => readFileSync(join(dir, name), "utf8") === text)
    );
  } catch {
    return false;
  }
}

/** A card that has become read-only must not keep the unit from starting. */
function makeOwn(): string {
  try {
    return mkdtempSync(join(tmpdir(), "swath-config-"));
  } catch {
    return mkdtempSync("/dev/shm/swath-config-");
  }
}
