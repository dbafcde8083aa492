import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { modelCuts, unharmed } from "../test/rigs/power-cuts.ts";
import { FILE_KINDS, killCuts, loopCuts, realUnharmed, writeForEver } from "../test/rigs/real-cuts.ts";

/**
 * Cuts power at the spool and prints what came of it. Long form:
 *   node dist/scripts/powercut.js --cuts 1000000 --seed 1        a model file system, cut at its operations; only states that differ count
 *   node dist/scripts/powercut.js --kill --cuts 10000            kill -9 of a process that writes five spools, real files
 *   sudo node dist/scripts/powercut.js --ext4 --cuts 10000       ext4 on a loop device, copied while it is written
 * Negative controls, with which records must be lost: `--without-sync` for the model and ext4, `--late-writes` for kill -9.
 */
const { values } = parseArgs({
  options: {
    cuts: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
    kill: { type: "boolean", default: false },
    ext4: { type: "boolean", default: false },
    "without-sync": { type: "boolean", default: false },
    "late-writes": { type: "boolean", default: false },
    writer: { type: "string" },
    "first-id": { type: "string", default: "1" },
    spools: { type: "string", default: "1" },
  },
});

const files = FILE_KINDS.find((kind) => kind !== "disk" && values[kind]) ?? "disk";
if (values.writer !== undefined)
  await writeForEver(values.writer, Number(values["first-id"]), files, Number(values.spools));

const script = fileURLToPath(import.meta.url);
const cuts = Number(values.cuts);
const seed = Number(values.seed);
const startedMs = performance.now();
const report = (figures: { cuts: number }, well: boolean): void => {
  const seconds = (performance.now() - startedMs) / 1000;
  const cutsPerSecond = Math.round(figures.cuts / seconds);
  console.log(JSON.stringify({ ...figures, seconds: Math.round(seconds), cutsPerSecond }, null, 1));
  process.exitCode = well ? 0 : 1;
};
if (values.kill) {
  const figures = await killCuts({ cuts, seed, script, files });
  report(figures, realUnharmed(figures));
} else if (values.ext4) {
  const figures = await loopCuts({ cuts, seed, script, files });
  report(figures, realUnharmed(figures));
} else {
  const figures = await modelCuts({ cuts, seed, syncIgnored: files === "without-sync" });
  report(figures, unharmed(figures));
}
