import { readFileSync, writeFileSync } from "node:fs";
import { butterworthLowPass } from "../../src/dsp/biquad.ts";
import { createShockChains } from "./filter-chains.ts";
import { AXES, FRAME_BYTES } from "./filter-frames.ts";
import { createNaiveChains } from "./filter-naive.ts";
import { createPackageChains, createRxChains } from "./filter-packages.ts";
import { heapCost } from "./heap-cost.ts";

/** One variant of the chain in a process of its own, driven by messages: `filter-worker VARIANT FRAMES BURST FOLDER`. */
const [variant = "", path = "", burst = "32", folder = ""] = process.argv.slice(2);
const section = butterworthLowPass(2, 100, 800)[0]!;
const BURST = Number(burst);
/** Reported samples end here; the count keeps the work from being left out. */
const reported = { n: 0 };
const count = () => {
  reported.n++;
};

/** Slow variants get fewer frames, so that a round takes about as long for each. */
const share = variant === "swath" ? 1 : 1 / 32;
// A copy: reading gives a view into a pool, and every variant shall find its frames alike.
const all = new Uint8Array(readFileSync(path));
const frames = all.subarray(0, Math.floor((all.length / FRAME_BYTES) * share) * FRAME_BYTES);
const samples = (frames.length / FRAME_BYTES) * AXES;

function make(): { run(frames: Uint8Array): void } {
  if (variant === "naive") return createNaiveChains(section, count);
  if (variant === "packages") return createPackageChains(folder, count);
  if (variant === "rxjs") return createRxChains(folder, section, count);
  const chains = createShockChains(BURST, (_axis, out) => {
    reported.n += out.n;
  });
  return { run: (f) => chains.run(f, BURST) };
}

const chain = make();

/** CPU time a sample, in ns: waiting for a processor others use does not count. */
function pass(): number {
  const before = process.cpuUsage();
  chain.run(frames);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / samples;
}

/** Everything reported of the frames by a fresh chain, six doubles a sample, axis by axis. */
function verify(into: string): void {
  const rows: number[][] = [[], [], []];
  const fresh = createShockChains(BURST, (axis, out) => {
    for (let i = 0; i < out.n; i++) {
      rows[axis]!.push(out.x[i]!, out.lo[i]!, out.hi[i]!, out.mean[i]!, out.ms[i]!, out.used[i]!);
    }
  });
  fresh.run(all, BURST);
  writeFileSync(into, new Uint8Array(Float64Array.from(rows.flat()).buffer));
}

process.on("message", async (message: { do: string; passes?: number; into?: string }) => {
  if (message.do === "passes") process.send!(Array.from({ length: message.passes! }, pass));
  else if (message.do === "heap") process.send!(await heapCost(() => chain.run(frames), samples, message.passes!));
  else if (message.do === "verify") {
    verify(message.into!);
    process.send!("done");
  }
});
