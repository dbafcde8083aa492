/**
 * What a field holds. `utc` hhmmss.sss as ms of the day; `lat` and `lon` ddmm.mmm with the hemisphere in the next field,
 * as signed degrees; `number` and `int` decimal; `letter` one character; `date` ddmmyy as ms since 1970.
 */
export type FieldKind = "utc" | "lat" | "lon" | "number" | "int" | "letter" | "date";

/**
 * Place after the address, kind, and how it is written: decimals of a `number` (for `lat lon` of the minutes, for `utc` of
 * the seconds) or least digits of an `int`.
 */
export type FieldSpec = readonly [at: number, kind: FieldKind, digits: number];

/** One type of sentence: how many fields follow the address, which are constant, and what the others mean. */
export interface SentenceSpec {
  readonly length: number;
  readonly fixed: Readonly<Record<number, string>>;
  readonly fields: Readonly<Record<string, FieldSpec>>;
}

/**
 * The sentences understood, by their last three letters; any talker sends them. Parsing and encoding read this table.
 * Source: NMEA 0183 as used by minmea, gpsd, pynmeagps; speeds in knots (`Kn`) and km/h (`Kmh`), angles in degrees true.
 */
export const SENTENCES = {
  GGA: {
    length: 14,
    fixed: { 10: "M", 12: "M" },
    fields: {
      utc: [1, "utc", 2],
      lat: [2, "lat", 8],
      lon: [4, "lon", 8],
      quality: [6, "int", 1],
      satsUsed: [7, "int", 2],
      hdop: [8, "number", 2],
      altMsl: [9, "number", 3],
      geoidSep: [11, "number", 3],
      diffAge: [13, "number", 1],
      station: [14, "int", 4],
    },
  },
  RMC: {
    length: 13,
    fixed: {},
    fields: {
      utc: [1, "utc", 2],
      status: [2, "letter", 1],
      lat: [3, "lat", 8],
      lon: [5, "lon", 8],
      speedKn: [7, "number", 3],
      course: [8, "number", 3],
      date: [9, "date", 6],
      mode: [12, "letter", 1],
      navStatus: [13, "letter", 1],
    },
  },
  GSA: {
    length: 18,
    fixed: {},
    fields: {
      selection: [1, "letter", 1],
      mode: [2, "int", 1],
      pdop: [15, "number", 2],
      hdop: [16, "number", 2],
      vdop: [17, "number", 2],
      system: [18, "int", 1],
    },
  },
  GSV: {
    length: 3,
    fixed: {},
    fields: { messages: [1, "int", 1], index: [2, "int", 1], inView: [3, "int", 2] },
  },
  VTG: {
    length: 9,
    fixed: { 2: "T", 4: "M", 6: "N", 8: "K" },
    fields: { course: [1, "number", 3], speedKn: [5, "number", 3], speedKmh: [7, "number", 3], mode: [9, "letter", 1] },
  },
  GST: {
    length: 8,
    fixed: {},
    fields: {
      utc: [1, "utc", 2],
      rms: [2, "number", 3],
      sigmaLat: [6, "number", 3],
      sigmaLon: [7, "number", 3],
      sigmaAlt: [8, "number", 3],
    },
  },
  ZDA: {
    length: 6,
    fixed: {},
    fields: {
      utc: [1, "utc", 2],
      day: [2, "int", 2],
      month: [3, "int", 2],
      year: [4, "int", 4],
      zoneHours: [5, "int", 2],
      zoneMinutes: [6, "int", 2],
    },
  },
  HDT: { length: 2, fixed: { 2: "T" }, fields: { heading: [1, "number", 3] } },
  THS: { length: 2, fixed: {}, fields: { heading: [1, "number", 3], mode: [2, "letter", 1] } },
  ROT: { length: 2, fixed: {}, fields: { degPerMin: [1, "number", 2], status: [2, "letter", 1] } },
  GLL: {
    length: 7,
    fixed: {},
    fields: {
      lat: [1, "lat", 8],
      lon: [3, "lon", 8],
      utc: [5, "utc", 2],
      status: [6, "letter", 1],
      mode: [7, "letter", 1],
    },
  },
} as const satisfies Record<string, SentenceSpec>;

type Table = typeof SENTENCES;
export type SentenceType = keyof Table;

type ValueOf<F> = F extends readonly [number, "letter", number] ? string | undefined : number;

/** The values of one sentence: numbers are NaN and letters undefined where the field was empty or not readable. */
export type SentenceFields<T extends SentenceType> = {
  -readonly [K in keyof Table[T]["fields"]]: ValueOf<Table[T]["fields"][K]>;
};

/** A sentence understood. From a parser it is valid until the next call. */
export type NmeaSentence = {
  [T in SentenceType]: { readonly type: T; talker: string; readonly fields: SentenceFields<T> };
}[SentenceType];
