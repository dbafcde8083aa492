import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { openPty, type PtyRig } from "./pty.ts";

/** The package that carries StandardFirmata as its authors built it for an Uno; the firmware is LGPL and is not kept here. */
const PACKAGE = "avrgirl-arduino@5.0.1";
const HEX = "package/junk/hex/uno/StandardFirmata.cpp.hex";

/** The firmware's image, from a cache folder or the package registry. Throws one line that says what is missing. */
export function standardFirmata(): string {
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "swath-test");
  const hex = join(cache, "StandardFirmata-uno.hex");
  if (existsSync(hex)) return hex;
  mkdirSync(cache, { recursive: true });
  const dir = mkdtempSync(join(tmpdir(), "swath-firmata-"));
  try {
    const tar = execFileSync("npm", ["pack", "--silent", PACKAGE], { cwd: dir }).toString().trim();
    execFileSync("tar", ["-xzf", tar, HEX], { cwd: dir });
    // Written whole or not at all: several suites may come here at once.
    const own = `${hex}.${process.pid}`;
    writeFileSync(own, readFileSync(join(dir, HEX)));
    renameSync(own, hex);
    return hex;
  } catch (cause) {
    throw new Error(`no StandardFirmata: ${PACKAGE} cannot be fetched from the package registry`, { cause });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** An Arduino Uno made of an AVR simulator, behind a real tty. */
export interface AvrBoard {
  readonly pty: PtyRig;
  /** What each output pin is now; a pin that never moved is absent. */
  readonly outputs: ReadonlyMap<number, number>;
  /** Every change of an output, with the time it was heard (ms). */
  readonly changes: readonly { readonly pin: number; readonly value: number; readonly atMs: number }[];
  volts(channel: number, volts: number): void;
  drive(pin: number, level: 0 | 1): void;
  /** Resolves when the board has run so long (ms of its own time, which is slower on a busy machine). */
  ran(ms: number): Promise<void>;
  reset(): void;
  /** The microcontroller stands still; its line stays open. */
  halt(on: boolean): void;
  stop(): Promise<void>;
}

/** Starts an Uno with StandardFirmata on a pty. */
export async function startAvrBoard(): Promise<AvrBoard> {
  const hex = standardFirmata();
  const pty = await openPty();
  const uno = spawn(process.execPath, [resolve(import.meta.dirname, "avr-uno.mjs"), hex], {
    stdio: ["pipe", "pipe", "inherit"],
    cwd: resolve(import.meta.dirname, "../.."),
  });
  const outputs = new Map<number, number>();
  let waiting: (() => void) | undefined;
  const changes: { pin: number; value: number; atMs: number }[] = [];
  const tell = (what: unknown) => uno.stdin.write(`${JSON.stringify(what)}\n`);
  uno.stdin.on("error", () => undefined);
  const up = new Promise<void>((done) => {
    createInterface({ input: uno.stdout }).on("line", (line) => {
      const said = JSON.parse(line) as { tx?: string; pin?: number; value?: number; up?: boolean; ran?: boolean };
      if (said.ran === true) waiting?.();
      if (said.tx !== undefined) pty.write(Buffer.from(said.tx, "base64"));
      if (said.pin !== undefined && said.value !== undefined) {
        outputs.set(said.pin, said.value);
        changes.push({ pin: said.pin, value: said.value, atMs: performance.now() });
      }
      if (said.up === true) done();
    });
  });
  pty.onBytes((bytes) => tell({ rx: bytes.toString("base64") }));
  await up;
  return {
    pty,
    outputs,
    changes,
    volts: (channel, volts) => tell({ adc: [channel, volts] }),
    drive: (pin, level) => tell({ pin: [pin, level] }),
    ran: (ms) =>
      new Promise((done) => {
        waiting = done;
        tell({ ran: ms });
      }),
    reset: () => tell({ reset: true }),
    halt: (on) => tell({ halt: on }),
    async stop() {
      const gone = once(uno, "exit");
      uno.stdin.end();
      await gone;
      await pty.stop();
    },
  };
}
