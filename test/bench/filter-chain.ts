import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { shockFrames } from "./filter-frames.ts";
import { installPackages } from "./filter-packages.ts";
import { runChainSet } from "./filter-set-run.ts";
import type { HeapCost } from "./heap-cost.ts";
import type { Result } from "./result.ts";

const FRAMES = 65_536;
const BURST = 32;
const ROUNDS = 12;
const here = import.meta.dirname;

interface Contender {
  readonly name: string;
  /** ns a sample of `passes` passes. */
  passes(passes: number): Promise<number[]>;
  readonly perRound: number;
  readonly all: number[];
}

/**
 * ns per sample of the default vibration chain (three ADXL375 axes: decode, calibrate, median 5, Butterworth 2nd order,
 * decimate 16 with statistics, deadband) beside the same in C and beside the obvious way. Rounds take turns, each contender
 * in a process of its own. C stands there twice: `C -O3` has values and nothing else; `C full` makes, carries and reports
 * instants and quality words too, as the product does. Then more of the product's chains beside the same in C. `--npm` installs the packages people use for this and measures them too.
 */
export async function run(flags: readonly string[] = []): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "swath-bench-"));
  const path = join(folder, "frames.bin");
  writeFileSync(path, shockFrames(FRAMES));
  const packages = flags.includes("--npm") ? packagesOrNone() : "";
  const workers: ChildProcess[] = [];
  const worker = (variant: string, perRound: number): Contender & { ask: Ask } => {
    const child = fork(join(here, "filter-worker.js"), [variant, path, String(BURST), packages], {
      execArgv: ["--expose-gc"],
    });
    workers.push(child);
    const ask: Ask = async (message) => {
      child.send(message);
      return (await once(child, "message"))[0];
    };
    return {
      name: variant,
      perRound,
      all: [],
      ask,
      passes: (passes) => ask({ do: "passes", passes }) as Promise<number[]>,
    };
  };
  try {
    const c = compile(folder, "chain");
    const swath = worker("swath", 8);
    const others = ["naive", ...(packages === "" ? [] : ["rxjs", "packages"])].map((name) => worker(name, 2));
    const contenders: Contender[] = [swath, ...others];
    if (c !== undefined) {
      contenders.unshift(
        { name: "C -O3", perRound: 16, all: [], passes: async (n) => timeC(c, "time", path, n) },
        { name: "C full", perRound: 16, all: [], passes: async (n) => timeC(c, "time-full", path, n) },
      );
      await compare(c, "verify", path, swath.ask, folder);
      await compare(c, "verify-full", path, swath.ask, folder);
    }
    for (const each of contenders) if (!each.name.startsWith("C ")) await each.passes(each.perRound * 4);
    for (let round = 0; round < ROUNDS; round++) {
      for (const each of contenders) each.all.push(...(await each.passes(each.perRound)));
    }
    const figures: Record<string, number> = {};
    const anchor = contenders[0]!;
    console.log("ns per sample, CPU time; best and median of interleaved rounds");
    for (const each of contenders) {
      const [best, middle] = [quantile(each.all, 0), quantile(each.all, 0.5)];
      figures[`${each.name} ns/sample`] = best;
      const ratio = best / quantile(anchor.all, 0);
      figures[`${each.name} / ${anchor.name}`] = ratio;
      const half = middle / quantile(anchor.all, 0.5);
      const full = contenders.find((other) => other.name === "C full");
      const beside = full === undefined ? "" : `   ${(best / quantile(full.all, 0)).toFixed(2)} × C full`;
      console.log(
        `${each.name.padEnd(10)} ${best.toFixed(2).padStart(9)} ${middle.toFixed(2).padStart(9)}   ${ratio.toFixed(2).padStart(7)} × ${anchor.name} (medians ${half.toFixed(2)} ×)${beside}`,
      );
    }
    console.log("allocation in steady state");
    for (const each of [swath, ...others]) {
      const { bytesPerM, gcPerM, gcMs } = (await each.ask({ do: "heap", passes: 50 })) as HeapCost;
      figures[`${each.name} heap bytes/Msample`] = bytesPerM;
      figures[`${each.name} collections/Msample`] = gcPerM;
      console.log(
        `${each.name.padEnd(10)} ${Math.round(bytesPerM)} bytes, ${gcPerM.toFixed(2)} collections per million samples (${gcMs.toFixed(1)} ms in all)`,
      );
    }
    await runChainSet(compile(folder, "chains"), folder, flags.includes("--short") ? 6 : 30);
    return { name: "filter", figures };
  } finally {
    for (const child of workers) child.kill();
    rmSync(folder, { recursive: true, force: true });
    if (packages !== "") rmSync(packages, { recursive: true, force: true });
  }
}

/** Their folder, or empty, told in a line, where no registry can be reached. */
function packagesOrNone(): string {
  try {
    return installPackages();
  } catch (e) {
    console.log(`no packages to compare with: ${(e as Error).message.split("\n")[0]}`);
    return "";
  }
}

type Ask = (message: object) => Promise<unknown>;

/** The C program built for this machine, or undefined, told in a line, where there is no compiler. */
function compile(folder: string, name: string): string | undefined {
  const program = join(folder, name);
  try {
    execFileSync(process.env["CC"] ?? "cc", [
      "-O3",
      "-o",
      program,
      join(repository(), `test/bench/c/${name}.c`),
      "-lm",
    ]);
    return program;
  } catch (e) {
    console.log(`no C to compare with: ${(e as Error).message.split("\n")[0]}`);
    return undefined;
  }
}

function repository(): string {
  let folder = here;
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
}

function timeC(program: string, how: "time" | "time-full", path: string, passes: number): number[] {
  const out = execFileSync(program, [how, path, String(passes), String(BURST)], { encoding: "utf8" });
  return out.trim().split("\n").map(Number);
}

/** Both report the same samples to 1e-9 of full scale, or the comparison means nothing. */
async function compare(
  program: string,
  how: "verify" | "verify-full",
  path: string,
  ask: Ask,
  folder: string,
): Promise<void> {
  const c = doubles(execFileSync(program, [how, path, String(BURST)], { maxBuffer: 1 << 28 }));
  const into = join(folder, "reported.bin");
  await ask({ do: "verify", into });
  const ours = doubles(readFileSync(into));
  if (ours.length !== c.length) throw new Error(`C reports ${c.length / 6} samples, TypeScript ${ours.length / 6}`);
  let worst = 0;
  for (let i = 0; i < c.length; i++) worst = Math.max(worst, Math.abs(ours[i]! - c[i]!) / Math.max(1, Math.abs(c[i]!)));
  if (!(worst < 1e-9)) throw new Error(`C and TypeScript differ by ${worst}`);
  console.log(
    `C and TypeScript report the same ${c.length / 6} samples of ${3 * FRAMES} (largest difference ${worst.toExponential(1)})`,
  );
}

function doubles(bytes: Uint8Array): Float64Array {
  return new Float64Array(new Uint8Array(bytes).buffer);
}

function quantile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.round(p * (sorted.length - 1))]!;
}
