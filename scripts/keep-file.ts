import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * When the script at `url` is what was started: writes the generated file, or with `--check` fails when the one that is
 * there differs. Paths are relative to the folder of the project, where npm starts scripts.
 */
export function keepFile(url: string, file: string, make: () => string): void {
  if (process.argv[1] !== fileURLToPath(url)) return;
  const wanted = make();
  if (!process.argv.includes("--check")) {
    writeFileSync(file, wanted);
    process.stdout.write(`${file} written\n`);
  } else if (readText(file) !== wanted) {
    process.stderr.write(`${file} is not what its source says: run npm run docs\n`);
    process.exitCode = 1;
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
