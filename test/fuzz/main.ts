import { parseArgs } from "node:util";
import { DECODERS } from "./decoders.ts";
import { fuzzDecoder } from "./fuzz.ts";

/** `npm run fuzz -- --runs N --seed S [--seconds T] [decoder …]`: N damaged streams for each decoder, or as many as T seconds give; prints what was done and exits 1 at the first fault. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
    seconds: { type: "string", default: "Infinity" },
  },
});
const runs = Number(values.runs);
const seed = Number(values.seed);

console.log(`seed ${seed}`);
for (const decoder of DECODERS) {
  if (positionals.length > 0 && !positionals.includes(decoder.name)) continue;
  const startedMs = performance.now();
  const rssBefore = process.memoryUsage.rss();
  const { inputs, frames, slowestMs } = fuzzDecoder(decoder, seed, runs, Number(values.seconds) * 1000);
  const s = (performance.now() - startedMs) / 1000;
  const grownMb = Math.round((process.memoryUsage.rss() - rssBefore) / 1e5) / 10;
  console.log(
    `${decoder.name.padEnd(14)} ${inputs} inputs, ${frames} frames, ${s.toFixed(1)} s, slowest ${slowestMs.toFixed(1)} ms, memory +${grownMb} MB`,
  );
}
