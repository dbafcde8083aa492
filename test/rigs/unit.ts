import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** The command as it is built and shipped; this file may itself be compiled into dist/. */
export const SWATH =
  ["../../src/cli/main.js", "../../dist/src/cli/main.js"]
    .map((path) => resolve(import.meta.dirname, path))
    .find(existsSync) ?? resolve(import.meta.dirname, "../../dist/src/cli/main.js");

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** `performance.now()` at that moment. */
  readonly atMs: number;
}

/** The running unit, a real process, as systemd would have it. */
export interface UnitRig {
  readonly pid: number;
  /** All it and its sampler wrote. */
  readonly output: string;
  /** The log lines in it. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  /** The pid of the sampler started last. */
  readonly samplerPid: number;
  readonly ended: Ending | undefined;
  /** Resolves when the process is gone. */
  readonly exit: Promise<Ending>;
  kill(signal: NodeJS.Signals): void;
  /** Waits until `check` gives something; fails with the unit's output. */
  until<T>(what: string, check: () => T | Promise<T>, timeoutMs?: number): Promise<Got<T>>;
  /** SIGTERM, then SIGKILL after 5 s; nothing when it is gone already. */
  stop(): Promise<Ending>;
}

/** A folder of a test's own, with a place for a spool, and units that were started in it. */
export interface UnitHome {
  readonly dir: string;
  readonly spoolDir: string;
  /** Starts a unit with this configuration (JSON is YAML) and waits until its sampler is started; throws with its output. */
  start(config: object): Promise<UnitRig>;
  /** Ends every unit that still runs, and removes the folder. */
  close(): Promise<void>;
}

/** What a wait gives: anything but nothing. */
type Got<T> = Exclude<NonNullable<T>, false>;

/** True while a process of this pid exists and is no zombie. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3) !== "Z";
  } catch {
    return false;
  }
}

/** Waits until `check` gives something other than undefined or false, asking every 20 ms. */
export async function until<T>(
  what: string,
  check: () => T | Promise<T>,
  timeoutMs = 30_000,
  more: () => string = () => "",
): Promise<Got<T>> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const got = await check();
    if (got !== undefined && got !== null && got !== false) return got as Got<T>;
    if (performance.now() > endMs) throw new Error(`waited ${timeoutMs} ms for ${what}\n${more()}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

/** Runs the command to its end. */
export async function runSwath(args: readonly string[]): Promise<Ending & { readonly output: string }> {
  const rig = launch(args);
  const ending = await rig.exit;
  return { ...ending, output: rig.output };
}

/** Starts the command; `collect` does not wait for anything. */
export function launch(args: readonly string[], env: NodeJS.ProcessEnv = {}): UnitRig {
  if (!existsSync(SWATH)) throw new Error(`${SWATH} is not built: npm run build`);
  const child: ChildProcess = spawn(process.execPath, [SWATH, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  let output = "";
  let rest = "";
  const lines: Record<string, unknown>[] = [];
  let samplerPid = 0;
  let ended: Ending | undefined;

  function take(chunk: Buffer): void {
    output += chunk;
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      if (!part.startsWith("{")) continue;
      const line = JSON.parse(part) as Record<string, unknown>;
      lines.push(line);
      if (line["msg"] === "sampler started") samplerPid = Number(line["pid"]);
    }
  }
  child.stdout?.on("data", take);
  child.stderr?.on("data", take);
  const exit = new Promise<Ending>((done) => {
    child.once("exit", (code, signal) => {
      ended = { code, signal, atMs: performance.now() };
    });
    // A sampler that outlives the unit would keep the pipes open; the end of the unit must not wait for it.
    child.once("exit", () => setTimeout(() => done(ended!), 50));
  });

  const rig: UnitRig = {
    pid: child.pid ?? 0,
    get output() {
      return output;
    },
    lines,
    get samplerPid() {
      return samplerPid;
    },
    get ended() {
      return ended;
    },
    exit,
    kill: (signal) => void child.kill(signal),
    until: (what, check, timeoutMs) => until(what, check, timeoutMs, () => `the unit wrote:\n${output}`),
    async stop() {
      if (ended !== undefined) return exit;
      child.kill("SIGTERM");
      const insist = setTimeout(() => child.kill("SIGKILL"), 5000);
      const ending = await exit;
      clearTimeout(insist);
      return ending;
    },
  };
  return rig;
}

/** Makes a folder in which units run. */
export function unitHome(): UnitHome {
  const dir = mkdtempSync(join(tmpdir(), "swath-unit-"));
  const running: UnitRig[] = [];
  return {
    dir,
    spoolDir: join(dir, "spool"),
    async start(config) {
      const file = join(dir, `unit-${running.length + 1}.yaml`);
      writeFileSync(file, JSON.stringify(config, null, 1));
      const rig = launch(["run", "--config", file]);
      running.push(rig);
      await rig.until("the sampler to be started", () => rig.samplerPid > 0 || rig.ended !== undefined);
      if (rig.ended !== undefined) throw new Error(`the unit did not come up (${rig.ended.code}):\n${rig.output}`);
      return rig;
    },
    async close() {
      await Promise.all(running.map((rig) => rig.stop()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A configuration with one GNSS receiver and nothing else; `more` is laid over it. */
export function gnssConfig(options: {
  readonly brokerPort: number;
  readonly spoolDir: string;
  readonly pty: string;
  readonly dateFloor?: string;
  readonly more?: object;
}): object {
  const { brokerPort, spoolDir, pty, dateFloor = "2014-01-01", more = {} } = options;
  return {
    org: "test",
    unit: "unit-1",
    machine: "machine-1",
    broker: { url: `mqtt://127.0.0.1:${brokerPort}` },
    spool: { dir: spoolDir, maxMb: 16 },
    buses: { gnss_uart: { kind: "serial", port: pty, baud: 115200 } },
    parts: { gnss: { part: "gnss-nmea", bus: "gnss_uart", options: { dateFloor } } },
    channels: { sats: { from: "gnss.satellites", stats: ["last"] } },
    track: { from: "gnss", columns: ["lat", "lon", "utc", "fix_mode", "satellites"] },
    rows: { everyMs: 200, batch: 5 },
    live: { everyMs: 200 },
    ...more,
  };
}
