import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const KERNEL = "/usr/bin/linux.uml";
const MODULES = "/usr/lib/uml/modules";
/** Rigs are not compiled into dist/ with their scripts. */
const scripts = import.meta.dirname.replace(/\/dist\//, "/");

/** How the guest is set up where it is not the plain one: a shell as first process, 768 MB. */
export interface GuestKind {
  /** A script of this folder that the kernel runs first. */
  readonly init: string;
  readonly memory: string;
  /** Puts more into the folder that is /rig there. */
  fill(share: string): void;
}
const PLAIN: GuestKind = { init: "init.sh", memory: "768M", fill: () => undefined };

/** What a run in the guest left. */
export interface GuestRun {
  readonly code: number;
  /** What its script wrote. */
  readonly output: string;
  file(name: string): string;
}

/**
 * Runs a shell script as root in a real Linux kernel that is an ordinary process here (User Mode Linux, Debian's package). The
 * host's files are there, read-only under a layer of memory; `files` are there as /rig/<name>, and what the script leaves in
 * /rig can be read. Throws with the kernel's last words when the kernel does not start: that is a fault of the machine, and no
 * reason to pass.
 */
export async function runInGuest(
  script: string,
  files: Readonly<Record<string, string>>,
  limitMs: number,
  kind: GuestKind = PLAIN,
): Promise<GuestRun & { close(): void }> {
  if (!existsSync(KERNEL) || !existsSync(MODULES))
    throw new Error(`User Mode Linux is not installed: ${KERNEL} is missing (apt-get install user-mode-linux)`);
  const version = readdirSync(MODULES)[0];
  const share = mkdtempSync(join(tmpdir(), "swath-uml-"));
  chmodSync(share, 0o777);
  writeFileSync(join(share, "run.sh"), script);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(share, name), text);
  kind.fill(share);
  // Its memory is a file, which must lie where programs may run: /dev/shm where that is so.
  const shm = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const args = [
    "root=/dev/root",
    "rootfstype=hostfs",
    "rootflags=/",
    "ro",
    `mem=${kind.memory}`,
    "quiet",
    "con=null",
    "con0=null,fd:1",
    `init=${resolve(scripts, kind.init)}`,
    `RIG_SHARE=${share}`,
    `RIG_MODULES=${join(MODULES, version ?? "")}`,
  ];
  const console_ = await new Promise<string>((done) => {
    execFile(
      KERNEL,
      args,
      { timeout: limitMs, killSignal: "SIGKILL", env: { ...process.env, TMPDIR: shm }, maxBuffer: 1 << 24 },
      (error, out, err) => done(`${out}${err}${error === null ? "" : `\n${error.message.slice(0, 300)}`}`),
    );
  });
  const read = (name: string) => (existsSync(join(share, name)) ? readFileSync(join(share, name), "utf8") : "");
  const close = () => rmSync(share, { recursive: true, force: true });
  if (!existsSync(join(share, "rc"))) {
    const said = `${read("out.txt")}\n${console_}`.slice(-3000);
    close();
    throw new Error(
      `the User Mode Linux kernel did not run the script to its end on this machine; its last words:\n${said}`,
    );
  }
  return { code: Number(read("rc")), output: read("out.txt"), file: read, close };
}
