import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A broker process of the test's own, on a free port of the loopback. */
export interface BrokerProcess {
  readonly port: number;
  /** SIGKILL to the whole process group, and waits until it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port and folder. */
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });

/** A folder of its own for a broker's files. */
export const brokerFolder = (name: string): string => mkdtempSync(join(tmpdir(), `swath-${name}-`));

/** Runs a command in a process group of its own until `port` answers, or is `ready`; `after` cleans up beyond the group. */
export async function runBroker(options: {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly port: number;
  readonly startMs: number;
  readonly ready?: (port: number) => Promise<boolean>;
  readonly after?: () => void;
}): Promise<BrokerProcess> {
  const { command, args, folder, port, ready = answers } = options;
  let child: ChildProcess | undefined;
  let said = "";

  async function start(): Promise<void> {
    const started = spawn(command, args, {
      ...{ cwd: folder, detached: true, stdio: ["ignore", "pipe", "pipe"] },
      env: { ...process.env, ...options.env },
    });
    child = started;
    const keep = (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-20_000);
    };
    started.stdout?.on("data", keep);
    started.stderr?.on("data", keep);
    for (const endMs = performance.now() + options.startMs; performance.now() < endMs; ) {
      if (started.exitCode !== null) throw new Error(`${command} ended with ${started.exitCode}: ${said}`);
      if (await ready(port)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${command} does not listen: ${said}`);
  }

  async function kill(): Promise<void> {
    const running = child;
    child = undefined;
    if (running?.pid === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const gone = new Promise((resolve) => running.once("close", resolve));
    process.kill(-running.pid, "SIGKILL");
    await gone;
  }

  await start();
  return {
    port,
    kill,
    restart: start,
    async stop() {
      await kill();
      options.after?.();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
