import { SwathError } from "../model/errors.ts";

/**
 * One I2C bus, owned by one process and used synchronously: a transfer through the thread pool costs some 70 times the CPU.
 * Every method throws a `SwathError` with a `bus/*` code and nothing else. Blocks are at most 32 bytes (SMBus).
 */
export interface I2cBus {
  readonly name: string;
  /** Sends the register pointer, then reads `length` (1 to 32) bytes into the start of `into`. */
  readRegister(address: number, register: number, into: Uint8Array, length: number): void;
  /** Sends the register pointer, then `length` (0 to 32) bytes from the start of `bytes`. */
  writeRegister(address: number, register: number, bytes: Uint8Array, length: number): void;
  /** Reads `length` (1 to 32) bytes without a register pointer, from parts that answer to commands. */
  receive(address: number, into: Uint8Array, length: number): void;
  /** Whether anything acknowledges at the address (one receive byte; safe for the parts in the catalogue). */
  probe(address: number): boolean;
  close(): void;
}

/** The highest number of bytes in one transfer. */
export const I2C_BLOCK_MAX = 32;

/** What answers at one address of a bus made of memory. Both calls may throw a `SwathError` with a `bus/*` code. */
export interface I2cTwin {
  /** Fills the first `length` bytes of `into` as the part would after the register pointer. */
  read(register: number, into: Uint8Array, length: number): void;
  /** Takes `length` bytes for the register; 0 bytes is the pointer alone, which for some parts is a command. */
  write(register: number, bytes: Uint8Array, length: number): void;
  /** Answers a read without a register pointer; a part that has none answers from its register 0. */
  receive?(into: Uint8Array, length: number): void;
}

/** Throws `bus/unsupported` for a transfer that no bus can make: a bad address, register or number of bytes. */
export function checkTransfer(
  bus: string,
  address: number,
  register: number,
  buffer: Uint8Array,
  length: number,
  least: number,
): void {
  if ((address & 0x7f) !== address || (register & 0xff) !== register)
    throw new SwathError("bus/unsupported", `${bus}: no register ${register} at address ${address}`);
  if (!(length >= least && length <= I2C_BLOCK_MAX && length <= buffer.length))
    throw new SwathError("bus/unsupported", `${bus}: a transfer of ${length} bytes (buffer of ${buffer.length})`);
}

/** `i2c-1 0x53 reg 0x32`: where a transfer went, for messages. */
export function i2cPlace(bus: string, address: number, register?: number): string {
  const at = `${bus} 0x${address.toString(16).padStart(2, "0")}`;
  return register === undefined ? at : `${at} reg 0x${register.toString(16).padStart(2, "0")}`;
}
