import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GuestRun, runInGuest } from "../rigs/uml/guest.ts";

const root = resolve(import.meta.dirname, "../..");
/** Long enough for a machine ten times slower than an idle one. */
const LIMIT_MS = 900_000;

/** Tells what can be reached: run by systemd within a service's sandbox, and without one. */
const PROBE = `for device in rig-i2c rig-disk null; do
  if (: </dev/$device) 2>/dev/null; then echo "probe $device open"; else echo "probe $device denied"; fi
done
if perl -MIO::Socket::INET -e 'exit(IO::Socket::INET->new(PeerAddr => "127.0.0.1:7070", Timeout => 5) ? 0 : 1)'; then echo "probe network open"; else echo "probe network denied"; fi
`;
const LISTEN = `use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:7070", Listen => 9, ReuseAddr => 1) or die "$!";
open(my $f, ">", "/run/listens");
while (my $c = $s->accept) { close $c; }
`;

let dir: string;
let run: (GuestRun & { close(): void }) | undefined;
let found: Record<string, string>;

beforeAll(async () => {
  if (process.getuid?.() !== 0)
    throw new Error("this suite installs services under systemd in a guest: it must run as root");
  dir = mkdtempSync(join(tmpdir(), "swath-archive-"));
  const archive = join(dir, "swath.tar.gz");
  execFileSync(join(root, "scripts/package"), ["--arch", process.arch, "--out", archive], { stdio: "pipe" });
  const script = readFileSync(join(root, "test/rigs/uml/systemd-run.sh"), "utf8");
  run = await runInGuest(script, { "probe.sh": PROBE, "listen.pl": LISTEN }, LIMIT_MS, {
    init: "init-systemd.sh",
    memory: "1600M",
    fill: (share) => execFileSync("tar", ["-C", share, "-xzf", archive]),
  });
  found = Object.fromEntries(
    run
      .file("found")
      .trim()
      .split("\n")
      .map((l) => [l.split(" ", 1)[0] ?? "", l.slice(l.indexOf(" ") + 1)]),
  );
  console.log(`exposure: unit ${found["swath-exposure"]}, sampler ${found["swath-sampler-exposure"]}`);
  console.log(
    `restarted ${found["killed-main-s"]} s after a kill, ${found["hung-s"]} s after a hang; all in ${found["end"]} s`,
  );
}, 2 * LIMIT_MS);
afterAll(() => {
  run?.close();
  rmSync(dir, { recursive: true, force: true });
});
const file = (name: string) => run?.file(name) ?? "";
const reach = (name: string) =>
  Object.fromEntries(
    file(name)
      .trim()
      .split("\n")
      .map((l) => l.split(" ").slice(1))
      .filter((p) => p.length === 2),
  );

describe("the archive, installed under systemd", () => {
  it("is installed with the unit running, the clock floor set and the sampler waiting for a configuration", () => {
    expect(found["install-code"], file("install.txt")).toBe("0");
    expect(file("install.txt")).toContain("started swath and swath-sampler");
    expect(found).toMatchObject({ states: "active activating active " });
    expect(found).toMatchObject({ "swath-user": "swath", "swath-sampler-user": "swath-sampler" });
  });

  it.each([
    ["swath", 1.1],
    ["swath-sampler", 0.6],
  ])("%s runs without rights, behind a filter of system calls, exposed no more than %s", (name, most) => {
    expect(found[`${name}-status`]).toBe("CapEff:0000000000000000 CapBnd:0000000000000000 NoNewPrivs:1 Seccomp:2 ");
    expect(Number(found[`${name}-exposure`])).toBeGreaterThan(0);
    expect(Number(found[`${name}-exposure`])).toBeLessThanOrEqual(most);
  });

  it("gives the sampler its bus, but no other device and no network, both of which its user could reach without the sandbox", () => {
    expect(found["swath-sampler-net"]).toBe("own");
    const open = { "rig-i2c": "open", "rig-disk": "open", null: "open", network: "open" };
    expect(reach("probe-free-swath-sampler.txt")).toEqual(open);
    expect(reach("probe-swath-sampler.txt")).toEqual({ ...open, "rig-disk": "denied", network: "denied" });
  });

  it("gives the unit the network, but no device, all of which its user could reach without the sandbox", () => {
    expect(found["swath-net"]).toBe("shared");
    const open = { "rig-i2c": "open", "rig-disk": "open", null: "open", network: "open" };
    expect(reach("probe-free-swath.txt")).toEqual(open);
    expect(reach("probe-swath.txt")).toEqual({ ...open, "rig-i2c": "denied", "rig-disk": "denied" });
  });

  it("is started again by systemd when its main process is killed, and when the program under it is", () => {
    expect(found["killed-main"], file("journal.txt")).toBe("active 1");
    expect(found["killed-program"], file("journal.txt")).toBe("active 2");
  });

  it("is killed by the watchdog when it hangs, and started again within 35 s", () => {
    expect(found["hung"], file("journal.txt")).toBe("active 3");
    expect(Number(found["watchdog"])).toBe(1);
    expect(Number(found["hung-s"])).toBeGreaterThan(5);
    // A restart takes a second and a little; what it takes longer here after a kill is the slowness of this machine.
    const slow = Math.max(0, Number(found["killed-main-s"]) - 2);
    expect(Number(found["hung-s"])).toBeLessThanOrEqual(35 + slow);
  });

  it("lets the unit's user ask for the computer to be switched off, which it may not do itself", () => {
    expect(found).toMatchObject({ "power-off": "taken", "power-off-free": "no" });
  });

  it("has nothing to do when it is installed again, and leaves nothing when it is taken off with its records", () => {
    expect(found["again-code"], file("again.txt")).toBe("0");
    expect(file("again.txt")).toContain("nothing to do: all is as it should be");
    expect(found["uninstall-code"], file("uninstall.txt")).toBe("0");
    expect(found["processes"]).toBe("0");
    expect(file("before.txt").split("\n").length).toBeGreaterThan(50);
    expect(file("after.txt")).toBe(file("before.txt"));
  });
});
