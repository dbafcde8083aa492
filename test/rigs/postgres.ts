import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./mosquitto.ts";

/** A PostgreSQL of the test's own, on a free port, with its files in a folder of its own. */
export interface Postgres {
  readonly port: number;
  /** Where its socket lies. */
  readonly socketFolder: string;
  /** The address of a new empty database. */
  createDatabase(name: string): string;
  /** Kills the server as a power cut would (immediate mode, no checkpoint). */
  crash(): void;
  start(): void;
  /** Pid of the server. */
  pid(): number;
  stop(): void;
}

const ROOT = "/usr/lib/postgresql";

/** The programs of the newest PostgreSQL that is installed as Debian does, if any is. */
export function postgresBin(): string | undefined {
  if (!existsSync(ROOT)) return undefined;
  const versions = readdirSync(ROOT).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(ROOT, version, "bin")).find((bin) => existsSync(join(bin, "initdb")));
}

/** Starts a cluster. Run as root it is the user `postgres`'s: PostgreSQL refuses to run as root. */
export async function startPostgres(settings: readonly string[] = []): Promise<Postgres> {
  const bin = postgresBin();
  if (bin === undefined) throw new Error("postgresql is not installed");
  const folder = mkdtempSync(join(tmpdir(), "swath-postgres-"));
  const asRoot = process.getuid?.() === 0;
  if (asRoot) {
    chmodSync(folder, 0o755);
    execFileSync("chown", ["postgres", folder]);
  }
  const run = (program: string, args: readonly string[]): void => {
    const [command, all] = asRoot
      ? ["runuser", ["-u", "postgres", "--", join(bin, program), ...args]]
      : [join(bin, program), args];
    const { status, stderr, stdout } = spawnSync(command, all, { cwd: folder, encoding: "utf8", stdio: "pipe" });
    if (status !== 0) throw new Error(`${program} ended with ${status}: ${stdout}${stderr}`);
  };
  const cluster = join(folder, "cluster");
  run("initdb", ["-D", cluster, "-U", "swath", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale", "C.UTF-8"]);
  const port = await freePort();
  const options = [
    `-p ${port}`,
    "-c listen_addresses=127.0.0.1",
    `-c unix_socket_directories=${folder}`,
    ...settings.map((setting) => `-c ${setting}`),
  ].join(" ");
  const start = () =>
    run("pg_ctl", ["-D", cluster, "-l", join(folder, "log"), "-w", "-t", "60", "-o", options, "start"]);
  start();
  return {
    port,
    socketFolder: folder,
    createDatabase(name) {
      run("createdb", ["-h", "127.0.0.1", "-p", String(port), "-U", "swath", name]);
      return `postgres://swath@127.0.0.1:${port}/${name}`;
    },
    crash: () => run("pg_ctl", ["-D", cluster, "-m", "immediate", "-w", "stop"]),
    start,
    pid: () => Number(execFileSync("head", ["-1", join(cluster, "postmaster.pid")], { encoding: "utf8" })),
    stop() {
      try {
        run("pg_ctl", ["-D", cluster, "-m", "immediate", "-w", "stop"]);
      } catch {
        // It was stopped by the test.
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
