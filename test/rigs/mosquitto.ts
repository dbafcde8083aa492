import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** A Mosquitto process of the test's own, on a free port of the loopback. */
export interface Mosquitto {
  readonly port: number;
  /** Its working folder: persistence and files go there. */
  readonly folder: string;
  /** What it wrote to its log so far. */
  readonly log: string;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: the link stays open and nothing answers. */
  freeze(): void;
  /** Starts it again on the same port and folder after `kill`. */
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** Where Mosquitto is installed, if it is. Debian puts it where an ordinary user's PATH does not look. */
export function mosquittoPath(): string | undefined {
  const folders = [
    ...(process.env["PATH"] ?? "").split(delimiter),
    "/usr/sbin",
    "/usr/local/sbin",
    "/opt/homebrew/sbin",
  ];
  return folders.map((folder) => join(folder, "mosquitto")).find(existsSync);
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = address !== null && typeof address === "object" ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/**
 * Starts Mosquitto with `lines` added to a configuration of one listener. `{folder}` in a line is its folder. Without a line
 * that says otherwise everybody may connect. `files` are written to the folder first.
 */
export async function startMosquitto(
  lines: readonly string[] = ["allow_anonymous true"],
  files: Readonly<Record<string, string>> = {},
): Promise<Mosquitto> {
  const program = mosquittoPath();
  if (program === undefined) throw new Error("mosquitto is not installed");
  const folder = mkdtempSync(join(tmpdir(), "swath-mosquitto-"));
  const config = join(folder, "mosquitto.conf");
  const port = await freePort();
  const all = [`listener ${port} 127.0.0.1`, "log_dest stderr", "log_type all", ...lines];
  // Started as root it would become the user mosquitto, which cannot read the folder.
  if (process.getuid?.() === 0) all.push("user root");
  writeFileSync(config, `${all.join("\n").replaceAll("{folder}", folder)}\n`);

  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);

  let child: ChildProcess | undefined;
  let log = "";

  async function start(): Promise<void> {
    const started = spawn(program!, ["-c", config], { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    child = started;
    started.stderr.on("data", (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-200_000);
    });
    for (let tries = 0; tries < 200; tries++) {
      if (started.exitCode !== null) throw new Error(`mosquitto ended with ${started.exitCode}: ${log}`);
      if (await answers(port)) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`mosquitto does not listen: ${log}`);
  }

  async function kill(): Promise<void> {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const gone = new Promise((resolve) => running.once("exit", resolve));
    running.kill("SIGKILL");
    await gone;
  }

  await start();
  return {
    port,
    folder,
    get log() {
      return log;
    },
    kill,
    freeze() {
      child?.kill("SIGSTOP");
    },
    restart: start,
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
