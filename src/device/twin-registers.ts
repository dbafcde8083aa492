import type { I2cPlan, Register } from "./define.ts";

/** The registers of a twin: bytes that follow each other, or words behind a pointer. */
export interface RegisterFile {
  /** Fills `into` as a read from register number `at` would. */
  read(at: number, into: Uint8Array, length: number): void;
  write(at: number, bytes: Uint8Array, length: number): void;
  value(reg: string): number;
  put(reg: string, value: number): void;
  /** Puts raw bytes where reads from `at` begin. */
  putBytes(at: number, bytes: Uint8Array): void;
  /** Every register as after power-on. */
  powerOn(): void;
}

/** Room for each register, wide enough for the longest word or frame. */
const ROOM = 32;

export function createRegisterFile(plan: I2cPlan): RegisterFile {
  const stride = plan.words ? ROOM : 1;
  const bytes = new Uint8Array(256 * stride + ROOM);

  function value({ at, bytes: width, order }: Register): number {
    let sum = 0;
    for (let i = 0; i < width; i++) sum = sum * 256 + bytes[at * stride + (order === "le" ? width - 1 - i : i)]!;
    return sum;
  }

  function put({ at, bytes: width, order }: Register, next: number): void {
    let rest = next;
    for (let i = width - 1; i >= 0; i--) {
      bytes[at * stride + (order === "le" ? width - 1 - i : i)] = rest % 256;
      rest = Math.floor(rest / 256);
    }
  }

  const file: RegisterFile = {
    read(at, into, length) {
      for (let i = 0; i < length; i++) into[i] = bytes[at * stride + i]!;
    },
    write(at, from, length) {
      for (let i = 0; i < length; i++) bytes[at * stride + i] = from[i]!;
    },
    value: (reg) => value(plan.registers[reg]!),
    put: (reg, next) => put(plan.registers[reg]!, next),
    putBytes(at, from) {
      bytes.set(from, at * stride);
    },
    powerOn() {
      bytes.fill(0);
      for (const id of plan.identity) file.put(id.reg, "equals" in id ? id.equals : id.least);
      for (const [reg, next] of Object.entries(plan.powerOn)) file.put(reg, next);
      let at = 0;
      for (const frame of plan.calibration?.frames ?? []) {
        const part = plan.calibration!.example.slice(at, at + frame.bytes);
        bytes.set(part, plan.registers[frame.reg!]!.at * stride);
        at += frame.bytes;
      }
    },
  };
  file.powerOn();
  return file;
}
