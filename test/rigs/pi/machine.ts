import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../unit.ts";
import { type Answer, answersIn } from "./answers.ts";
import { rewriteMemory } from "./memory.ts";

/** How the Pi is started. */
export interface PiKind {
  /** What runs on it: systemd, or the rig's agent alone. */
  readonly first: "systemd" | "plain";
  /** Files that are copied to /rig there. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** What the 24C32 holds: 4096 bytes. */
  readonly eeprom: Uint8Array;
}

/** An emulated Raspberry Pi 3B: thermometer, clock and EEPROM on its I2C bus, a network through USB, and a console. */
export interface PiMachine {
  /** All that stands on its console, and what QEMU complained about. */
  readonly console: string;
  /** What it said of itself when it was up: seconds, model, kernel, first process. */
  up(limitMs: number): Promise<string>;
  /** Runs a line of shell as root there, and waits for its end. */
  run(line: string, limitMs: number): Promise<Answer>;
  /** Sets the thermometer, in °C. */
  setTemperature(cel: number): Promise<void>;
  /** Puts the battery-backed clock forward by so many seconds against the time here. */
  setClockAhead(seconds: number): void;
  /** Replaces the content of the EEPROM while the Pi runs: 4096 bytes. */
  setEeprom(content: Uint8Array): void;
  stop(): void;
}

/** Where the unpacked QEMU finds its libraries. */
const LIBRARIES = ["usr/lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/pulseaudio"];
/** The clock chip has the time of the host; this library puts it forward for QEMU by what a file says. */
const FAKE_TIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
/** The host, as the Pi sees it. */
export const HOST_FROM_PI = "10.0.2.2";

/** Boots the Pi that `prepare.sh` and `image.sh` made in `work`, with a throw-away copy of its card. */
export function bootPi(work: string, kind: PiKind): PiMachine {
  const dir = mkdtempSync(join(tmpdir(), "swath-pi-"));
  mkdirSync(join(dir, "ram/share"), { recursive: true });
  for (const [name, content] of Object.entries(kind.files)) writeFileSync(join(dir, "ram/share", name), content);
  let rom = kind.eeprom;
  writeFileSync(join(dir, "eeprom.bin"), rom);
  writeFileSync(join(dir, "clock"), "+0\n");
  const ram = join(dir, "initrd.gz");
  const pack = 'cd ram && find share | cpio --quiet -o -H newc | gzip -1 >../share.gz && cat "$1" ../share.gz >"$2"';
  execFileSync("sh", ["-c", pack, "sh", join(work, "initrd.gz"), ram], { cwd: dir });
  const card = join(dir, "card.qcow2");
  execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "raw", "-b", join(work, "card.img"), card]);
  const consoleFile = join(dir, "console.log");
  writeFileSync(consoleFile, "");
  const qmp = join(dir, "qmp.sock");
  const line = join(dir, "console.sock");
  const rig = kind.first === "plain" ? "rig=plain" : "systemd.show_status=0";
  const qemu: ChildProcess = spawn(
    join(work, "qemu/usr/lib64/ld-linux-x86-64.so.2"),
    [
      ...["--library-path", LIBRARIES.map((lib) => join(work, "qemu", lib)).join(":")],
      join(work, "qemu/usr/bin/qemu-system-aarch64"),
      ...["-L", join(work, "qemu/usr/share/qemu"), "-M", "raspi3b"],
      ...["-display", "none", "-no-reboot", "-monitor", "none", "-qmp", `unix:${qmp},server=on,wait=off`],
      // The Pi's time is the number of its instructions: a slow host makes it slow, never late.
      ...["-icount", "shift=1"],
      ...["-chardev", `socket,id=line,path=${line},server=on,wait=off,logfile=${consoleFile}`],
      ...["-serial", "null", "-serial", "chardev:line"],
      ...["-kernel", join(work, "Image"), "-dtb", join(work, "rpi3b.dtb"), "-initrd", ram],
      ...["-append", `console=ttyS1,115200 quiet panic=-1 rw net.ifnames=0 ${rig}`],
      ...["-drive", `if=sd,format=qcow2,file=${card}`],
      ...["-netdev", "user,id=net,restrict=off", "-device", "usb-net,netdev=net"],
      ...["-drive", `if=none,id=rom,format=raw,file=${join(dir, "eeprom.bin")}`],
      // Behind channel 0 of a multiplexer the thermometer's plug can be pulled.
      ...["-device", "pca9548,id=mux,bus=i2c-bus.1,address=0x70", "-device", "tmp105,id=temp,bus=i2c.0,address=0x48"],
      ...["-device", "ds1338,bus=i2c-bus.1,address=0x68"],
      ...["-device", "at24c-eeprom,bus=i2c-bus.1,address=0x50,rom-size=4096,drive=rom"],
    ],
    {
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        ...process.env,
        QEMU_MODULE_DIR: join(work, "qemu/usr/lib/x86_64-linux-gnu/qemu"),
        LD_PRELOAD: FAKE_TIME,
        FAKETIME_TIMESTAMP_FILE: join(dir, "clock"),
        FAKETIME_CACHE_DURATION: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
      },
    },
  );
  let complaints = "";
  let ended = false;
  qemu.stderr?.on("data", (chunk) => {
    complaints += chunk;
  });
  qemu.on("error", (e) => {
    complaints += e.message;
    ended = true;
  });
  qemu.on("exit", (code, signal) => {
    complaints += `QEMU ended: ${code ?? signal}\n`;
    ended = true;
  });

  const text = () => `${readFileSync(consoleFile, "utf8")}${complaints}`;
  let keyboard: Socket | undefined;
  let lines = 0;
  /** Waits until the console says something; a machine that is gone says nothing more. */
  const said = <T>(what: string, find: () => T | undefined, limitMs: number) =>
    until(
      `the Pi: ${what}`,
      () => {
        if (ended) throw new Error(`the Pi is gone\n${text()}`);
        return find();
      },
      limitMs,
      () => text().slice(-8000),
    );
  return {
    get console() {
      return text();
    },
    async up(limitMs) {
      const found = await said("to be up", () => /^PI up (.*)$/m.exec(text()) ?? undefined, limitMs);
      return found[1]!.trim();
    },
    async run(command, limitMs) {
      keyboard ??= await openKeyboard(line);
      const number = ++lines;
      keyboard.write(`${command}\n`);
      return said(command, () => answersIn(text()).get(number), limitMs);
    },
    async setTemperature(cel) {
      const set = { path: "/machine/peripheral/temp", property: "temperature", value: Math.round(cel * 1000) };
      await ask(qmp, "qom-set", set);
    },
    setClockAhead(seconds) {
      writeFileSync(join(dir, "clock"), `+${seconds}\n`);
    },
    setEeprom(content) {
      rewriteMemory(qemu.pid ?? 0, rom, content);
      rom = content;
    },
    stop() {
      keyboard?.destroy();
      qemu.kill("SIGKILL");
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A connection to the console's input; what comes back is read from its log. */
async function openKeyboard(path: string): Promise<Socket> {
  const socket = connect(path);
  await new Promise<void>((done, failed) => {
    socket.once("connect", done);
    socket.once("error", failed);
  });
  socket.on("error", () => undefined);
  socket.resume();
  return socket;
}

/** One command over QEMU's machine protocol, on a connection of its own. */
async function ask(path: string, execute: string, args: object): Promise<void> {
  const socket: Socket = connect(path);
  let heard = "";
  const answers = (count: number) =>
    heard
      .split("\n")
      .filter((line) => /"(QMP|return|error)"/.test(line))
      .slice(0, count);
  await new Promise<void>((done, failed) => {
    socket.on("error", failed);
    socket.on("data", (chunk) => {
      const before = answers(9).length;
      heard += chunk;
      const now = answers(9);
      if (before < 1 && now.length >= 1) socket.write(`${JSON.stringify({ execute: "qmp_capabilities" })}\n`);
      if (before < 2 && now.length >= 2) socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
      if (now.length >= 3) {
        if (now[2]!.includes('"error"')) failed(new Error(now[2]));
        else done();
      }
    });
  });
  socket.destroy();
}
