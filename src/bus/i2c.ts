/**
 * One I2C bus, owned by one process and used synchronously: a transfer through the thread pool costs some 70 times the CPU.
 * Every method throws a `SwathError` with a `bus/*` code and nothing else. Blocks are at most 32 bytes (SMBus).
 */
export interface I2cBus {
  readonly name: string;
  /** Sends the register pointer, then reads `length` bytes into the start of `into`. */
  readRegister(address: number, register: number, into: Uint8Array, length: number): void;
  /** Sends the register pointer, then `length` bytes from the start of `bytes`. */
  writeRegister(address: number, register: number, bytes: Uint8Array, length: number): void;
  /** Whether anything acknowledges at the address (one receive byte; safe for the parts in the catalogue). */
  probe(address: number): boolean;
  close(): void;
}

/** The highest number of bytes in one transfer. */
export const I2C_BLOCK_MAX = 32;
