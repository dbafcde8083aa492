import { systemClock } from "../../../src/bus/clock.ts";
import { openLinuxSerial } from "../../../src/bus/linux-serial.ts";
import type { SerialLink } from "../../../src/bus/serial.ts";

/** A tty whose reading never counts as silent. */
export function openTty(name: string, path: string): SerialLink {
  return openLinuxSerial({ name, path, baud: 1_000_000, silenceS: Number.POSITIVE_INFINITY, clock: systemClock });
}

const bytesOf = (text: string) => Uint8Array.from(text, (ch) => ch.charCodeAt(0));

/**
 * An adapter of Lawicel's kind between the kernel's bus and the unit: it answers commands, passes frames of the bus on while it is
 * open, and frames of the unit to the bus when it was opened for sending (`O`); opened with `L` it refuses them.
 */
export function createAdapter(bus: SerialLink, unit: SerialLink) {
  const said: string[] = [];
  let mode: "closed" | "listens" | "sends" = "closed";
  const partial = { bus: "", unit: "" };

  function lines(from: "bus" | "unit", chunk: Uint8Array, take: (line: string) => void): void {
    const parts = (partial[from] + Buffer.from(chunk).toString("latin1")).split("\r");
    partial[from] = parts.pop() ?? "";
    for (const line of parts) take(line);
  }

  function command(line: string): void {
    said.push(line);
    const [letter = ""] = line;
    if ("tTrR".includes(letter) && line !== "") {
      if (mode === "sends") bus.write(bytesOf(`${line}\r`));
      unit.write(bytesOf(mode === "sends" ? "\r" : "\u0007"));
      return;
    }
    if (letter === "C") mode = "closed";
    else if (letter === "L") mode = "listens";
    else if (letter === "O") mode = "sends";
    unit.write(bytesOf(letter === "V" ? "V1013\r" : "\r"));
  }

  bus.start({
    bytes: (chunk) =>
      lines("bus", chunk, (line) => {
        if (mode !== "closed" && /^[tT]/.test(line)) unit.write(bytesOf(`${line}\r`));
      }),
    opened: () => undefined,
    closed: () => undefined,
  });
  unit.start({ bytes: (chunk) => lines("unit", chunk, command), opened: () => undefined, closed: () => undefined });
  return {
    /** Every line that came from the unit. */
    said,
    get mode() {
      return mode;
    },
  };
}
