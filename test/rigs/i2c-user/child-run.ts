import { execFile, execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import type { MemoryI2c } from "../../../src/bus/memory-i2c.ts";
import { serveHand } from "./control.ts";
import { startI2cUser } from "./rig.ts";

const root = resolve(import.meta.dirname, "../../..");

/** What came of a run: how many tests passed, and what the others said. */
export interface ChildRun {
  readonly passed: number;
  readonly failed: readonly string[];
}

/** What this machine lacks for the genuine addon; empty when nothing. CI must lack nothing. */
export function lacking(): string {
  try {
    createRequire(import.meta.url)("i2c-bus");
    execFileSync("gcc", ["--version"], { stdio: "ignore" });
    return "";
  } catch (e) {
    if (process.env["CI"] !== undefined) throw e;
    return e instanceof Error ? (e.message.split("\n")[0] ?? "") : String(e);
  }
}

/** Runs a file of tests in a process of its own whose `/dev/i2c-1` is `bus`: an addon can only be preloaded from outside. */
export async function runOnI2cUser(file: string, bus: MemoryI2c): Promise<ChildRun> {
  const user = await startI2cUser({ 1: bus });
  const server = await serveHand(user, bus);
  try {
    const env = { ...process.env, ...user.env, VITEST: undefined };
    const config = ["--config", "test/rigs/i2c-user/vitest.config.ts", "--reporter=json"];
    const said = await new Promise<string>((done) => {
      // The report says what matters; a test that failed also makes the exit code 1.
      const args = ["node_modules/vitest/vitest.mjs", "run", file, ...config];
      const options = { cwd: root, env, maxBuffer: 1 << 24 };
      execFile(process.execPath, args, options, (_, stdout, stderr) => done(stdout || stderr));
    });
    return summary(said);
  } finally {
    server.close();
    await user.stop();
  }
}

function summary(said: string): ChildRun {
  if (!/^\s*{/.test(said)) return { passed: 0, failed: [said] };
  const run = JSON.parse(said) as {
    numPassedTests: number;
    testResults: {
      message: string;
      assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
    }[];
  };
  const failed = run.testResults.flatMap((file) => [
    ...(file.assertionResults.length === 0 ? [file.message] : []),
    ...file.assertionResults
      .filter((test) => test.status !== "passed")
      .map((test) => `${test.fullName}: ${test.failureMessages.join("\n")}`),
  ]);
  return { passed: run.numPassedTests, failed };
}
