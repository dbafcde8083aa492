import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type InstalledRun, installedRun, installFiles, itIsInstalled } from "../rigs/systemd/installed.ts";
import { type GuestRun, runInGuest } from "../rigs/uml/guest.ts";

const root = resolve(import.meta.dirname, "../..");
/** Long enough for a machine ten times slower than an idle one. */
const LIMIT_MS = 900_000;

let dir: string;
let guest: (GuestRun & { close(): void }) | undefined;
let run: InstalledRun;

beforeAll(async () => {
  if (process.getuid?.() !== 0)
    throw new Error("this suite installs services under systemd in a guest: it must run as root");
  dir = mkdtempSync(join(tmpdir(), "swath-archive-"));
  const archive = join(dir, "swath.tar.gz");
  execFileSync(join(root, "scripts/package"), ["--arch", process.arch, "--out", archive], { stdio: "pipe" });
  guest = await runInGuest("sh /rig/steps.sh put_on try_out unwatched take_off", installFiles(), LIMIT_MS, {
    init: "init-systemd.sh",
    memory: "1600M",
    fill: (share) => execFileSync("tar", ["-C", share, "-xzf", archive]),
  });
  run = installedRun(guest.file);
  const { found } = run;
  console.log(`exposure: unit ${found["swath-exposure"]}, sampler ${found["swath-sampler-exposure"]}`);
  console.log(
    `restarted ${found["killed-main-s"]} s after a kill, ${found["hung-s"]} s after a hang; all in ${found["end"]} s`,
  );
}, 2 * LIMIT_MS);
afterAll(() => {
  guest?.close();
  rmSync(dir, { recursive: true, force: true });
});

describe("the archive, installed under systemd", () => {
  itIsInstalled(() => run, false);

  it("would hang for good without the watchdog: the service counts as active while its program stands still", () => {
    expect(run.found["unwatched"]).toBe("active T");
  });
});
