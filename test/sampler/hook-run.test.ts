import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type HookEnd, runHook, stopHooks } from "../../src/sampler/hook-run.ts";
import { isAlive, until } from "../rigs/unit.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "swath-hook-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function script(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

const run = (path: string, args: readonly string[] = [], limitMs = 60_000) =>
  new Promise<HookEnd>((done) => runHook(path, args, limitMs, done));

const pidIn = (file: string) =>
  until("a pid", () => existsSync(file) && Number(readFileSync(file, "utf8")) > 0).then(() =>
    Number(readFileSync(file, "utf8")),
  );

describe("a hook script", () => {
  it("is told bus and part as they are, with no shell between", async () => {
    const path = script("args", `printf '%s|' "$@" > ${dir}/told`);
    expect(await run(path, ["/dev/i2c-1", "a b; touch x"])).toEqual({ outcome: "done", code: 0 });
    expect(readFileSync(join(dir, "told"), "utf8")).toBe("/dev/i2c-1|a b; touch x|");
  });

  it("sees no more of the environment than the path", async () => {
    process.env["SWATH_TEST_SECRET"] = "do-not-tell";
    await run(script("env", `env > ${dir}/env`));
    delete process.env["SWATH_TEST_SECRET"];
    expect(readFileSync(join(dir, "env"), "utf8")).not.toContain("do-not-tell");
  });

  it("that fails says so with its code; one that cannot be started says that", async () => {
    expect(await run(script("three", "exit 3"))).toEqual({ outcome: "failed", code: 3 });
    expect(await run(join(dir, "not-there"))).toEqual({ outcome: "not-started", code: null });
    writeFileSync(join(dir, "no-x"), "#!/bin/sh\n");
    expect(await run(join(dir, "no-x"))).toEqual({ outcome: "not-started", code: null });
  });

  it("that takes too long is killed with what it has started, while the loop goes on", async () => {
    const path = script("hang", `sleep 600 & echo $! > ${dir}/pid; wait`);
    let turns = 0;
    const timer = setInterval(() => turns++, 5);
    const ended = run(path, [], 1500);
    const pid = await pidIn(join(dir, "pid"));
    expect(await ended).toEqual({ outcome: "timed-out", code: null });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(10);
    await until("the child to be gone", () => !isAlive(pid));
  });

  it("does not outlive the sampler", async () => {
    const path = script("long", `sleep 600 & echo $! > ${dir}/pid; wait`);
    const ended = run(path);
    const pid = await pidIn(join(dir, "pid"));
    stopHooks();
    expect((await ended).outcome).toBe("failed");
    await until("the child to be gone", () => !isAlive(pid));
  });
});

describe("the examples of hooks", () => {
  const hooks = resolve(import.meta.dirname, "../../scripts/hooks");

  /** Runs an example with commands that only write down how they were called. */
  function dry(name: string, commands: Readonly<Record<string, string>>): string[] {
    for (const [command, text] of Object.entries(commands))
      script(command, `case "$1" in --version) echo "${text}";; *) echo "${command} $*" >> ${dir}/calls;; esac`);
    const { status, stderr } = spawnSync(join(hooks, name), ["/dev/i2c-1", "shock"], {
      env: { PATH: `${dir}:/usr/bin:/bin` },
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    expect(status).toBe(0);
    return readFileSync(join(dir, "calls"), "utf8").trim().split("\n");
  }

  it("switch a GPIO line off and on again, with either generation of the gpiod tools", () => {
    expect(dry("power-cycle-gpio.sh", { gpioset: "gpioset (libgpiod) v1.6.3" })).toEqual([
      "gpioset --mode=time --sec=2 gpiochip0 17=0",
      "gpioset --mode=exit gpiochip0 17=1",
    ]);
    rmSync(join(dir, "calls"));
    expect(dry("power-cycle-gpio.sh", { gpioset: "gpioset (libgpiod) v2.1" })).toEqual([
      "gpioset --chip gpiochip0 --toggle 2s,0 17=0",
    ]);
  });

  it("clock a held bus free nine times, never driving a wire high, and give the pins back", () => {
    const calls = dry("bus-clear-pi.sh", { pinctrl: "" });
    expect(calls.filter((c) => c === "pinctrl set 3 op dl")).toHaveLength(10);
    expect(calls.join()).not.toContain("dh");
    expect(calls.at(-1)).toBe("pinctrl set 2,3 a0 pu");
  });

  it("cycle a port of a USB hub", () => {
    expect(dry("power-cycle-usb.sh", { uhubctl: "" })).toEqual([
      "uhubctl --location 1-1 --ports 2 --action cycle --delay 2",
    ]);
  });
});
