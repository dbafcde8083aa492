import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { CAN_FRAMES_HZ, planConfig } from "./plan-config.ts";
import type { Result } from "./result.ts";

interface Found {
  readonly cpuShare: number;
  readonly twinShare: number;
  readonly rssMb: number;
  readonly samples: number;
  readonly overruns: number;
  readonly framesLost: number;
  readonly states: Readonly<Record<string, string>>;
  readonly counters: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly longestGcMs: number;
  readonly collections: number;
  readonly captures: number;
  readonly captureP50Ms: number;
  readonly captureMaxMs: number;
}

const SHORT_S = 10;
const LONG_S = 600;

/**
 * The sampler with the full plan over memory twins, in real time: first without captures, then with one after another. Ten
 * minutes each, 10 s with `--short`, `--seconds=N` as long as that. The twins run in the same process; their share is told and is part of the CPU figure.
 */
export async function run(flags: readonly string[] = []): Promise<Result> {
  const asked = Number(flags.find((f) => f.startsWith("--seconds="))?.slice(10) ?? LONG_S);
  const seconds = flags.includes("--short") ? SHORT_S : asked;
  const folder = mkdtempSync(join(tmpdir(), "swath-bench-plan-"));
  const figures: Record<string, number> = {};
  console.log(
    `full plan, ${seconds} s each: shock 800 Hz, armed shock, IMU 104 Hz, 4 ADC channels, supply, port expander 50 Hz, GNSS 5 Hz, J1939 ${CAN_FRAMES_HZ} frames/s; load average ${loadavg()[0]!.toFixed(1)}`,
  );
  try {
    for (const capture of [false, true]) {
      const file = join(folder, `plan-${capture}.yaml`);
      writeFileSync(file, planConfig({ demoFile: relative(folder, join(repository(), "config/demo.yaml")), capture }));
      const child = fork(join(import.meta.dirname, "plan-worker.js"), [file, String(seconds)]);
      const ended = once(child, "exit").then(([code]) => {
        throw new Error(`the sampler ended with ${code} before it told its figures`);
      });
      const [found] = (await Promise.race([once(child, "message"), ended])) as [Found];
      ended.catch(() => undefined);
      tell(capture ? "with captures" : "without captures", found, figures);
    }
    return { name: "plan", figures };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tell(name: string, f: Found, figures: Record<string, number>): void {
  const ms = (v: number) => v.toFixed(2);
  const astray = Object.entries(f.states).filter(([, state]) => state !== "running");
  console.log(`${name}`);
  console.log(
    `  CPU        ${(100 * f.cpuShare).toFixed(1)} % of a core, of it the twins' own steps ${(100 * f.twinShare).toFixed(1)} % (goal < 15 %)`,
  );
  console.log(`  RSS        ${f.rssMb.toFixed(0)} MB (goal < 110)`);
  console.log(
    `  samples    ${f.samples}, FIFO overruns ${f.overruns} (goal 0); frames lost ${f.framesLost}${astray.length === 0 ? "" : `; not running: ${JSON.stringify(astray)}`}`,
  );
  console.log(`  lateness   p50 ${ms(f.p50Ms)}, p99 ${ms(f.p99Ms)}, max ${ms(f.maxMs)} ms`);
  console.log(`  collection longest ${ms(f.longestGcMs)} ms of ${f.collections} (goal 2)`);
  if (f.captures > 0)
    console.log(
      `  captures   ${f.captures}, out of the loop ${ms(f.captureP50Ms)} ms after their last sample, at most ${ms(f.captureMaxMs)}`,
    );
  for (const key of [
    "cpuShare",
    "rssMb",
    "overruns",
    "p50Ms",
    "p99Ms",
    "maxMs",
    "longestGcMs",
    "captureMaxMs",
  ] as const)
    if (Number.isFinite(f[key])) figures[`${name} ${key}`] = f[key];
  if (process.env["PLAN_COUNTERS"] !== undefined) console.log(JSON.stringify(f.counters));
}

function repository(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
}
