import { parseArgs } from "node:util";
import { modelCuts, unharmed } from "../test/rigs/power-cuts.ts";

/** Cuts power at the spool, on a model file system: `node dist/scripts/powercut.js --cuts 1000000 --seed 1`. */
const { values } = parseArgs({
  options: {
    cuts: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
    "without-sync": { type: "boolean", default: false },
  },
});

const startedMs = performance.now();
const figures = await modelCuts({
  cuts: Number(values.cuts),
  seed: Number(values.seed),
  syncIgnored: values["without-sync"],
});
const seconds = (performance.now() - startedMs) / 1000;
console.log(
  JSON.stringify(
    { ...figures, seconds: Math.round(seconds), cutsPerSecond: Math.round(figures.cuts / seconds) },
    null,
    1,
  ),
);
process.exitCode = unharmed(figures) ? 0 : 1;
