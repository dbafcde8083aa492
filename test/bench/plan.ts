import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { SAMPLER_NODE_FLAGS } from "../../src/link/sampler-node.ts";
import { lacking } from "../rigs/i2c-user/child-run.ts";
import { CAN_FRAMES_HZ, planConfig } from "./plan-config.ts";
import { servePlanI2c } from "./plan-machine.ts";
import type { Result } from "./result.ts";

interface Found {
  readonly cpuShare: number;
  readonly twinShare: number;
  readonly rssMb: number;
  /** What the regular I2C parts gave in the time measured, and what they owed. */
  readonly samples: number;
  readonly owed: number;
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

const SHORT_S = 5;
const LONG_S = 600;

/** What is run, each in a process of its own, one after the other so that none disturbs another. */
const FORMS = [
  { name: "memory twins", capture: false, bus: "memory" },
  { name: "user-land /dev/i2c", capture: false, bus: "user-land" },
  { name: "twins, captures", capture: true, bus: "memory" },
] as const;

/**
 * The sampler with the full plan, in real time: over memory twins, over the genuine I2C addon on a `/dev/i2c-N` in user land whose
 * twins are in another process, and over memory twins with one capture after another. Ten minutes each, 5 s with `--short`, `--seconds=N` as long as
 * that; `--bus=memory` and `--bus=user-land` leave the others out. Memory twins run in the sampler's process: their own steps are told and are part of the CPU figure.
 */
export async function run(flags: readonly string[] = []): Promise<Result> {
  const asked = Number(flags.find((f) => f.startsWith("--seconds="))?.slice(10) ?? LONG_S);
  const seconds = flags.includes("--short") ? SHORT_S : asked;
  const wanted = flags.find((f) => f.startsWith("--bus="))?.slice(6);
  const folder = mkdtempSync(join(tmpdir(), "swath-bench-plan-"));
  const figures: Record<string, number> = {};
  console.log(
    `full plan, ${seconds} s each: shock 800 Hz, armed shock, IMU 104 Hz, 4 ADC channels, supply, port expander 50 Hz, GNSS 5 Hz, J1939 ${CAN_FRAMES_HZ} frames/s; load average ${loadavg()[0]!.toFixed(1)}`,
  );
  console.log("goals: CPU < 15 % of a core, RSS < 110 MB, nothing lost, longest collection 2 ms\n");
  console.log(row(HEADS));
  try {
    for (const { name, capture, bus } of FORMS) {
      if (wanted !== undefined && wanted !== bus) continue;
      const file = join(folder, `plan-${capture}.yaml`);
      writeFileSync(file, planConfig({ demoFile: relative(folder, join(repository(), "config/demo.yaml")), capture }));
      const lack = bus === "user-land" ? lacking() : "";
      if (lack === "") tell(name, await measure(file, seconds, bus), figures);
      else console.log(`${name.padEnd(NAME_WIDTH)}  not measured: ${lack}`);
    }
    return { name: "plan", figures };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(file: string, seconds: number, bus: string): Promise<Found> {
  const hardware = bus === "user-land" ? await servePlanI2c(file) : undefined;
  try {
    const env = { ...process.env, ...hardware?.env };
    const child = fork(join(import.meta.dirname, "plan-worker.js"), [file, String(seconds), bus], {
      env,
      execArgv: [...SAMPLER_NODE_FLAGS],
    });
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`the sampler ended with ${code} before it told its figures`);
    });
    const [found] = (await Promise.race([once(child, "message"), ended])) as [Found];
    ended.catch(() => undefined);
    return found;
  } finally {
    await hardware?.stop();
  }
}

const NAME_WIDTH = 18;
const HEADS = [
  "",
  "CPU %",
  "twins %",
  "RSS MB",
  "samples",
  "of",
  "overruns",
  "frames lost",
  "late p50",
  "p99",
  "max ms",
  "collection ms",
];

function row(cells: readonly string[]): string {
  return cells
    .map((cell, i) => (i === 0 ? cell.padEnd(NAME_WIDTH) : cell.padStart(Math.max(HEADS[i]!.length, 7))))
    .join("  ");
}

function tell(name: string, f: Found, figures: Record<string, number>): void {
  const cells = [100 * f.cpuShare, 100 * f.twinShare].map((x) => x.toFixed(1));
  const counts = [f.rssMb, f.samples, f.owed, f.overruns, f.framesLost].map((x) => x.toFixed(0));
  const times = [f.p50Ms, f.p99Ms, f.maxMs, f.longestGcMs].map((x) => x.toFixed(2));
  console.log(row([name, ...cells, ...counts, ...times]));
  const astray = Object.entries(f.states).filter(([, state]) => state !== "running");
  if (astray.length > 0) console.log(`  not running: ${JSON.stringify(astray)}`);
  if (f.captures > 0)
    console.log(
      `  ${f.captures} captures, out of the loop ${f.captureP50Ms.toFixed(0)} ms after their last sample, at most ${f.captureMaxMs.toFixed(0)}`,
    );
  for (const key of [
    "cpuShare",
    "rssMb",
    "samples",
    "owed",
    "overruns",
    "framesLost",
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
