import { z } from "zod";
import { defineDevice, oneShot } from "../src/device/define.ts";
import { codecOf } from "../src/device/encoding.ts";
import { crc32 } from "../src/device/frame-checks.ts";
import type { CountChannel, FrameCheck } from "../src/device/table.ts";

/** One copy of the identity: what one transfer carries. */
export const IDENTITY_BYTES = 32;
const CRC_AT = IDENTITY_BYTES - 4;
/** "SWTH" and version 1, then how many bytes the checksum protects. */
const HEAD = [0x53, 0x57, 0x54, 0x48, 1, CRC_AT, 0];

/** Magic, version, length and the CRC-32 over all before it, the low byte first. */
export const identityBlock: FrameCheck = {
  ok(frame) {
    for (let i = 0; i < HEAD.length; i++) if (frame[i] !== HEAD[i]) return false;
    return crcIn(frame) === crc32(frame, CRC_AT);
  },
  seal(frame) {
    frame.set(HEAD);
    const crc = crc32(frame, CRC_AT);
    for (let i = 0; i < 4; i++) frame[CRC_AT + i] = (crc >>> (8 * i)) & 0xff;
  },
};

function crcIn(frame: Uint8Array): number {
  let crc = 0;
  for (let i = 3; i >= 0; i--) crc = crc * 256 + frame[CRC_AT + i]!;
  return crc;
}

const U32 = 4_294_967_295;
/** Fields of a copy behind its head, with the words for people. */
const FIELDS: readonly (readonly [string, Omit<CountChannel, "frame">])[] = [
  ["sequence", { label: "Times written", unit: "1", range: [0, 65_535], byte: 7, encoding: "u16le", scale: 1 }],
  ["serial", { label: "Serial number", unit: "1", range: [0, U32], byte: 9, encoding: "u32le", scale: 1 }],
  ["revision", { label: "Hardware revision", unit: "1", range: [0, 255], byte: 13, encoding: "u8", scale: 1 }],
  [
    "calibrated",
    { label: "Calibrated, UTC since 1970", unit: "s", range: [0, U32], byte: 14, encoding: "u32le", scale: 1 },
  ],
  ["gain", { label: "Calibration, factor", unit: "1", range: [-2147, 2147], byte: 18, encoding: "i32le", scale: 1e-6 }],
  [
    "offset",
    { label: "Calibration, offset", unit: "1", range: [-2147, 2147], byte: 22, encoding: "i32le", scale: 1e-6 },
  ],
];

const COPIES = [
  ["COPY_A", ""],
  ["COPY_B", "spare"],
] as const;

/** Where the copies begin. */
export const COPIES_AT = [0x000, 0x800] as const;

/** Whether 32 bytes are a whole copy. */
export const isIdentity = (bytes: Uint8Array): boolean => identityBlock.ok(bytes, 0, 0);

/** How often a whole copy has been written. */
export const sequenceOf = (bytes: Uint8Array): number => codecOf("u16le").read(bytes, 7);

/** A whole copy of these figures. */
export function identityBytes(figures: Readonly<Record<string, number>>): Uint8Array {
  const bytes = new Uint8Array(IDENTITY_BYTES);
  for (const [key, { encoding, scale, byte }] of FIELDS)
    codecOf(encoding).write(Math.round((figures[key] ?? 0) / scale), bytes, byte);
  identityBlock.seal(bytes, 0, 0);
  return bytes;
}

const named = (prefix: string, key: string) =>
  prefix === "" ? key : `${prefix}${key[0]!.toUpperCase()}${key.slice(1)}`;

const channels = Object.fromEntries(
  COPIES.flatMap(([frame, prefix]) =>
    FIELDS.map(([key, field]): [string, CountChannel] => {
      const label = prefix === "" ? field.label : `${field.label}, spare copy`;
      return [named(prefix, key), { ...field, label, frame }];
    }),
  ),
);

/**
 * AT24C32 and kin: the identity and calibration of a unit or of a tool, kept in two copies with a checksum each (at 0x000 and
 * 0x800), so that a write cut short leaves one. Read only: `scripts/write-identity.ts` writes it. A word address is two bytes, the
 * high one first; the low one is sent as a value.
 */
export const at24c32 = defineDevice({
  part: "at24c32",
  summary: "serial number and calibration in an EEPROM, two copies with CRC-32",
  source: "Microchip DS20006047A (AT24C32), random read and current address read",
  addresses: Array.from({ length: 8 }, (_, i) => 0x50 + i),
  maxClockHz: 400_000,
  registers: { COPY_A: 0x00, COPY_B: 0x08 },
  hello: { reg: "COPY_A", value: 0x00 },
  options: z.strictObject({
    everyMs: z.number().min(1000).default(60_000).describe("time between two readings, ms"),
  }),
  setup: () => [],
  read: (o) =>
    oneShot({
      shots: COPIES.map(([reg]) => ({
        key: reg,
        start: { reg, value: 0x00 },
        waitMs: 1,
        bytes: IDENTITY_BYTES,
        everyMs: o.everyMs,
        check: identityBlock,
      })),
    }),
  channels,
});
