import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { mosquittoPath, startMosquitto } from "../rigs/mosquitto.ts";
import { until } from "../rigs/unit.ts";
import { heardIn, judge, quantile, type Verdict } from "./e2e-check.ts";
import { familyOf, pssMb, takeCost } from "./e2e-cost.ts";
import { compile, cPeer, naivePeer, nodeRedPeer, type Peer, pythonPeer, swathPeer } from "./e2e-peers.ts";
import { type Measured, tellTable } from "./e2e-table.ts";
import type { Result } from "./result.ts";

/** One round of one peer: settle, measure, wait for the tail. */
interface Span {
  readonly rounds: number;
  readonly settleMs: number;
  readonly windowMs: number;
  readonly batch: number;
}

const LONG: Span = { rounds: 2, settleMs: 4000, windowMs: 25_000, batch: 10 };
const SHORT: Span = { rounds: 1, settleMs: 4000, windowMs: 5000, batch: 5 };
const START_MS = 60_000;

/**
 * The whole way of the bytes: a receiver at 10 Hz and a channel of 1000 lines a second over ptys, filtered, to a real
 * Mosquitto, beside other ways to do the same. Fails when a position is lost or wrong, never for a time. `--short` for the
 * gate; `--node-red` installs Node-RED for the occasion, `--node-red=FOLDER` keeps it there; `--only=NAME` runs one peer;
 * `--profile=FOLDER` has Node write CPU profiles of Swath's processes.
 */
export async function run(flags: readonly string[] = []): Promise<Result> {
  const given = (flag: string) => flags.find((f) => f.startsWith(`${flag}=`))?.slice(flag.length + 1);
  const span = flags.includes("--short") ? SHORT : LONG;
  const folder = mkdtempSync(join(tmpdir(), "swath-e2e-"));
  try {
    const feeder = compile("e2e-feeder", folder, []);
    if (feeder === undefined || mosquittoPath() === undefined) {
      console.log("the end-to-end bench needs a C compiler and mosquitto: nothing is measured");
      return { name: "e2e", figures: {} };
    }
    const c = cPeer(folder);
    const sub = c && compile("e2e-subscriber", folder, ["-lmosquitto"]);
    const subscriber = sub === undefined ? [process.execPath, join(import.meta.dirname, "peers/subscriber.js")] : [sub];
    const wantsNodeRed = flags.some((f) => f.startsWith("--node-red"));
    const all = [
      c,
      swathPeer(span.batch),
      naivePeer,
      pythonPeer(),
      wantsNodeRed ? nodeRedPeer(given("--node-red") ?? join(folder, "node-red-install")) : undefined,
    ];
    const peers = all.filter((p) => p !== undefined).filter((p) => p.name.startsWith(given("--only") ?? ""));
    const profile = given("--profile");
    const rounds: Measured[] = [];
    for (let round = 0; round < span.rounds; round++) {
      for (const peer of peers) {
        const dir = join(folder, `${round}-${peers.indexOf(peer)}`);
        mkdirSync(dir);
        const ours = peer.name === "Swath";
        const env = ours && profile !== undefined ? profiled(resolve(profile)) : {};
        try {
          rounds.push(await measure({ peer, feeder, subscriber, span, dir, env }));
        } catch (e) {
          if (ours) throw e;
          console.log(`${peer.name} is left out of round ${round + 1}: ${(e as Error).message}`);
        }
      }
    }
    const figures = tellTable(rounds);
    if (rounds.some((r) => isBad(r.verdict))) process.exitCode = 1;
    return { name: "e2e", figures };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Node 20 takes no `--cpu-prof` from the environment, which is the only way to the sampler. */
function profiled(folder: string): NodeJS.ProcessEnv {
  return {
    NODE_OPTIONS: `--import ${join(import.meta.dirname, "peers/profile.js")}`,
    BENCH_PROFILE: folder,
  };
}

function isBad({ lost, wrong, fixes, seconds }: Verdict): boolean {
  return lost > 0 || wrong.length > 0 || fixes === 0 || seconds === 0;
}

interface Child {
  readonly process: ChildProcess;
  readonly output: () => string;
  ended(): boolean;
  /** Waits for the word. */
  ready(): Promise<void>;
  end(): Promise<void>;
}

function launch(command: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  let output = "";
  const take = (chunk: Buffer) => {
    output = (output + chunk).slice(-20_000);
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  const exit = new Promise<void>((done) => child.once("exit", () => done()));
  const ended = () => child.exitCode !== null || child.signalCode !== null;
  return {
    process: child,
    output: () => output,
    ended,
    async ready() {
      const check = () => ended() || output.includes("ready");
      await until(`${program} to be ready`, check, START_MS, () => output);
      if (ended()) throw new Error(`${program} ended:\n${output}`);
    },
    async end() {
      if (ended()) return;
      child.kill("SIGTERM");
      const insist = setTimeout(() => child.kill("SIGKILL"), 5000);
      await exit;
      clearTimeout(insist);
    },
  };
}

const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

async function measure(of: {
  readonly peer: Peer;
  readonly feeder: string;
  readonly subscriber: readonly string[];
  readonly span: Span;
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
}): Promise<Measured> {
  const { peer, span, dir } = of;
  const [linePath, gnssPath, feedLog, heardLog] = ["line", "gnss", "fed", "heard"].map((n) => join(dir, n)) as [
    string,
    string,
    string,
    string,
  ];
  // A broker that wrote a line for every message would cost more than it costs to be one.
  const broker = await startMosquitto(["allow_anonymous true", "log_type none", "set_tcp_nodelay true"]);
  const children: Child[] = [];
  const start = (command: readonly string[], env?: NodeJS.ProcessEnv) => {
    const child = launch(command, env);
    children.unshift(child);
    return child;
  };
  try {
    const subscriber = start([...of.subscriber, String(broker.port), heardLog]);
    await subscriber.ready();
    const feeder = start([of.feeder, linePath, gnssPath, String(Math.floor(Date.now() / 1000)), feedLog]);
    await feeder.ready();
    const command = await peer.command({ linePath, gnssPath, port: broker.port, dir });
    const startedMs = performance.now();
    const running = start(command, of.env);
    const check = () => {
      if (running.ended()) throw new Error(`${peer.name} ended before its first position:\n${running.output()}`);
      return subscriber.output().includes("fix");
    };
    await until(`a position from ${peer.name}`, check, START_MS, running.output);
    const startS = (performance.now() - startedMs) / 1000;
    await sleep(span.settleMs);
    const pids = familyOf(running.process.pid ?? 0);
    const before = takeCost(pids);
    await sleep(span.windowMs);
    const after = takeCost(pids);
    const pss = pssMb(pids);
    await sleep(200);
    await feeder.end();
    const window = { fromNs: before.ns, toNs: after.ns };
    const look = () => judge({ feedLog, heard: heardIn(heardLog), ...window, first: peer.first, kept: peer.kept });
    const endMs = performance.now() + peer.tailMs;
    let verdict = look();
    while ((verdict.lost > 0 || verdict.seconds === 0) && performance.now() < endMs) {
      await sleep(250);
      verdict = look();
    }
    const minutes = (after.ns - before.ns) / 6e10;
    const cpu = pids.map((pid) => ((after.cpu.get(pid) ?? 0) - (before.cpu.get(pid) ?? 0)) / 1e9 / minutes);
    return {
      peer: peer.name,
      cpuSPerMin: cpu.reduce((sum, s) => sum + s, 0),
      cpuByProcess: cpu,
      pssMb: pss,
      startS,
      switchesPerS: (after.switches - before.switches) / minutes / 60,
      p50Ms: quantile(verdict.latencyMs, 0.5),
      p99Ms: quantile(verdict.latencyMs, 0.99),
      verdict,
    };
  } finally {
    for (const child of children) await child.end();
    await broker.stop();
  }
}
