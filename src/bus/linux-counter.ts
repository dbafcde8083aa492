import { closeSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isSwathError, SwathError } from "../model/errors.ts";
import { COUNT_MODULUS, type PulseCounter } from "./counter.ts";
import { errnoName, linuxErrorCode } from "./linux-errors.ts";

const ROOT = "/sys/bus/counter/devices";
/** A count of 64 bits and its line end. */
const TEXT_BYTES = 24;
const [ZERO, NINE] = [0x30, 0x39];

/**
 * Count 0 of the counter `device` as the kernel shows it (`interrupt-counter` in the device tree, driver interrupt-cnt). Nothing is
 * opened before the first call, and a counter that went away is found again when it is back. `root` is where counters are listed.
 */
export function openLinuxCounter(options: { name: string; device: number; root?: string }): PulseCounter {
  const { name, device, root = ROOT } = options;
  const folder = join(root, `counter${device}`, "count0");
  const text = new Uint8Array(TEXT_BYTES);
  let fd: number | undefined;

  function close(): void {
    if (fd === undefined) return;
    try {
      closeSync(fd);
    } catch {
      // Its counter has gone; there is nothing left to close.
    }
    fd = undefined;
  }

  /** Does something with a file of the counter; what fails is told with the file and the reason. */
  function on<T>(file: string, what: (path: string) => T): T {
    try {
      return what(join(folder, file));
    } catch (cause) {
      close();
      if (isSwathError(cause)) throw cause;
      const code = linuxErrorCode(cause, "open");
      throw new SwathError(code, `${name}: ${join(folder, file)}: ${errnoName(cause)}`, cause);
    }
  }

  return {
    name,
    direction: () => on("function", (path) => readFileSync(path, "latin1").trim()),
    isEnabled: () => on("enable", (path) => readFileSync(path, "latin1").trim() === "1"),
    enable: () => on("enable", (path) => writeFileSync(path, "1", { flag: "r+" })),
    read: () =>
      on("count", (path) => {
        fd ??= openSync(path, "r");
        const length = readSync(fd, text, 0, TEXT_BYTES, 0);
        let count = 0;
        let digits = 0;
        // Modulo at every digit: the whole may have 64 bits, which a number does not hold.
        for (; digits < length && text[digits]! >= ZERO && text[digits]! <= NINE; digits++)
          count = (count * 10 + text[digits]! - ZERO) % COUNT_MODULUS;
        if (digits > 0) return count;
        throw new SwathError("bus/io", `${name}: ${path} holds no number`);
      }),
    close,
  };
}
