import { dayMs } from "./nmea-parse.ts";
import type { NmeaSentence, SentenceFields } from "./nmea-sentence.ts";

/** What a receiver said about one instant. Every value is NaN where the receiver gave none that is believable. */
export interface Fix {
  /** Arrival of the first byte of the epoch (mono ms). */
  atMs: number;
  /** UTC time of day (ms) as the receiver gave it. */
  todMs: number;
  /** Day of a date sentence of the same UTC (ms since 1970), believable or not. */
  dateMs: number;
  /** UTC (ms since 1970): only with a live fix, RMC not void, and a plausible day. */
  utcMs: number;
  /** Degrees, north and east positive; only with a live fix. */
  lat: number;
  lon: number;
  /** Height above mean sea level and of the geoid above the ellipsoid (m); only with a live 3D fix. */
  altMsl: number;
  geoidSep: number;
  /** GGA quality: 0 none, 1 GNSS, 2 DGNSS, 3 PPS, 4 RTK fixed, 5 RTK float, 6 dead reckoning, 7 manual, 8 simulator. */
  quality: number;
  /** 1 no live fix, 2 two-dimensional, 3 three-dimensional. */
  mode: number;
  satsUsed: number;
  hdop: number;
  pdop: number;
  vdop: number;
  /** Over ground, m/s and degrees true; only with a live fix. */
  speed: number;
  course: number;
  /** Of the antenna pair, degrees true. */
  heading: number;
  /** Age of the corrections (s) and the station they come from. */
  diffAge: number;
  station: number;
  /** One standard deviation (m); only with a live fix. */
  sigmaLat: number;
  sigmaLon: number;
  sigmaAlt: number;
  /** Satellites in view over all constellations. */
  satsInView: number;
}

/** Metres per second in one knot. */
const KNOT = 0.514444;
/** What receivers send for a dilution of precision that is not available. */
const DOP_ABSENT = 99.99;
const TWENTY_YEARS_MS = 20 * 365.25 * 86_400_000;

/** The sentences of one epoch, gathered field by field. */
export interface FixParts {
  atMs: number;
  todMs: number;
  gga: SentenceFields<"GGA"> | undefined;
  rmc: SentenceFields<"RMC"> | undefined;
  vtg: SentenceFields<"VTG"> | undefined;
  gst: SentenceFields<"GST"> | undefined;
  /** Highest mode and last dilutions of all GSA, one of which comes from each constellation. */
  gsaMode: number;
  pdop: number;
  hdop: number;
  vdop: number;
  heading: number;
  /** Day given by ZDA. */
  zdaMs: number;
}

/** An epoch of which nothing is known yet. */
export function emptyFixParts(atMs: number, todMs: number): FixParts {
  return {
    atMs,
    todMs,
    gga: undefined,
    rmc: undefined,
    vtg: undefined,
    gst: undefined,
    gsaMode: Number.NaN,
    pdop: Number.NaN,
    hdop: Number.NaN,
    vdop: Number.NaN,
    heading: Number.NaN,
    zdaMs: Number.NaN,
  };
}

function known(value: number, other: number): number {
  return Number.isNaN(value) ? other : value;
}

function dop(value: number): number {
  return value < DOP_ABSENT ? value : Number.NaN;
}

/** Adds one sentence to the parts; of a type that comes twice the later values win. */
export function addToFix(parts: FixParts, s: NmeaSentence): void {
  if (s.type === "GGA") parts.gga = { ...s.fields };
  else if (s.type === "RMC") parts.rmc = { ...s.fields };
  else if (s.type === "VTG") parts.vtg = { ...s.fields };
  else if (s.type === "GST") parts.gst = { ...s.fields };
  else if (s.type === "ZDA") parts.zdaMs = dayMs(s.fields.year, s.fields.month, s.fields.day);
  else if (s.type === "HDT") parts.heading = s.fields.heading;
  else if (s.type === "THS") parts.heading = s.fields.mode === "A" ? s.fields.heading : Number.NaN;
  else if (s.type === "GSA") {
    const { mode, pdop, hdop, vdop } = s.fields;
    if (!(parts.gsaMode >= mode)) parts.gsaMode = known(mode, parts.gsaMode);
    parts.pdop = known(dop(pdop), parts.pdop);
    parts.hdop = known(dop(hdop), parts.hdop);
    parts.vdop = known(dop(vdop), parts.vdop);
  }
}

/** A position that a person typed or a simulator made, whatever sentence says so. */
function isNotLive(p: FixParts): boolean {
  const q = p.gga?.quality;
  return q === 7 || q === 8 || p.rmc?.mode === "M" || p.rmc?.mode === "S";
}

function isRmcValid(p: FixParts): boolean {
  return p.rmc?.status === "A" && p.rmc.mode !== "N";
}

/** GGA says there is a fix. Some receivers keep saying so, with drifting positions, when no satellite is used any more. */
function isGgaValid(p: FixParts): boolean {
  const quality = p.gga?.quality ?? 0;
  return quality > 0 && (quality >= 6 || p.gga?.satsUsed !== 0);
}

/** GSA knows the mode when it was sent; a height in GGA means 3D; RMC alone promises no more than 2D. */
function modeOf(p: FixParts, lat: number, lon: number): number {
  if (isNotLive(p) || Number.isNaN(lat) || Number.isNaN(lon)) return 1;
  if (p.gsaMode >= 1 && p.gsaMode <= 3) return p.gsaMode;
  return p.gga !== undefined && !Number.isNaN(p.gga.altMsl) ? 3 : 2;
}

/** The day of the epoch: RMC's or ZDA's, which must agree. */
function dayOf(p: FixParts): number {
  const rmc = p.rmc?.date ?? Number.NaN;
  if (Number.isNaN(rmc) || Number.isNaN(p.zdaMs)) return known(rmc, p.zdaMs);
  return rmc === p.zdaMs ? rmc : Number.NEGATIVE_INFINITY;
}

/** What the parts amount to, and which suspicion they raised. */
export interface FixVerdict {
  readonly fix: Fix;
  /** A day was given that cannot be: before the floor, 20 years after it, or two sentences that differ. */
  readonly implausibleDate: boolean;
  /** The receiver reported a manual or simulated position, which was withheld. */
  readonly notLive: boolean;
}

/** Judges one epoch. `dateFloorMs`: no true day is before it (a receiver that has rolled over its week number says so). */
export function judgeFix(p: FixParts, dateFloorMs: number, satsInView: number): FixVerdict {
  const { gga, rmc, vtg, gst } = p;
  const quality = gga?.quality ?? Number.NaN;
  // A GGA that speaks decides; RMC gives the position where GGA is not sent, was lost or said nothing.
  const place = isGgaValid(p) ? gga : Number.isNaN(quality) && isRmcValid(p) ? rmc : undefined;
  const mode = modeOf(p, place?.lat ?? Number.NaN, place?.lon ?? Number.NaN);
  const live = (value: number | undefined, least = 2): number =>
    value !== undefined && mode >= least ? value : Number.NaN;

  const day = dayOf(p);
  const plausible = day >= dateFloorMs && day <= dateFloorMs + TWENTY_YEARS_MS;
  const timed = plausible && mode >= 2 && (rmc === undefined || isRmcValid(p));
  const speedKn = known(rmc?.speedKn ?? Number.NaN, vtg?.speedKn ?? Number.NaN);
  const fix: Fix = {
    atMs: p.atMs,
    todMs: p.todMs,
    dateMs: Number.isFinite(day) ? day : Number.NaN,
    utcMs: timed ? day + p.todMs : Number.NaN,
    lat: live(place?.lat),
    lon: live(place?.lon),
    altMsl: live(gga?.altMsl, 3),
    geoidSep: live(gga?.geoidSep, 3),
    quality,
    mode,
    satsUsed: gga?.satsUsed ?? Number.NaN,
    hdop: known(dop(gga?.hdop ?? Number.NaN), p.hdop),
    pdop: p.pdop,
    vdop: p.vdop,
    speed: live(known(speedKn * KNOT, (vtg?.speedKmh ?? Number.NaN) / 3.6)),
    course: live(known(rmc?.course ?? Number.NaN, vtg?.course ?? Number.NaN)),
    heading: isNotLive(p) ? Number.NaN : p.heading,
    diffAge: gga?.diffAge ?? Number.NaN,
    station: gga?.station ?? Number.NaN,
    sigmaLat: live(gst?.sigmaLat),
    sigmaLon: live(gst?.sigmaLon),
    sigmaAlt: live(gst?.sigmaAlt),
    satsInView,
  };
  return { fix, implausibleDate: !Number.isNaN(day) && !plausible, notLive: isNotLive(p) };
}
