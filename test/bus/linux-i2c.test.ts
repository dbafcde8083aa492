import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { manualClock } from "../../src/bus/clock.ts";
import { openLinuxI2c } from "../../src/bus/linux-i2c.ts";
import { createMemoryI2c } from "../../src/bus/memory-i2c.ts";
import { serveHand } from "../rigs/i2c-user/control.ts";
import { type I2cUser, startI2cUser } from "../rigs/i2c-user/rig.ts";

const root = resolve(import.meta.dirname, "../..");

/** A child run of vitest, as its JSON reporter tells it. */
interface Run {
  numPassedTests: number;
  numTotalTests: number;
  testResults: {
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
  }[];
}

/** What this machine lacks for the genuine addon; CI must lack nothing. */
function lacking(): string {
  try {
    createRequire(import.meta.url)("i2c-bus");
    execFileSync("gcc", ["--version"], { stdio: "ignore" });
    return "";
  } catch (e) {
    if (process.env["CI"] !== undefined) throw e;
    return e instanceof Error ? (e.message.split("\n")[0] ?? "") : String(e);
  }
}

describe("the genuine i2c-bus addon over a stand-in for /dev/i2c-N", () => {
  const lack = lacking();
  const bus = createMemoryI2c({ name: "hardware" });
  let user: I2cUser | undefined;
  let close = () => {};
  beforeAll(async () => {
    if (lack !== "") return;
    user = await startI2cUser({ 1: bus });
    const server = await serveHand(user, bus);
    close = () => void server.close();
  });
  afterAll(async () => {
    close();
    await user?.stop();
  });

  it("passes the tests of the I2C port and those of its own, in a process of its own", {
    timeout: 60_000,
  }, async () => {
    if (user === undefined) {
      console.log(`the I2C port was not tried on the genuine addon: ${lack}`);
      return;
    }
    const env = { ...process.env, ...user.env, VITEST: undefined };
    const args = ["node_modules/vitest/vitest.mjs", "run", "--config", "test/rigs/i2c-user/vitest.config.ts"];
    const said = await new Promise<string>((resolve) => {
      // What matters is what the report says: a failed test also makes the exit code 1.
      const options = { cwd: root, env, maxBuffer: 1 << 24 };
      execFile(process.execPath, [...args, "--reporter=json"], options, (_, stdout, stderr) =>
        resolve(stdout || stderr),
      );
    });
    expect(said).toMatch(/^\s*{/);
    const run = JSON.parse(said) as Run;
    const failed = run.testResults.flatMap((file) => [
      ...(file.assertionResults.length === 0 ? [file.message] : []),
      ...file.assertionResults
        .filter((test) => test.status !== "passed")
        .map((test) => `${test.fullName}: ${test.failureMessages.join("\n")}`),
    ]);
    expect(failed).toEqual([]);
    expect(run.numPassedTests).toBe(run.numTotalTests);
    expect(run.numPassedTests).toBeGreaterThan(35);
  });
});

describe("opening an I2C bus", () => {
  const clock = manualClock();
  const addon = async () => ({
    openSync: () => ({ closeSync() {} }) as never,
  });

  it("says what to do when the addon is not installed, and leaves the bus free", async () => {
    const missing = () => Promise.reject(new Error("Cannot find package 'i2c-bus'"));
    for (let i = 0; i < 2; i++) {
      const opening = openLinuxI2c({ name: "i2c-1", device: 1, clock, addon: missing });
      await expect(opening).rejects.toMatchObject({ code: "bus/addon", retry: "never" });
    }
  });

  it("has one owner per bus in a process, and names both", async () => {
    const first = await openLinuxI2c({ name: "chassis", device: 7, clock, addon });
    const again = (device: number | string) => openLinuxI2c({ name: "tool", device, clock, addon });
    await expect(again("/dev/i2c-7")).rejects.toMatchObject({
      code: "bus/busy",
      message: expect.stringMatching(/tool.*chassis/),
    });
    await expect(again(7)).rejects.toMatchObject({ code: "bus/busy" });
    (await again(8)).close();
    first.close();
    (await again(7)).close();
  });

  it("follows a name to the bus, and says when it leads nowhere or elsewhere", async () => {
    const dir = mkdtempSync(join(tmpdir(), "swath-bus-"));
    try {
      symlinkSync("/dev/null", join(dir, "null"));
      symlinkSync("/dev/i2c-999", join(dir, "absent"));
      for (const path of [join(dir, "null"), join(dir, "absent"), join(dir, "nothing"), "i2c-1"]) {
        const opening = openLinuxI2c({ name: "i2c-1", device: path, clock, addon });
        await expect(opening, path).rejects.toMatchObject({ code: "bus/absent" });
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
