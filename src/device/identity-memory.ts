import type { I2cBus } from "../bus/i2c.ts";
import { SwathError } from "../model/errors.ts";

/** One transfer carries the low word address and 16 bytes: half a page, which never wraps. */
const CHUNK = 16;
/** Longest a page takes to be written is 5 ms; it does not acknowledge meanwhile. */
const WRITE_MS = 5;
const PATIENCE = 20;

/** Reads `length` bytes (at most 32) at a word address of an EEPROM with two address bytes. */
export function readMemory(bus: I2cBus, address: number, at: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bus.writeRegister(address, at >> 8, Uint8Array.of(at & 0xff), 1);
  bus.receive(address, bytes, length);
  return bytes;
}

/**
 * Writes `bytes` at a word address (a multiple of 16), waits until the part answers again, reads back and compares.
 * @throws `device/readback` when other bytes are read than were written; `bus/*` when the part does not answer.
 */
export async function writeMemory(
  bus: I2cBus,
  address: number,
  at: number,
  bytes: Uint8Array,
  wait: (ms: number) => Promise<void>,
): Promise<void> {
  for (let from = 0; from < bytes.length; from += CHUNK) {
    const chunk = bytes.subarray(from, from + CHUNK);
    bus.writeRegister(address, (at + from) >> 8, Uint8Array.of((at + from) & 0xff, ...chunk), 1 + chunk.length);
    for (let tries = 0; ; tries++) {
      await wait(WRITE_MS);
      if (bus.probe(address)) break;
      if (tries >= PATIENCE)
        throw new SwathError("bus/no-ack", `${bus.name}: the memory does not answer after a write`);
    }
  }
  const read = readMemory(bus, address, at, bytes.length);
  if (read.some((byte, i) => byte !== bytes[i]))
    throw new SwathError("device/readback", `${bus.name}: the memory holds other bytes at ${at} than were written`);
}
