import { J1939_SIGNALS, writeSignal } from "../codec/j1939-signals.ts";
import { encodeSlcanHeard } from "../codec/slcan.ts";
import type { SerialTwin, SerialTwinSpec } from "./serial-device.ts";
import type { SLCAN_DIALECTS } from "./slcan-dialects.ts";

const PERIOD_MS = 100;
/** Priority 6, sent by the engine (source address 0). */
const idOf = (pgn: number) => 0x1800_0000 + pgn * 256;

/** An adapter of this dialect on the bus of a machine whose engine sends every group each 100 ms; what the scene does not know is not available. */
export function j1939Twin(dialect: keyof typeof SLCAN_DIALECTS, spec: SerialTwinSpec): SerialTwin {
  const pgns = [...new Set(Object.values(J1939_SIGNALS).map((s) => s.pgn))];
  const answers: string[] = [];
  let isListening = false;
  let isSilent = false;
  let dueMs = spec.startMs;

  function command(text: string): void {
    if (text === "C") isListening = false;
    answers.push(dialect === "lawicel" ? lawicel(text) : canable(text));
  }

  function lawicel(text: string): string {
    if (text === "L") isListening = true;
    return text === "V" ? "V1013\r" : /^([CL]|S[0-8]|[Mm][0-9A-F]{8})$/.test(text) ? "\r" : "\u0007";
  }

  /** Opened without having been set silent, it would be one more station that acknowledges: it then tells nothing. */
  function canable(text: string): string {
    if (text === "M1") isSilent = true;
    if (text === "O") isListening = isSilent;
    if (text === "V") return "b158aa7 github.com/normaldotcom/canable-fw\r\r";
    return /^([CO]|S[0-8]|M[01])$/.test(text) ? "\r" : "\u0007";
  }

  return {
    get dueMs() {
      return answers.length > 0 ? Number.NEGATIVE_INFINITY : dueMs;
    },
    step(nowMs) {
      for (const answer of answers.splice(0)) spec.send(Uint8Array.from(answer, (ch) => ch.charCodeAt(0)));
      if (nowMs < dueMs) return;
      while (dueMs < nowMs - 1000) dueMs += PERIOD_MS;
      const atMs = dueMs;
      dueMs += PERIOD_MS;
      if (!isListening) return;
      for (const pgn of pgns) {
        const data = new Uint8Array(8).fill(0xff);
        for (const [key, signal] of Object.entries(J1939_SIGNALS)) {
          const x = signal.pgn === pgn ? spec.value(key, atMs) : undefined;
          if (x !== undefined) writeSignal(signal, x, data);
        }
        spec.send(encodeSlcanHeard(idOf(pgn), data));
      }
    },
    hears(bytes) {
      for (const text of String.fromCharCode(...bytes)
        .split("\r")
        .slice(0, -1))
        command(text);
    },
  };
}
