import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
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

const scripts = resolve(import.meta.dirname, "../../scripts");
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "swath-install-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** What an archive holds, with as little in it as the scripts need, and an empty root to install into. */
function archive() {
  const from = join(dir, "archive");
  const root = join(dir, "root");
  mkdirSync(join(from, "dist/src/cli"), { recursive: true });
  mkdirSync(join(root, "boot/firmware"), { recursive: true });
  cpSync(scripts, join(from, "scripts"), { recursive: true });
  writeFileSync(join(from, "package.json"), "{}");
  writeFileSync(join(from, "dist/src/cli/main.js"), "");
  writeFileSync(join(root, "boot/firmware/config.txt"), "arm_64bit=1\n");
  const run = (name: string, ...args: string[]) =>
    execFileSync(join(from, "scripts", name), ["--destdir", root, ...args], { encoding: "utf8" });
  const files = () => readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
  return { root, run, files };
}

describe("install.sh and uninstall.sh", () => {
  it("changes nothing in a dry run, says what it does, does nothing a second time, and is undone", () => {
    const { root, run, files } = archive();
    const before = files();
    const dry = run("install.sh", "--dry-run");
    expect(files()).toEqual(before);
    const first = run("install.sh");
    const lines = (text: string) => text.split("\n").filter((l) => /^(write|copy|folder|setting|enable|link) /.test(l));
    expect(lines(first)).toEqual(lines(dry));
    expect(lines(first).length).toBeGreaterThan(10);
    for (const file of [
      "etc/systemd/system/swath.service",
      "etc/udev/rules.d/60-swath.rules",
      "opt/swath/dist/src/cli/main.js",
    ])
      expect(existsSync(join(root, file)), file).toBe(true);
    const boot = readFileSync(join(root, "boot/firmware/config.txt"), "utf8");
    expect(boot).toBe("arm_64bit=1\ndtparam=i2c_arm=on,i2c_arm_baudrate=400000\nenable_uart=1\ndtparam=watchdog=on\n");
    const after = files();
    expect(run("install.sh")).toContain("nothing to do: all is as it should be");
    expect(files()).toEqual(after);
    writeFileSync(join(root, "etc/swath/keys/hq.pub"), "x");
    expect(run("uninstall.sh")).toContain("kept    /var/lib/swath and /etc/swath");
    expect(files().filter((f) => /swath/.test(f))).toEqual(["etc/swath", "etc/swath/keys", "etc/swath/keys/hq.pub"]);
    run("uninstall.sh", "--records");
    expect(files().filter((f) => /swath/.test(f))).toEqual([]);
  });
});

describe("an archive", () => {
  const sums = (from: string) => {
    const text = execFileSync("sh", ["-c", "find . -type f ! -name SHA256SUMS -exec sha256sum {} +"], { cwd: from });
    writeFileSync(join(from, "SHA256SUMS"), text);
  };

  it("is installed when every file is as it was made, and refused whole, with the file named, when one byte is not", () => {
    const { root, run, files } = archive();
    const from = join(dir, "archive");
    sums(from);
    const before = files();
    writeFileSync(join(from, "dist/src/cli/main.js"), " ");
    const { status, stderr } = spawnSync(join(from, "scripts/install.sh"), ["--destdir", root], { encoding: "utf8" });
    expect(status).toBe(65);
    expect(stderr).toContain("dist/src/cli/main.js: FAILED");
    expect(stderr).toContain("this copy of the archive is damaged");
    expect(files()).toEqual(before);
    writeFileSync(join(from, "dist/src/cli/main.js"), "");
    expect(run("install.sh")).toContain("copy    /opt/swath/dist");
  });

  it("for another processor is refused before anything is changed", () => {
    archive();
    const from = join(dir, "archive");
    writeFileSync(join(from, "ARCHIVE"), "arch=pdp11\n");
    const { status, stderr } = spawnSync(join(from, "scripts/install.sh"), [], { encoding: "utf8" });
    expect(status).toBe(65);
    expect(stderr).toContain("this archive is for pdp11, this computer is");
  });

  it("is not made where something is missing, and all that is missing is said", () => {
    const from = join(dir, "clone");
    cpSync(scripts, join(from, "scripts"), { recursive: true });
    const tools = join(dir, "tools");
    mkdirSync(tools);
    for (const tool of ["bash", "dirname", "realpath", "node", "tar", "gzip", "sha256sum"])
      symlinkSync(execFileSync("sh", ["-c", `command -v ${tool}`], { encoding: "utf8" }).trim(), join(tools, tool));
    const other = process.arch === "x64" ? "arm64" : "x64";
    const { status, stderr } = spawnSync(join(from, "scripts/package"), ["--arch", other], {
      encoding: "utf8",
      env: { PATH: tools },
    });
    expect(status).toBe(69);
    for (const line of [
      "the program is not built: npm ci && npm run build",
      "i2c-bus or serialport is not in node_modules",
      "npm is missing: apt-get install npm",
      "python3 is missing: apt-get install python3",
      `the cross compiler for ${other} is missing: apt-get install g++-`,
    ])
      expect(stderr).toContain(line);
  });
});

describe("the services", () => {
  it.each([
    ["swath-sampler.service", 0.6],
    ["swath.service", 1.1],
  ])("%s is exposed no more than %s by the measure of systemd", (name, most) => {
    const out = execFileSync(
      "systemd-analyze",
      ["security", "--offline=true", "--no-pager", join(scripts, "install", name)],
      {
        encoding: "utf8",
      },
    );
    const found = Number(/exposure level for \S+: ([0-9.]+)/.exec(out)?.[1]);
    console.log(`${name}: exposure ${found}`);
    expect(found).toBeLessThanOrEqual(most);
  });

  it("are started again for ever, and watched", () => {
    for (const name of ["swath-sampler.service", "swath.service"]) {
      const text = readFileSync(join(scripts, "install", name), "utf8");
      for (const line of ["Restart=always", "StartLimitIntervalSec=0", "WatchdogSec=30", "NotifyAccess=main"])
        expect(text.split("\n"), name).toContain(line);
    }
  });
});

describe("swath-run", () => {
  /** Starts a program under it with a socket in systemd's place; what came there, line by line. */
  function under(program: string) {
    const socket = join(dir, "notify");
    const ear = spawn("python3", [
      "-uc",
      `import socket\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\ns.bind(${JSON.stringify(socket)})\nprint("up")\nwhile True: print(s.recv(4096).decode())`,
    ]);
    let heard = "";
    ear.stdout.on("data", (chunk) => {
      heard += chunk;
    });
    const start = () =>
      spawn(join(scripts, "install/swath-run"), [process.execPath, "-e", program], {
        env: { ...process.env, NOTIFY_SOCKET: socket },
      });
    return { ear, start, heard: () => heard };
  }

  it("hands on signs of life and nothing else, passes a stop on, and ends as the program ends", async () => {
    const program =
      'const fs=require("fs");const fd=Number(process.env.SWATH_NOTIFY_FD);fs.writeSync(fd,"READY=1\\nMAINPID=1\\nWATCHDOG=1\\n");process.on("SIGTERM",()=>process.exit(7));setInterval(()=>{},1000)';
    const { ear, start, heard } = under(program);
    try {
      await until("the socket", () => heard().includes("up"));
      const child = start();
      const code = new Promise((done) => child.once("exit", done));
      await until("signs of life", () => heard().includes("WATCHDOG=1"));
      child.kill("SIGTERM");
      expect(await code).toBe(7);
      expect(heard()).toBe("up\nREADY=1\nWATCHDOG=1\n");
    } finally {
      ear.kill("SIGKILL");
    }
  });

  it("ends when the program is killed", () => {
    const { status } = spawnSync(join(scripts, "install/swath-run"), [
      process.execPath,
      "-e",
      'process.kill(process.pid, "SIGKILL")',
    ]);
    expect(status).toBe(128 + 9);
  });
});

describe("a stick", () => {
  const mine = process.getuid?.() ?? 0;
  /** Under root, whose rights go further than its own: nobody. */
  const owner = mine === 0 ? 65534 : mine;

  /** A stick with one bundle, a file and a folder that are not the unit's, and an inbox of another user's. */
  function hostileInbox() {
    const [at, inbox, victim, away] = ["stick", "inbox", "victim", "away"].map((name) => join(dir, name)) as [
      string,
      string,
      string,
      string,
    ];
    chmodSync(dir, 0o755);
    for (const folder of [at, inbox, away]) mkdirSync(folder, { mode: 0o700 });
    chownSync(inbox, owner, owner);
    writeFileSync(victim, "a secret of root's", { mode: 0o600 });
    writeFileSync(join(at, "x.swath"), "signed");
    const lock = join(dir, "lock");
    const env = {
      ...process.env,
      ...{ SWATH_INBOX: inbox, SWATH_MOUNTED: at, SWATH_OWNER: String(owner), SWATH_LOCK: lock },
    };
    const start = (waitS: number) => {
      const child = spawn(join(scripts, "install/usb-inbox"), ["/dev/none"], {
        env: { ...env, SWATH_WAIT_S: String(waitS) },
        stdio: "ignore",
      });
      return new Promise<number | null>((done) => child.once("exit", done));
    };
    return { at, inbox, victim, away, start };
  }

  function stick(
    prepare: (at: string) => void,
    answer = true,
  ): { readonly status: number | null; readonly out: string; readonly inbox: string[] } {
    const at = join(dir, "stick");
    const inbox = join(dir, "inbox");
    mkdirSync(at);
    mkdirSync(inbox);
    prepare(at);
    if (answer) writeFileSync(join(inbox, "unit"), "");
    const own = { SWATH_INBOX: inbox, SWATH_MOUNTED: at, SWATH_OWNER: `${mine}`, SWATH_LOCK: join(dir, "lock") };
    const env = { ...process.env, ...own, SWATH_WAIT_S: "0" };
    const { status, stdout } = spawnSync(join(scripts, "install/usb-inbox"), ["/dev/none"], { env, encoding: "utf8" });
    return { status, out: stdout, inbox: readdirSync(inbox).filter((n) => n !== "unit") };
  }

  it("gives its newest bundle to the inbox under a tame name, whole", () => {
    const { inbox } = stick((at) => writeFileSync(join(at, "unit 7 ü$(x).swath"), "signed"));
    expect(inbox).toEqual(["usb-unit7x.swath"]);
    expect(readFileSync(join(dir, "inbox", "usb-unit7x.swath"), "utf8")).toBe("signed");
  });

  it.each<[string, (at: string) => void]>([
    ["a link to a file of the unit", (at) => symlinkSync("/etc/passwd", join(at, "x.swath"))],
    [
      "a file of a gigabyte",
      (at) => {
        writeFileSync(join(at, "x.swath"), "");
        truncateSync(join(at, "x.swath"), 2 ** 30);
      },
    ],
    ["a folder of that name", (at) => mkdirSync(join(at, "x.swath"))],
    ["a folder with files in it", (at) => cpSync(import.meta.dirname, join(at, "y.swath"), { recursive: true })],
    ["nothing", () => undefined],
  ])("with %s gives nothing", (_, prepare) => {
    expect(stick(prepare)).toMatchObject({ status: 0, inbox: [] });
  });

  it("gets the unit's answer as a file of its own, also where a link of that name leads elsewhere", async () => {
    const [at, inbox, victim] = [join(dir, "stick"), join(dir, "inbox"), join(dir, "victim")];
    for (const folder of [at, inbox]) mkdirSync(folder);
    writeFileSync(victim, "untouched");
    writeFileSync(join(at, "x.swath"), "signed");
    symlinkSync(victim, join(at, "swath-answer.txt"));
    const own = { SWATH_INBOX: inbox, SWATH_MOUNTED: at, SWATH_OWNER: `${mine}`, SWATH_LOCK: join(dir, "lock") };
    const env = { ...process.env, ...own };
    const child = spawn(join(scripts, "install/usb-inbox"), ["/dev/none"], { env });
    const code = new Promise((done) => child.once("exit", done));
    await until("the bundle", () => existsSync(join(inbox, "usb-x.swath")));
    writeFileSync(join(inbox, "usb-x.swath.txt"), "ACCEPTED\n");
    expect(await code).toBe(0);
    expect(readFileSync(victim, "utf8")).toBe("untouched");
    expect(lstatSync(join(at, "swath-answer.txt")).isFile()).toBe(true);
    expect(readFileSync(join(at, "swath-answer.txt"), "utf8")).toBe("ACCEPTED\n");
  });

  it("is copied past links that the inbox's owner planted under the names of the copy", async () => {
    const { inbox, victim, start } = hostileInbox();
    for (const name of [".usb-x.swath.new", "usb-x.swath", "usb-x.swath.txt"]) symlinkSync(victim, join(inbox, name));
    expect(await start(0)).toBe(1);
    expect(readFileSync(victim, "utf8")).toBe("a secret of root's");
    expect(lstatSync(victim).uid).toBe(mine);
    expect(readFileSync(join(inbox, "usb-x.swath"), "utf8")).toBe("signed");
    expect(lstatSync(join(inbox, "usb-x.swath"))).toMatchObject({ uid: owner });
  });

  it("carries away no file that the inbox's owner linked to in place of an answer", async () => {
    const { at, inbox, victim, start } = hostileInbox();
    const code = start(5);
    await until("the bundle", () => existsSync(join(inbox, "usb-x.swath")));
    symlinkSync(victim, join(inbox, "usb-x.swath.txt"));
    expect(await code).toBe(1);
    expect(existsSync(join(at, "swath-answer.txt"))).toBe(false);
  });

  it.runIf(mine === 0)("puts nothing into a folder of root's that the inbox was made a link to", async () => {
    const { inbox, away, start } = hostileInbox();
    rmSync(inbox, { recursive: true });
    symlinkSync(away, inbox);
    expect(await start(0)).not.toBe(0);
    expect(readdirSync(away)).toEqual([]);
  });
});
