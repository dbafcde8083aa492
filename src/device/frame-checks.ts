import type { FrameCheck } from "./table.ts";

/** CRC-8 over `bytes[from..to)`, most significant bit first. */
export function crc8(polynomial: number, initial: number, bytes: ArrayLike<number>, from: number, to: number): number {
  let crc = initial;
  for (let i = from; i < to; i++) {
    crc ^= bytes[i]!;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x80) !== 0 ? ((crc << 1) ^ polynomial) & 0xff : (crc << 1) & 0xff;
  }
  return crc;
}

const sensirion = (frame: Uint8Array, at: number) => crc8(0x31, 0xff, frame, at, at + 2);

/** Sensirion: every word of two bytes is followed by its CRC (polynomial 0x31, initial 0xFF; CRC of BE EF is 92). */
export const sensirionWords: FrameCheck = {
  ok(frame) {
    for (let at = 0; at + 2 < frame.length; at += 3) if (sensirion(frame, at) !== frame[at + 2]) return false;
    return true;
  },
  seal(frame) {
    for (let at = 0; at + 2 < frame.length; at += 3) frame[at + 2] = sensirion(frame, at);
  },
};

const head = new Uint8Array(3);

/** SMBus 2.0 packet error code of a read word: CRC-8 (0x07, 0) over both address bytes, the command and the word. */
function pec(frame: Uint8Array, address: number, register: number): number {
  head[0] = address << 1;
  head[1] = register;
  head[2] = (address << 1) | 1;
  return crc8(0x07, crc8(0x07, 0, head, 0, 3), frame, 0, 2);
}

/** The third byte of the frame is the packet error code of an SMBus read word. */
export const smbusPec: FrameCheck = {
  ok: (frame, address, register) => pec(frame, address, register) === frame[2],
  seal(frame, address, register) {
    frame[2] = pec(frame, address, register);
  },
};

/** CRC-32 of IEEE 802.3 (as in zlib; of "123456789" it is CBF43926) over `bytes[0..to)`. */
export function crc32(bytes: ArrayLike<number>, to: number): number {
  let crc = 0xffff_ffff;
  for (let i = 0; i < to; i++) {
    crc ^= bytes[i]!;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}
