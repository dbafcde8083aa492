import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "../rigs/unit.ts";

const SCRIPT = resolve(import.meta.dirname, "../../scripts/install/usb-inbox");
const mine = process.getuid?.() ?? 0;
/** Who owns inbox and outbox: another user than the one who mounts, where that can be. */
const owner = mine === 0 ? 65534 : mine;
let dir: string;
let at: string;
let inbox: string;
let outbox: string;
let victim: string;
const running: ChildProcess[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "swath-usb-"));
  chmodSync(dir, 0o755);
  [at, inbox, outbox] = ["stick", "inbox", "outbox"].map((name) => join(dir, name)) as [string, string, string];
  for (const folder of [at, inbox, outbox]) mkdirSync(folder, { mode: 0o700 });
  for (const folder of [inbox, outbox]) chownSync(folder, owner, owner);
  victim = join(dir, "victim");
  writeFileSync(victim, "a secret of root's", { mode: 0o600 });
});
afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
  rmSync(dir, { recursive: true, force: true });
});

/** The one-shot as udev starts it, with a folder in place of a mounted stick; resolves with its status and what it said. */
function serve(
  waitS = 30,
  more: NodeJS.ProcessEnv = {},
  script = SCRIPT,
): Promise<{ readonly code: number | null; readonly out: string }> {
  const env = {
    ...process.env,
    ...{ SWATH_INBOX: inbox, SWATH_OUTBOX: outbox, SWATH_MOUNTED: at, SWATH_OWNER: String(owner) },
    ...{ SWATH_LOCK: join(dir, "lock"), SWATH_WAIT_S: String(waitS), ...more },
  };
  const child = spawn(script, ["/dev/none"], { env, stdio: ["ignore", "pipe", "pipe"] });
  running.push(child);
  let out = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      out += chunk;
    });
  return new Promise((done) => child.once("close", (code) => done({ code, out })));
}

const owned = (path: string, bytes: string | Uint8Array) => {
  writeFileSync(path, bytes, { mode: 0o600 });
  chownSync(path, owner, owner);
};
const ask = (what: string) => writeFileSync(join(at, `swath-${what}.request`), "u1\n");
/** What a unit does: waits for the request, fills the outbox, answers. */
async function unitAnswers(what: string, answer: string, files: Readonly<Record<string, string | Uint8Array>>) {
  await until("the request", () => existsSync(join(inbox, `swath-${what}.request`)));
  for (const [name, bytes] of Object.entries(files)) owned(join(outbox, name), bytes);
  owned(join(inbox, `swath-${what}.request.txt`), `${answer}\n`);
}
const onStick = (name: string) => readFileSync(join(at, name), "utf8");
const WHOLE = { unit: "u1", "report.txt": "a report\n", "records.sealed": "sealed" };

describe("a stick that asks", () => {
  it("carries the report and the records away, and the outbox is empty afterwards", async () => {
    ask("records");
    ask("report");
    const [{ code }] = await Promise.all([serve(), unitAnswers("records", "DONE: 7 records written", WHOLE)]);
    expect(code).toBe(0);
    expect(onStick("swath-report-u1.txt")).toBe("a report\n");
    expect(onStick("swath-records-u1-1.sealed")).toBe("sealed");
    expect(onStick("swath-answer.txt")).toBe(
      "DONE: 7 records written\nswath-report-u1.txt: written, 9 bytes\nswath-records-u1-1.sealed: written, 6 bytes\n",
    );
    expect(readdirSync(outbox)).toEqual([]);
    expect(readdirSync(at).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("never loses records that it carries already, and serves many units", async () => {
    ask("records");
    for (const [unit, n] of [
      ["u1", 1],
      ["u1", 2],
      ["u2", 1],
    ] as const) {
      const bytes = `sealed by ${unit}, ${n}`;
      await Promise.all([serve(), unitAnswers("records", "DONE", { ...WHOLE, unit, "records.sealed": bytes })]);
      expect(onStick(`swath-records-${unit}-${n}.sealed`)).toBe(bytes);
      rmSync(join(inbox, "swath-records.request"));
    }
    expect(readdirSync(at).filter((name) => name.endsWith(".sealed"))).toHaveLength(3);
  });

  it("gets a report alone, and is told when the unit refuses", async () => {
    ask("report");
    const { report } = { report: { unit: "u1", "report.txt": "a report\n" } };
    const [{ code }] = await Promise.all([serve(), unitAnswers("report", "DONE: report written", report)]);
    expect(code).toBe(0);
    rmSync(join(at, "swath-report.request"));
    ask("records");
    const said = "REFUSED: no export key of HQ is set (hq.exportKeyFile); records were not written";
    await Promise.all([serve(), unitAnswers("records", said, report)]);
    expect(onStick("swath-answer.txt")).toBe(`${said}\nswath-report-u1.txt: written, 9 bytes\n`);
    expect(readdirSync(at).some((name) => name.endsWith(".sealed"))).toBe(false);
  });

  it("and brings a configuration has both served", async () => {
    ask("report");
    writeFileSync(join(at, "x.swath"), "signed");
    const done = serve();
    await until("the bundle", () => existsSync(join(inbox, "usb-x.swath")));
    owned(join(inbox, "usb-x.swath.txt"), "ACCEPTED\n");
    await unitAnswers("report", "DONE", { unit: "u1", "report.txt": "a report\n" });
    expect((await done).code).toBe(0);
    expect(onStick("swath-answer.txt")).toBe("ACCEPTED\nDONE\nswath-report-u1.txt: written, 9 bytes\n");
  });

  it("has its request taken back when no unit answers", async () => {
    ask("report");
    expect((await serve(0)).code).toBe(1);
    expect(readdirSync(inbox)).toEqual([]);
  });

  it.each<[string, () => void]>([
    ["a link to a file of the unit", () => symlinkSync(victim, join(at, "swath-report.request"))],
    ["a folder of that name", () => mkdirSync(join(at, "swath-report.request"))],
    [
      "a file of a gigabyte",
      () => {
        ask("report");
        truncateSync(join(at, "swath-report.request"), 2 ** 30);
      },
    ],
  ])("with %s asks nothing", async (_, plant) => {
    plant();
    expect((await serve(0)).code).toBe(0);
    expect(readdirSync(inbox)).toEqual([]);
  });

  it("has nothing written where links on it lead", async () => {
    ask("records");
    const names = ["swath-report-u1.txt", "swath-records-u1-1.sealed", "swath-answer.txt", ".swath-new"];
    for (const name of names) symlinkSync(victim, join(at, name));
    await Promise.all([serve(), unitAnswers("records", "DONE", WHOLE)]);
    expect(readFileSync(victim, "utf8")).toBe("a secret of root's");
    expect(lstatSync(join(at, "swath-report-u1.txt")).isFile()).toBe(true);
    expect(onStick("swath-records-u1-2.sealed")).toBe("sealed");
    expect(onStick("swath-answer.txt")).toContain("swath-records-u1-2.sealed: written");
  });

  it.runIf(mine === 0)(
    "carries away nothing that the outbox's owner linked to or may not read, and no name but a tame one",
    async () => {
      ask("records");
      const done = serve();
      await until("the request", () => existsSync(join(inbox, "swath-records.request")));
      symlinkSync(victim, join(outbox, "records.sealed"));
      owned(join(outbox, "unit"), "../../etc/u 1\n$(id)");
      writeFileSync(join(outbox, "report.txt"), "a secret of root's", { mode: 0o600 });
      owned(join(inbox, "swath-records.request.txt"), "DONE\n");
      await done;
      expect(readdirSync(at).sort()).toEqual(["swath-answer.txt", "swath-records.request"]);
      expect(onStick("swath-answer.txt")).toContain("swath-report-etcu1id.txt: NOT WRITTEN");
      expect(onStick("swath-answer.txt")).not.toContain("secret");
    },
  );

  it("is told what it has no room for, and what is too long is not copied", async () => {
    ask("records");
    const huge = serve(30, { SWATH_MOST_OUT: "5" });
    await Promise.all([huge, unitAnswers("records", "DONE", { ...WHOLE, "report.txt": "tiny" })]);
    expect(onStick("swath-answer.txt")).toContain("records.sealed: 6 bytes, at most 5 are copied");
    expect(onStick("swath-report-u1.txt")).toBe("tiny");
    expect(readdirSync(at).some((name) => name.endsWith(".sealed"))).toBe(false);
  });
});

describe.runIf(mine === 0)("a stick with a file system of its own", () => {
  const image = () => join(dir, "image");
  const mounted = <T>(use: (folder: string) => T): T => {
    const folder = mkdtempSync(join(dir, "look-"));
    execFileSync("mount", ["-o", "loop", image(), folder]);
    try {
      return use(folder);
    } finally {
      execFileSync("umount", [folder]);
    }
  };

  function withDevice<T>(use: (device: string) => Promise<T>): Promise<T> {
    const device = execFileSync("losetup", ["--find", "--show", image()], { encoding: "utf8" }).trim();
    return use(device).finally(() => execFileSync("losetup", ["-d", device]));
  }

  function plug(device: string, waitS = 60): ChildProcess {
    const env = {
      ...process.env,
      ...{ SWATH_INBOX: inbox, SWATH_OUTBOX: outbox, SWATH_OWNER: String(owner) },
      ...{ SWATH_LOCK: join(dir, "lock"), SWATH_WAIT_S: String(waitS) },
    };
    // In a mount namespace of its own, as PrivateMounts gives it: what is killed leaves nothing mounted.
    const child = spawn("unshare", ["-m", "--kill-child", SCRIPT, device], { env, stdio: "ignore" });
    running.push(child);
    return child;
  }
  const ended = (child: ChildProcess) => new Promise<number | null>((done) => child.once("close", done));

  beforeEach(() => {
    writeFileSync(image(), "");
    truncateSync(image(), 16 << 20);
    execFileSync("mkfs.ext4", ["-q", "-F", image()]);
    mounted((folder) => writeFileSync(join(folder, "swath-records.request"), ""));
  });

  it("is read without being written, then written once, and is whole when it is taken off", async () => {
    const records = Buffer.alloc(3 << 20, "sealed ");
    const code = await withDevice(async (device) => {
      const child = plug(device);
      const done = ended(child);
      await until("the request", () => existsSync(join(inbox, "swath-records.request")));
      expect(readFileSync(`/proc/${child.pid}/mounts`, "utf8")).toMatch(/swath-usb\.\S+ ext4 ro,nosuid,nodev,noexec/);
      await unitAnswers("records", "DONE", { ...WHOLE, "records.sealed": records });
      return done;
    });
    expect(code).toBe(0);
    mounted((folder) => {
      expect(readFileSync(join(folder, "swath-records-u1-1.sealed")).equals(records)).toBe(true);
      expect(readFileSync(join(folder, "swath-report-u1.txt"), "utf8")).toBe("a report\n");
    });
    expect(readdirSync("/run").filter((name) => name.startsWith("swath-usb."))).toEqual([]);
  });
});

/**
 * Programs in front of the real ones: `sleep` is the unit, which answers at once; `dd`, `mv` and `sync` are counted, and the
 * one-shot is killed before, after or, of `dd`, in the middle of one of them, as when the stick is pulled there.
 */
function shims(): string {
  const bin = join(dir, "bin");
  mkdirSync(bin);
  const put = (name: string, text: string) => writeFileSync(join(bin, name), `#!/bin/sh\n${text}`, { mode: 0o755 });
  put(
    "sleep",
    `cp "${dir}"/made/* "${outbox}/"; chown -R ${owner} "${outbox}"; echo DONE >"${inbox}/swath-records.request.txt"\n`,
  );
  for (const name of ["dd", "mv", "sync"])
    put(
      name,
      `export PATH="$REAL"
case " $* " in *"${at}"*) ;; *) exec ${name} "$@" ;; esac
n=$(($(cat "${dir}/count" 2>/dev/null || echo 0) + 1)); echo $n >"${dir}/count"; echo ${name} >>"${dir}/steps"
cut() { if [ "$n" = "$CUT_AT" ] && [ "$CUT" = "$1" ]; then kill -9 $PPID; exit 1; fi; }
cut before
if [ ${name} = dd ] && [ "$n" = "$CUT_AT" ] && [ "$CUT" = half ]; then head -c 5 | dd "$@"; kill -9 $PPID; exit 1; fi
${name} "$@" || exit $?
cut after
`,
    );
  return bin;
}

describe("a stick that is pulled, or a unit that loses its power, while it is written", () => {
  const earlier = { "swath-report-u1.txt": "an earlier report\n", "swath-answer.txt": "an earlier answer\n" };
  const later = { "swath-report-u1.txt": "a whole report\n", "swath-records-u1-1.sealed": "sealed and whole" };

  const isWhole = (name: string, text: string) =>
    [...Object.entries(earlier), ...Object.entries(later)].some(([n, t]) => n === name && t === text) ||
    /^DONE\n(.*written, \d+ bytes\n){2}$/.test(text);

  /** Serves a stick and is cut there; what is half under a real name. */
  function cutter(script: string) {
    const bin = shims();
    const made = {
      unit: "u1",
      "report.txt": later["swath-report-u1.txt"],
      "records.sealed": later["swath-records-u1-1.sealed"],
    };
    mkdirSync(join(dir, "made"));
    for (const [name, text] of Object.entries(made)) writeFileSync(join(dir, "made", name), text);
    const run = (cut: string, cutAt: number) => {
      rmSync(join(dir, "count"), { force: true });
      const path = process.env["PATH"];
      return serve(2, { PATH: `${bin}:${path}`, REAL: path, CUT: cut, CUT_AT: String(cutAt) }, script);
    };
    return {
      run,
      async cut(cut: string, cutAt: number): Promise<string[]> {
        for (const folder of [at, inbox, outbox]) for (const name of readdirSync(folder)) rmSync(join(folder, name));
        for (const [name, text] of Object.entries(earlier)) writeFileSync(join(at, name), text);
        ask("records");
        expect((await run(cut, cutAt)).code === 0, `${cut} step ${cutAt}`).toBe(cut === "never");
        const names = readdirSync(at).filter((one) => /^swath-.*(txt|sealed)$/.test(one));
        return names.filter((name) => !isWhole(name, onStick(name)));
      },
    };
  }

  it("has the old or the new of every file, never a half, and the next time all of it", async () => {
    const { run, cut } = cutter(SCRIPT);
    expect(await cut("never", 0)).toEqual([]);
    const steps = readFileSync(join(dir, "steps"), "utf8").trim().split("\n");
    expect(steps).toEqual(["dd", "mv", "sync", "dd", "mv", "sync", "dd", "mv", "sync"]);
    const half: string[] = [];
    let cuts = 0;
    for (const [i, step] of steps.entries()) {
      // Before one is behind the one before.
      for (const when of [...(i === 0 ? ["before"] : []), "after", ...(step === "dd" ? ["half"] : [])]) {
        half.push(...(await cut(when, i + 1)));
        cuts++;
      }
      if (step !== "dd") continue;
      // What was left over is gone the next time, and all is there.
      expect((await run("never", 0)).code).toBe(0);
      expect(readdirSync(at).filter((name) => name.startsWith("."))).toEqual([]);
      expect(onStick("swath-report-u1.txt")).toBe(later["swath-report-u1.txt"]);
      expect(onStick("swath-records-u1-1.sealed")).toBe(later["swath-records-u1-1.sealed"]);
    }
    console.log(`cut at ${cuts} places: ${half.length} halves under a real name`);
    expect(half).toEqual([]);
  }, 300_000);

  it("negative control: written under its real name at once, a half is found", async () => {
    const hasty = join(dir, "hasty");
    const text = readFileSync(SCRIPT, "utf8")
      .replaceAll('of="$at/.swath-new" bs=1M iflag=fullblock conv=excl,', 'of="$at/$2" bs=1M iflag=fullblock conv=')
      .replaceAll('mv -fT "$at/.swath-new" "$at/$2"', "true")
      .replaceAll('stat -c %s "$at/.swath-new"', 'stat -c %s "$at/$2"');
    writeFileSync(hasty, text, { mode: 0o755 });
    const { cut } = cutter(hasty);
    expect(await cut("never", 0)).toEqual([]);
    expect(await cut("half", 1)).toEqual(["swath-report-u1.txt"]);
  }, 300_000);
});
