import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runSwath } from "../unit.ts";

/** Rigs are not compiled into dist/ with their scripts. */
const here = import.meta.dirname.replace(/\/dist\//, "/");

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

/** What the guest needs in /rig beside the unpacked archive: `sh /rig/steps.sh put_on try_out take_off`. */
export const installFiles = (): Record<string, string> => ({
  "steps.sh": readFileSync(join(here, "run.sh"), "utf8"),
  "probe.sh": PROBE,
  "listen.pl": LISTEN,
});

/** What step `flash` needs besides: a configuration as HQ signs it, and the public key. */
export async function flashFiles(config: object): Promise<Record<string, Uint8Array>> {
  const dir = mkdtempSync(join(tmpdir(), "swath-signed-"));
  try {
    const file = join(dir, "unit.yaml");
    writeFileSync(file, JSON.stringify(config));
    const bundle = join(dir, "unit.swath");
    for (const args of [
      ["keys", join(dir, "hq")],
      ["bundle", file, "--key", join(dir, "hq.key"), "--out", bundle],
    ]) {
      const { code, output } = await runSwath(args);
      if (code !== 0) throw new Error(`swath ${args[0]}: ${output}`);
    }
    return { "unit.swath": readFileSync(bundle), "hq.pub": readFileSync(join(dir, "hq.pub")) };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What the steps leave in /rig. */
export const LEFT = [
  ...["found", "install.txt", "again.txt", "uninstall.txt", "before.txt", "after.txt", "journal.txt"],
  ...["swath", "swath-sampler"].flatMap((s) => [`probe-${s}.txt`, `probe-free-${s}.txt`]),
] as const;

/** What the steps left in /rig. */
export interface InstalledRun {
  file(name: string): string;
  readonly found: Readonly<Record<string, string>>;
}

/** Reads what the steps found. */
export function installedRun(file: (name: string) => string): InstalledRun {
  const lines = file("found").trim().split("\n");
  return {
    file,
    found: Object.fromEntries(lines.map((l) => [l.split(" ", 1)[0] ?? "", l.slice(l.indexOf(" ") + 1)])),
  };
}

const OPEN = { "rig-i2c": "open", "rig-disk": "open", null: "open", network: "open" };
/** Seconds in which systemd starts anew what hangs. */
const HUNG_S = 35;

/** What must be true of an installed product on every machine with systemd; `isFlashed`: with a configuration under way. */
export function itIsInstalled(run: () => InstalledRun, isFlashed: boolean): void {
  const found = () => run().found;
  const file = (name: string) => run().file(name);
  const reach = (name: string) =>
    Object.fromEntries(
      file(name)
        .trim()
        .split("\n")
        .map((l) => l.split(" ").slice(1))
        .filter((p) => p.length === 2),
    );

  it("is installed with the unit running, the clock floor set and the sampler waiting for a configuration", () => {
    expect(found()["install-code"], file("install.txt")).toBe("0");
    expect(file("install.txt")).toContain("started swath and swath-sampler");
    expect(found()).toMatchObject({ states: "active activating active " });
    expect(found()).toMatchObject({ "swath-user": "swath", "swath-sampler-user": "swath-sampler" });
  });

  it.each([
    ["swath", 1.1],
    ["swath-sampler", 0.6],
  ])("%s runs without rights, behind a filter of system calls, exposed no more than %s", (name, most) => {
    expect(found()[`${name}-status`]).toBe("CapEff:0000000000000000 CapBnd:0000000000000000 NoNewPrivs:1 Seccomp:2 ");
    expect(Number(found()[`${name}-exposure`])).toBeGreaterThan(0);
    expect(Number(found()[`${name}-exposure`])).toBeLessThanOrEqual(most);
  });

  it("gives the sampler its bus, but no other device and no network, both of which its user could reach without the sandbox", () => {
    expect(found()["swath-sampler-net"]).toBe("own");
    expect(reach("probe-free-swath-sampler.txt")).toEqual(OPEN);
    expect(reach("probe-swath-sampler.txt")).toEqual({ ...OPEN, "rig-disk": "denied", network: "denied" });
  });

  it("gives the unit the network, but no device, all of which its user could reach without the sandbox", () => {
    expect(found()["swath-net"]).toBe("shared");
    expect(reach("probe-free-swath.txt")).toEqual(OPEN);
    expect(reach("probe-swath.txt")).toEqual({ ...OPEN, "rig-i2c": "denied", "rig-disk": "denied" });
  });

  describe.each([["swath", ""], ...(isFlashed ? [["swath-sampler", "sampler-"]] : [])])("%s", (_service, prefix) => {
    it("is started again by systemd when its main process is killed, and when the program under it is", () => {
      expect(found()[`${prefix}killed-main`], file("journal.txt")).toBe("active 1");
      expect(found()[`${prefix}killed-program`], file("journal.txt")).toBe("active 2");
    });

    it("is killed by the watchdog when it hangs, and started again within 35 s", () => {
      expect(found()[`${prefix}hung`], file("journal.txt")).toBe("active 3");
      expect(Number(found()[`${prefix}watchdog`])).toBe(1);
      expect(Number(found()[`${prefix}hung-s`])).toBeGreaterThan(5);
      // A restart takes a second and a little; what it takes longer here after a kill is the slowness of this machine.
      const slow = Math.max(0, Number(found()[`${prefix}killed-main-s`]) - 2);
      expect(Number(found()[`${prefix}hung-s`])).toBeLessThanOrEqual(HUNG_S + slow);
    });
  });

  if (isFlashed) {
    it("leaves the sampler running with what it has measured while the unit is killed and hangs", () => {
      expect(found()["sampler-through-it"], file("journal.txt")).toBe("stayed");
    });
  }

  it("lets the unit's user ask for the computer to be switched off, which it may not do itself", () => {
    expect(found()).toMatchObject({ "power-off": "taken", "power-off-free": "no" });
  });

  it("has nothing to do when it is installed again, and leaves nothing when it is taken off with its records", () => {
    expect(found()["again-code"], file("again.txt")).toBe("0");
    expect(file("again.txt")).toContain("nothing to do: all is as it should be");
    expect(found()["uninstall-code"], file("uninstall.txt")).toBe("0");
    expect(found()["processes"]).toBe("0");
    expect(file("before.txt").split("\n").length).toBeGreaterThan(50);
    expect(file("after.txt")).toBe(file("before.txt"));
  });
}
