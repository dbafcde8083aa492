import type { Fix } from "./nmea-fix.ts";
import { dayMs } from "./nmea-parse.ts";

export const NAV_PVT = { cls: 0x01, id: 0x07, bytes: 92 } as const;

type Type = "u8" | "u16" | "u32" | "i32";

/** Place in the payload, type, and what one count is worth. Source: u-blox ZED-F9P interface description, UBX-NAV-PVT. */
const FIELDS = {
  iTow: [0, "u32", 1],
  year: [4, "u16", 1],
  month: [6, "u8", 1],
  day: [7, "u8", 1],
  hour: [8, "u8", 1],
  minute: [9, "u8", 1],
  second: [10, "u8", 1],
  valid: [11, "u8", 1],
  tAccNs: [12, "u32", 1],
  nano: [16, "i32", 1],
  fixType: [20, "u8", 1],
  flags: [21, "u8", 1],
  satsUsed: [23, "u8", 1],
  lon: [24, "i32", 1e-7],
  lat: [28, "i32", 1e-7],
  height: [32, "i32", 1e-3],
  altMsl: [36, "i32", 1e-3],
  hAcc: [40, "u32", 1e-3],
  vAcc: [44, "u32", 1e-3],
  velNorth: [48, "i32", 1e-3],
  velEast: [52, "i32", 1e-3],
  velDown: [56, "i32", 1e-3],
  speed: [60, "i32", 1e-3],
  course: [64, "i32", 1e-5],
  sAcc: [68, "u32", 1e-3],
  headAcc: [72, "u32", 1e-5],
  pdop: [76, "u16", 0.01],
  flags3: [78, "u16", 1],
} as const satisfies Record<string, readonly [number, Type, number]>;

/** The fields of one UBX-NAV-PVT in degrees, metres, m/s and seconds; flags as the receiver sent them. */
export type NavPvt = Record<keyof typeof FIELDS, number>;

const NAMES = Object.keys(FIELDS) as (keyof typeof FIELDS)[];

/** Reads a payload of 92 bytes; undefined for another length. */
export function decodeNavPvt(payload: Uint8Array): NavPvt | undefined {
  if (payload.length !== NAV_PVT.bytes) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const read = (at: number, type: Type): number => {
    if (type === "u8") return view.getUint8(at);
    if (type === "u16") return view.getUint16(at, true);
    return type === "u32" ? view.getUint32(at, true) : view.getInt32(at, true);
  };
  // Counts are divided by whole numbers, which gives the double nearest to the decimal.
  const pairs = NAMES.map((name) => {
    const [at, type, scale] = FIELDS[name];
    return [name, read(at, type) / Math.round(1 / scale)] as const;
  });
  return Object.fromEntries(pairs) as NavPvt;
}

/** The payload of these fields; what is left out is 0. The inverse of `decodeNavPvt`. */
export function encodeNavPvt(fields: Partial<NavPvt>): Uint8Array {
  const payload = new Uint8Array(NAV_PVT.bytes);
  const view = new DataView(payload.buffer);
  for (const name of NAMES) {
    const [at, type, scale] = FIELDS[name];
    const count = Math.round((fields[name] ?? 0) / scale);
    if (type === "u8") view.setUint8(at, count);
    else if (type === "u16") view.setUint16(at, count, true);
    else if (type === "u32") view.setUint32(at, count, true);
    else view.setInt32(at, count, true);
  }
  return payload;
}

const DATE_TIME_RESOLVED = 0b111;
const GNSS_FIX_OK = 1;
const DIFF_SOLN = 2;
const INVALID_LLH = 1;
const RTK_FIXED = 2;
const RTK_FLOAT = 1;
/** Greatest age (s) of each class of correction age; the first is none, the last has no upper end. */
const AGES_S = [Number.NaN, 1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 121, 121, 121, 121];
/** Corrections older than this under a fixed solution: it drifts without saying so. */
const RTK_STALE_S = 20;
const TWENTY_YEARS_MS = 20 * 365.25 * 86_400_000;

/** What NAV-PVT says beyond what a fix of NMEA has: accuracies as the receiver estimates them (m, m/s, degrees, s). */
export interface PvtFix extends Fix {
  hAcc: number;
  vAcc: number;
  sAcc: number;
  headAcc: number;
  tAcc: number;
  /** The solution calls itself fixed, and its corrections are older than 20 s. */
  rtkStale: boolean;
  /** A day was given as valid that cannot be. */
  implausibleDate: boolean;
}

function qualityOf(pvt: NavPvt): number {
  if ((pvt.flags & GNSS_FIX_OK) === 0) return 0;
  const carrier = (pvt.flags >> 6) & 3;
  if (carrier === RTK_FIXED) return 4;
  if (carrier === RTK_FLOAT) return 5;
  if (pvt.fixType === 1) return 6;
  return (pvt.flags & DIFF_SOLN) === 0 ? 1 : 2;
}

/**
 * A fix as the NMEA sources give it. A position counts only with gnssFixOK, a fix of type 2D, 3D or GNSS with dead
 * reckoning, and not invalidLlh; a time only with valid date, valid time, fully resolved, a fix, and no day before the floor.
 */
export function fixOfNavPvt(pvt: NavPvt, atMs: number, dateFloorMs: number): PvtFix {
  const usable =
    (pvt.flags & GNSS_FIX_OK) !== 0 && pvt.fixType >= 2 && pvt.fixType <= 4 && (pvt.flags3 & INVALID_LLH) === 0;
  const live = (x: number, is = usable): number => (is ? x : Number.NaN);
  const is3d = usable && pvt.fixType !== 2;
  const dated = (pvt.valid & DATE_TIME_RESOLVED) === DATE_TIME_RESOLVED;
  const dateMs = dated ? dayMs(pvt.year, pvt.month, pvt.day) : Number.NaN;
  const todMs = Math.round(((pvt.hour * 60 + pvt.minute) * 60 + pvt.second) * 1000 + pvt.nano / 1e6);
  const plausible = dateMs >= dateFloorMs && dateMs <= dateFloorMs + TWENTY_YEARS_MS;
  const diffAge = AGES_S[(pvt.flags3 >> 1) & 15]!;
  return {
    atMs,
    todMs: dated ? todMs : Number.NaN,
    dateMs,
    utcMs: live(dateMs + todMs, usable && plausible),
    lat: live(pvt.lat),
    lon: live(pvt.lon),
    altMsl: live(pvt.altMsl, is3d),
    geoidSep: live(Math.round((pvt.height - pvt.altMsl) * 1000) / 1000, is3d),
    quality: qualityOf(pvt),
    mode: usable ? (is3d ? 3 : 2) : 1,
    satsUsed: pvt.satsUsed,
    hdop: Number.NaN,
    pdop: pvt.pdop,
    vdop: Number.NaN,
    speed: live(pvt.speed),
    course: live(pvt.course),
    heading: Number.NaN,
    diffAge,
    station: Number.NaN,
    sigmaLat: Number.NaN,
    sigmaLon: Number.NaN,
    sigmaAlt: Number.NaN,
    satsInView: Number.NaN,
    hAcc: live(pvt.hAcc),
    vAcc: live(pvt.vAcc, is3d),
    sAcc: live(pvt.sAcc),
    headAcc: live(pvt.headAcc),
    tAcc: live(pvt.tAccNs / 1e9, dated),
    rtkStale: usable && ((pvt.flags >> 6) & 3) === RTK_FIXED && diffAge > RTK_STALE_S,
    implausibleDate: !Number.isNaN(dateMs) && !plausible,
  };
}
