import type { I2cTwin } from "../../src/bus/i2c.ts";
import { SwathError } from "../../src/model/errors.ts";

/** Bytes as a golden file writes them: hex, with spaces. */
export const bytesOf = (hex: string) => hex.split(" ").map((b) => Number.parseInt(b, 16));
export const hexOf = (bytes: ArrayLike<number>, length = bytes.length) =>
  Array.from({ length }, (_, i) => bytes[i]!.toString(16).padStart(2, "0")).join(" ");

/**
 * A part that knows nothing of any table: registers that hold bytes, answers that were worked out by hand, and a log of what
 * was asked. A register nobody wrote to holds `blank`.
 */
export interface ScriptPart extends I2cTwin {
  /** What reads of a register give, whatever was written there. */
  answer(reg: string, hex: string): void;
  /** After exactly this write, that register answers so; the key is the write in hex, `receive` names a read without one. */
  after: Record<string, Record<string, string>>;
  /** What is held in a register. */
  held(reg: string, length: number): number[];
  hold(reg: string, bytes: readonly number[]): void;
  /** `"32 8"` for a read of 8 bytes at 0x32, `"w 2d 08"` for a write. */
  readonly log: string[];
}

export function createScriptPart(blank: number): ScriptPart {
  const registers = new Map<number, number[]>();
  const answers = new Map<number, number[]>();
  const log: string[] = [];
  let reply: number[] | undefined;
  let after: Record<string, Record<string, string>> = {};
  const num = (hex: string) => Number.parseInt(hex, 16);

  function held(at: number, length: number): number[] {
    const bytes = registers.get(at) ?? [];
    return Array.from({ length }, (_, i) => bytes[i] ?? blank);
  }

  return {
    log,
    get after() {
      return after;
    },
    set after(next) {
      after = next;
    },
    answer(reg, hex) {
      answers.set(num(reg), bytesOf(hex));
    },
    held: (reg, length) => held(num(reg), length),
    hold(reg, bytes) {
      registers.set(num(reg), [...bytes]);
    },
    read(register, into, length) {
      log.push(`${hexOf([register])} ${length}`);
      const bytes = answers.get(register) ?? held(register, length);
      for (let i = 0; i < length; i++) into[i] = bytes[i] ?? 0;
    },
    write(register, bytes, length) {
      const hex = hexOf([register, ...bytes.slice(0, length)]);
      log.push(`w ${hex}`);
      if (length > 0) registers.set(register, Array.from(bytes.slice(0, length)));
      for (const [reg, answer] of Object.entries(after[hex] ?? {}))
        if (reg === "receive") reply = bytesOf(answer);
        else answers.set(num(reg), bytesOf(answer));
    },
    receive(into, length) {
      log.push(`receive ${length}`);
      if (reply === undefined) throw new SwathError("bus/no-ack", "nothing to give");
      for (let i = 0; i < length; i++) into[i] = reply[i] ?? 0;
    },
  };
}
