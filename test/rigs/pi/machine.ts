import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A line that the guest's script wrote to the console: `PI <what> <json>`. */
export interface Said {
  readonly what: string;
  readonly body: Record<string, unknown>;
}

/** An emulated Raspberry Pi 3B with sensors on its second I2C bus, and what it says on its console. */
export interface PiMachine {
  readonly said: readonly Said[];
  readonly console: string;
  /** Whether the machine has ended: by itself it never should. */
  readonly ended: boolean;
  /** Sets the thermometer, in °C. */
  setTemperature(cel: number): Promise<void>;
  stop(): void;
}

/** Where the unpacked QEMU finds its libraries. */
const LIBRARIES = ["usr/lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/pulseaudio"];
const here = import.meta.dirname;

/**
 * Boots the Pi that `prepare.sh` and `image.sh` made in `work`. `share` is copied into the guest's /share beside guest.mjs;
 * `eeprom` is what the 24C32 holds. The card is a throw-away copy.
 */
export function bootPi(work: string, share: Readonly<Record<string, string>>, eeprom: Uint8Array): PiMachine {
  const dir = mkdtempSync(join(tmpdir(), "swath-pi-"));
  mkdirSync(join(dir, "ram/share"), { recursive: true });
  cpSync(join(here, "guest.mjs"), join(dir, "ram/share/guest.mjs"));
  for (const [name, text] of Object.entries(share)) writeFileSync(join(dir, "ram/share", name), text);
  const rom = Buffer.alloc(4096, 0xff);
  rom.set(eeprom);
  writeFileSync(join(dir, "eeprom.bin"), rom);
  const ram = join(dir, "initrd.gz");
  execFileSync(
    "sh",
    [
      "-c",
      'cd ram && find share | cpio --quiet -o -H newc | gzip -1 >../share.gz && cat "$1" ../share.gz >"$2"',
      "sh",
      join(work, "initrd.gz"),
      ram,
    ],
    { cwd: dir },
  );
  const card = join(dir, "card.qcow2");
  execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "raw", "-b", join(work, "card.img"), card]);
  const consoleFile = join(dir, "console.log");
  writeFileSync(consoleFile, "");
  const qmp = join(dir, "qmp.sock");
  const qemu: ChildProcess = spawn(
    join(work, "qemu/usr/lib64/ld-linux-x86-64.so.2"),
    [
      ...["--library-path", LIBRARIES.map((lib) => join(work, "qemu", lib)).join(":")],
      join(work, "qemu/usr/bin/qemu-system-aarch64"),
      ...[
        "-L",
        join(work, "qemu/usr/share/qemu"),
        "-M",
        "raspi3b",
        "-display",
        "none",
        "-no-reboot",
        "-monitor",
        "none",
      ],
      ...["-serial", "null", "-serial", `file:${consoleFile}`, "-qmp", `unix:${qmp},server=on,wait=off`],
      ...["-kernel", join(work, "Image"), "-dtb", join(work, "rpi3b.dtb"), "-initrd", ram],
      ...["-append", "console=ttyS1,115200 quiet panic=-1 rw"],
      ...["-drive", `if=sd,format=qcow2,file=${card}`],
      ...["-drive", `if=none,id=rom,format=raw,file=${join(dir, "eeprom.bin")}`],
      ...["-device", "pca9548,id=mux,bus=i2c-bus.1,address=0x70", "-device", "tmp105,id=temp,bus=i2c.0,address=0x48"],
      ...["-device", "ds1338,bus=i2c-bus.1,address=0x68"],
      ...["-device", "at24c-eeprom,bus=i2c-bus.1,address=0x50,rom-size=4096,drive=rom"],
    ],
    {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, QEMU_MODULE_DIR: join(work, "qemu/usr/lib/x86_64-linux-gnu/qemu") },
    },
  );
  let complaints = "";
  qemu.stderr?.on("data", (chunk) => {
    complaints += chunk;
  });

  let ended = false;
  qemu.on("error", (e) => {
    complaints += e.message;
    ended = true;
  });
  qemu.on("exit", () => {
    ended = true;
  });
  const text = () => `${readFileSync(consoleFile, "utf8")}${complaints}`;
  return {
    get console() {
      return text();
    },
    get said() {
      return [...text().matchAll(/^PI (\w+) (\{.*\})\r?$/gm)].map(([, what, json]) => ({
        what: what!,
        body: JSON.parse(json!) as Record<string, unknown>,
      }));
    },
    get ended() {
      return ended;
    },
    async setTemperature(cel) {
      const set = { path: "/machine/peripheral/temp", property: "temperature", value: Math.round(cel * 1000) };
      await ask(qmp, "qom-set", set);
    },
    stop() {
      qemu.kill("SIGKILL");
      rmSync(dir, { recursive: true, force: true });
    },
  };
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
