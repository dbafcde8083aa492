export const NAV_RELPOSNED = { cls: 0x01, id: 0x3c, bytes: 64 } as const;

/** Where one antenna lies from the other, as a receiver with two antennas (or a pair of receivers) found it. */
export interface RelPos {
  /** GPS time of week of the epoch, ms. */
  readonly iTowMs: number;
  /** Distance between the antennas, m. */
  readonly lengthM: number;
  /** From the base antenna to the rover antenna, degrees from true north. */
  readonly headingDeg: number;
  readonly headingAccDeg: number;
  /** 0 none, 1 float, 2 fixed. */
  readonly carrier: number;
  /** The receiver itself holds position and heading for valid, in an epoch with a fix. */
  readonly isValid: boolean;
}

const GNSS_FIX_OK = 1 << 0;
const REL_POS_VALID = 1 << 2;
const HEADING_VALID = 1 << 8;
const WANTED = GNSS_FIX_OK | REL_POS_VALID | HEADING_VALID;
const VERSION = 1;

/** Reads a payload; undefined for another length or version. Source: u-blox ZED-F9P interface description, UBX-NAV-RELPOSNED. */
export function decodeRelPos(payload: Uint8Array): RelPos | undefined {
  if (payload.length !== NAV_RELPOSNED.bytes || payload[0] !== VERSION) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const flags = view.getUint32(60, true);
  return {
    iTowMs: view.getUint32(4, true),
    // Centimetres, and tenths of a millimetre beside them.
    lengthM: (view.getInt32(20, true) * 100 + view.getInt8(35)) / 10_000,
    headingDeg: view.getInt32(24, true) / 100_000,
    headingAccDeg: view.getUint32(52, true) / 100_000,
    carrier: (flags >> 3) & 3,
    isValid: (flags & WANTED) === WANTED,
  };
}

/** The payload of these values: the inverse of `decodeRelPos`, for twins. */
export function encodeRelPos(pos: RelPos): Uint8Array {
  const payload = new Uint8Array(NAV_RELPOSNED.bytes);
  const view = new DataView(payload.buffer);
  payload[0] = VERSION;
  view.setUint32(4, pos.iTowMs, true);
  const tenths = Math.round(pos.lengthM * 10_000);
  view.setInt32(20, Math.trunc(tenths / 100), true);
  view.setInt8(35, tenths % 100);
  view.setInt32(24, Math.round(pos.headingDeg * 100_000), true);
  view.setUint32(52, Math.round(pos.headingAccDeg * 100_000), true);
  view.setUint32(60, (pos.isValid ? WANTED : GNSS_FIX_OK) | (pos.carrier << 3), true);
  return payload;
}
