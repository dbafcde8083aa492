import { closeSync, openSync, readFileSync, readSync, writeSync } from "node:fs";

/** Larger mappings are the guest's memory, which is not searched. */
const LARGEST = 256 << 20;

/** The parts of a process's memory that it may write, as /proc/PID/maps has them. */
export function writableParts(maps: string): { readonly from: number; readonly bytes: number }[] {
  return [...maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)]
    .map(([, from, to]) => ({
      from: Number.parseInt(from!, 16),
      bytes: Number.parseInt(to!, 16) - Number.parseInt(from!, 16),
    }))
    .filter(({ bytes }) => bytes <= LARGEST);
}

/**
 * Replaces what a running emulator holds as the content of a chip, found by the content itself. Throws when it stands nowhere.
 * Linux only; needs the right to trace the process.
 */
export function rewriteMemory(pid: number, was: Uint8Array, becomes: Uint8Array): void {
  if (was.length !== becomes.length) throw new Error(`${becomes.length} bytes in place of ${was.length}`);
  const memory = openSync(`/proc/${pid}/mem`, "r+");
  let places = 0;
  try {
    for (const { from, bytes } of writableParts(readFileSync(`/proc/${pid}/maps`, "latin1"))) {
      const part = Buffer.alloc(bytes);
      let got = 0;
      try {
        got = readSync(memory, part, 0, bytes, from);
      } catch {
        continue;
      }
      for (let at = part.subarray(0, got).indexOf(was); at >= 0; at = part.subarray(0, got).indexOf(was, at + 1)) {
        writeSync(memory, becomes, 0, becomes.length, from + at);
        places++;
      }
    }
  } finally {
    closeSync(memory);
  }
  if (places === 0) throw new Error("the content stands nowhere in the emulator's memory");
}
