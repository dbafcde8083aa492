import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { adxl375 } from "../../devices/adxl375.ts";
import { systemClock } from "../../src/bus/clock.ts";
import { createMemoryI2c } from "../../src/bus/memory-i2c.ts";
import { createTwin } from "../../src/device/twin.ts";
import { createSupervisor } from "../../src/unit/supervisor.ts";
import { type BrokerEar, listenAt } from "./broker-ear.ts";
import { type I2cUser, startI2cUser } from "./i2c-user/rig.ts";
import { startMosquitto } from "./mosquitto.ts";
import { launch, type UnitRig, until } from "./unit.ts";

/** How a sampler is made to hang: it turns in a circle, a transfer on its bus does not come back, it is stopped. */
export const HANGS = ["busy loop", "blocked I2C call", "SIGSTOP"] as const;
export type Hang = (typeof HANGS)[number];

/** One hang that was injected. */
export interface HangRound {
  readonly hang: Hang;
  /** From the hang until another sampler was started, in ms. */
  readonly restartMs: number;
  /** From the hang until the broker had the next birth, with a sampler that runs, in ms. */
  readonly birthMs: number;
  /** What that birth said of the cause. */
  readonly cause: string;
  readonly words: string;
}

const ADDRESS = 0x1d;
const PATIENCE_MS = 240_000;

/**
 * Runs `units` units beside each other, real processes on the genuine I2C addon, and makes their samplers hang `rounds` times in
 * all. Every round waits for the next birth of that unit with a sampler that runs again. Needs gcc.
 */
export async function runHangs(rounds: number, units: number): Promise<HangRound[]> {
  const dir = mkdtempSync(join(tmpdir(), "swath-hangs-"));
  const broker = await startMosquitto();
  const out: HangRound[] = [];
  let next = 0;

  async function one(n: number): Promise<void> {
    const bus = createMemoryI2c({ name: `hardware-${n}` });
    const options = adxl375.options.parse({ odrHz: 100 });
    bus.attach(ADDRESS, createTwin({ device: adxl375, address: ADDRESS, options, clock: systemClock, value: () => 1 }));
    const user = await startI2cUser({ 1: bus });
    const ear = await listenAt(broker.port, `unit-${n}`);
    const unit = startUnit(join(dir, `unit-${n}`), n, broker.port, user);
    try {
      await unit.until("a sampler that runs", () => runs(ear), PATIENCE_MS);
      while (next < rounds) out.push(await hangOnce(HANGS[next++ % HANGS.length]!, unit, ear, user));
    } finally {
      await unit.stop();
      await ear.close();
      await user.stop();
    }
  }

  try {
    await Promise.all(Array.from({ length: Math.min(units, rounds) }, (_, n) => one(n)));
  } finally {
    await broker.stop();
    rmSync(dir, { recursive: true, force: true });
  }
  return out;
}

const runs = ({ state }: BrokerEar) => state?.state === "online" && state.sampler === "running";

function startUnit(home: string, n: number, brokerPort: number, user: I2cUser): UnitRig {
  mkdirSync(home);
  const config = {
    org: "test",
    unit: `unit-${n}`,
    machine: `machine-${n}`,
    broker: { url: `mqtt://127.0.0.1:${brokerPort}` },
    spool: { dir: join(home, "spool"), maxMb: 16 },
    buses: { i2c1: { kind: "i2c", device: 1, clockHz: 400000 } },
    parts: { shock: { part: "adxl375", bus: "i2c1", address: ADDRESS, options: { mode: "stream", odrHz: 100 } } },
    channels: { shock_x: { from: "shock.shockX", label: "Shock", stats: ["mean"] } },
    rows: { everyMs: 1000, batch: 10 },
  };
  writeFileSync(join(home, "unit.yaml"), JSON.stringify(config));
  const preload = resolve(import.meta.dirname.replace(/\/dist\//, "/"), "hang-on-signal.mjs");
  return launch(["run", "--config", join(home, "unit.yaml")], { ...user.env, NODE_OPTIONS: `--import=${preload}` });
}

async function hangOnce(hang: Hang, unit: UnitRig, ear: BrokerEar, user: I2cUser): Promise<HangRound> {
  const pid = unit.samplerPid;
  const heard = ear.states.length;
  // No answer comes in this round.
  if (hang === "blocked I2C call") user.slow(ADDRESS, 2 ** 31 - 1);
  const beganMs = performance.now();
  process.kill(pid, { "busy loop": "SIGUSR2", "blocked I2C call": "SIGWINCH", SIGSTOP: "SIGSTOP" }[hang]);
  await unit.until(`a sampler in place of the one with a ${hang}`, () => unit.samplerPid !== pid, PATIENCE_MS);
  const restartedMs = performance.now();
  user.slow(ADDRESS, 0);
  // Until the new sampler has said who it is, `state` says that it restarts.
  const isBirth = ({ atMs, body }: BrokerEar["states"][number]) =>
    atMs > restartedMs && body.sampler === "running" && body.samplerEnd !== undefined;
  const birth = await unit.until("the next birth", () => ear.states.slice(heard).find(isBirth), PATIENCE_MS);
  const { cause, words } = birth.body.samplerEnd!;
  return { hang, restartMs: restartedMs - beganMs, birthMs: birth.atMs - beganMs, cause, words };
}

/** The negative control: a supervisor that a timer feeds instead of the sampler's progress. Returns whether a stopped process was let be for `forMs`. */
export async function hangStays(forMs: number): Promise<boolean> {
  let ends = 0;
  const pids: number[] = [];
  const supervisor = createSupervisor({
    command: process.execPath,
    args: ["-e", "process.stdin.resume()"],
    clock: systemClock,
    listener: { started: (pid) => pids.push(pid), ended: () => ends++ },
  });
  supervisor.start();
  const feed = setInterval(() => supervisor.alive(), 1000);
  process.kill(pids[0]!, "SIGSTOP");
  const endMs = performance.now() + forMs;
  await until("the end of the control", () => performance.now() > endMs, forMs * 2);
  clearInterval(feed);
  const stayed = ends === 0;
  await supervisor.stop(100);
  return stayed;
}
