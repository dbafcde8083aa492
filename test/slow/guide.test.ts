import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { freePort } from "../rigs/mosquitto.ts";
import { until } from "../rigs/unit.ts";

const root = resolve(import.meta.dirname, "../..");
const guide = readFileSync(join(root, "docs/maintainer.md"), "utf8");

/** The shell blocks that stand below `<!-- desk: NAME -->`, by name, as the page has them. */
const blocks = new Map(
  [...guide.matchAll(/<!-- desk: (\w+) -->\n```sh\n([\s\S]*?)```/g)].map(([, name, text]) => [name, text] as const),
);
const block = (name: string) => {
  const text = blocks.get(name);
  if (text === undefined) throw new Error(`docs/maintainer.md has no block "desk: ${name}"`);
  return text;
};

let dir: string;
let shell: ChildProcess;
let output: string;
let runs: number;

/** A clone as it is after `npm ci && npm run build`, and one shell in it, as a reader would have it open. */
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "swath-guide-"));
  for (const name of ["dist", "node_modules", "scripts", "package.json"])
    symlinkSync(join(root, name), join(dir, name));
  cpSync(join(root, "config"), join(dir, "config"), { recursive: true });
  [output, runs] = ["", 0];
  const env = { ...process.env, PORT: String(await freePort()) };
  shell = spawn("bash", ["--noprofile", "--norc"], { cwd: dir, env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  for (const stream of [shell.stdout, shell.stderr])
    stream?.on("data", (chunk: Buffer) => {
      output += chunk;
    });
});
afterEach(async () => {
  const gone = shell.exitCode !== null ? undefined : new Promise((done) => shell.once("exit", done));
  // The group: what the page starts in the background ends with its shell.
  if (shell.pid !== undefined) process.kill(-shell.pid, "SIGKILL");
  await gone;
  rmSync(dir, { recursive: true, force: true });
});

/** Runs lines in the reader's shell and returns what was shown and the code of the last command. */
async function run(text: string): Promise<{ readonly shown: string; readonly code: number }> {
  const [name, from] = [`block-${++runs}`, output.length];
  writeFileSync(join(dir, name), text);
  shell.stdin?.write(`. ./${name} </dev/null\necho "== ${name} $?"\n`);
  const ended = new RegExp(`== ${name} (\\d+)\\n`);
  const found = await until(
    name,
    () => ended.exec(output),
    100_000,
    () => `${text}\n${output}`,
  );
  return { shown: output.slice(from, found.index), code: Number(found[1]) };
}

/** Runs a block of the page, every line of which must do well. */
async function follow(name: string): Promise<string> {
  const { shown, code } = await run(block(name));
  expect(code, `${name}:\n${shown}`).toBe(0);
  return shown;
}

it("the page has its marked blocks in order, and no other shell block between them", () => {
  expect([...blocks.keys()]).toEqual(["build", "prepare", "configure", "flash", "doctor", "end"]);
  const section = guide.slice(guide.indexOf("<!-- desk: build"), guide.indexOf("\n## 5."));
  expect(section.split("```sh").length - 1).toBe(blocks.size);
  // What stands here is what the gate has run when this test begins: `npm cit` installs and builds.
  expect(block("build")).toBe("npm ci && npm run build\n");
});

it("the maintainer's guide leads to a flashed, running unit, and its doctor to the cause of three planted faults", async () => {
  await follow("prepare");
  expect(await follow("configure")).toContain("SIMULATED");
  const flashed = await follow("flash");
  expect(flashed).toMatch(/desk-01 +\d+ .*delivered/);
  expect(flashed).toContain("ACCEPTED");
  expect(flashed).toMatch(/"c":\{"lat":\d/);
  const well = await until("all parts", async () => {
    const shown = await follow("doctor");
    return shown.includes("nothing was heard") ? undefined : shown;
  });
  expect(well).toMatch(/✓ unit +runs \(pid \d+\)\n/);
  expect(well).toMatch(/✓ part shock .*running/);
  expect(well).toMatch(/✓ broker +the unit is connected/);

  await run("kill $unit; wait $unit");
  const path = join(dir, "config/desk.yaml");
  const right = readFileSync(path, "utf8");
  const plant = (from: string, to: string) => {
    expect(right).toContain(from);
    writeFileSync(path, right.replace(from, to));
  };
  const wrong = async () => {
    const { shown, code } = await run(block("doctor"));
    const found = shown.split("\n").filter((line) => line.startsWith("✕"));
    expect(shown).toContain("To do, in this order:");
    expect(code).toBe(1);
    return found;
  };

  plant("simulation: {", "simulation: { unplugged: [shock],");
  expect(await wrong()).toEqual([expect.stringMatching(/part shock +adxl375, 0x1d on i2c1: absent.*nothing answers/)]);

  const spool = join(dir, "var/desk/var/lib/swath/spool");
  writeFileSync(join(dir, "worn-out"), "");
  plant(spool, join(dir, "worn-out/spool"));
  expect(await wrong()).toEqual([expect.stringMatching(/disk .*takes no files/)]);

  writeFileSync(path, right);
  await run("kill $broker; wait $broker");
  expect(await wrong()).toEqual([expect.stringMatching(/broker tcp .*ECONNREFUSED/)]);
  await run(block("end"));
}, 300_000);
