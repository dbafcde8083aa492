import { type FieldKind, type NmeaSentence, SENTENCES, type SentenceSpec } from "./nmea-sentence.ts";

/** What the parser could not use, by kind. */
export interface NmeaParserCounters {
  /** Sentences of a type that is not in the table, and proprietary ones. */
  unknown: number;
  /** Fields that were not empty and not readable; each is absent, the rest of its sentence stays. */
  badFields: number;
}

export interface NmeaParser {
  readonly counters: Readonly<NmeaParserCounters>;
  /** The sentence whose checked body is `body[0..length)`, or undefined when it is unknown. Valid until the next call. */
  parse(body: Uint8Array, length: number): NmeaSentence | undefined;
}

const COMMA = 0x2c;
const DOT = 0x2e;
const ZERO = 0x30;
const MAX_FIELDS = 32;
const POWER_OF_TEN = Array.from({ length: 16 }, (_, i) => 10 ** i);

/** Digits only, at least one. NaN otherwise. */
function digits(b: Uint8Array, from: number, to: number): number {
  if (from >= to || to - from > 15) return Number.NaN;
  let value = 0;
  for (let i = from; i < to; i++) {
    const d = b[i]! - ZERO;
    if (d < 0 || d > 9) return Number.NaN;
    value = value * 10 + d;
  }
  return value;
}

/** An optional sign, digits and at most one point. Exact to the nearest double: at most 15 digits over a power of ten. */
function decimal(b: Uint8Array, from: number, to: number): number {
  const signed = b[from] === 0x2d || b[from] === 0x2b;
  let value = 0;
  let count = 0;
  let decimals = -1;
  for (let i = signed ? from + 1 : from; i < to; i++) {
    const c = b[i]!;
    if (c === DOT && decimals < 0) {
      decimals = 0;
      continue;
    }
    const d = c - ZERO;
    if (d < 0 || d > 9) return Number.NaN;
    if (count === 15) continue; // beyond a double's precision, and beyond any receiver's
    value = value * 10 + d;
    count++;
    if (decimals >= 0) decimals++;
  }
  if (count === 0) return Number.NaN;
  const magnitude = decimals > 0 ? value / POWER_OF_TEN[decimals]! : value;
  return signed && b[from] === 0x2d ? 0 - magnitude : magnitude;
}

function pointIn(b: Uint8Array, from: number, to: number): number {
  for (let i = from; i < to; i++) if (b[i] === DOT) return i;
  return to;
}

/** hhmmss.sss as ms of the day. */
function utc(b: Uint8Array, from: number, to: number): number {
  if (pointIn(b, from, to) - from !== 6) return Number.NaN;
  const hours = digits(b, from, from + 2);
  const minutes = digits(b, from + 2, from + 4);
  const seconds = decimal(b, from + 4, to);
  if (!(hours < 24 && minutes < 60 && seconds >= 0 && seconds < 61)) return Number.NaN;
  return (hours * 60 + minutes) * 60_000 + Math.round(seconds * 1000);
}

/** ddmm.mmm and its hemisphere as signed degrees. Split two places before the point, so that no digit is lost. */
function angle(b: Uint8Array, from: number, to: number, sideFrom: number, sideTo: number, lat: boolean): number {
  const point = pointIn(b, from, to);
  if (point - from < 3 || point - from > 5 || sideTo - sideFrom !== 1) return Number.NaN;
  const degrees = digits(b, from, point - 2);
  const minutes = decimal(b, point - 2, to);
  const side = String.fromCharCode(b[sideFrom]!);
  const sign = side === (lat ? "N" : "E") ? 1 : side === (lat ? "S" : "W") ? -1 : Number.NaN;
  if (!(minutes >= 0 && minutes < 60)) return Number.NaN;
  const value = degrees + minutes / 60;
  return value <= (lat ? 90 : 180) ? sign * value + 0 : Number.NaN;
}

/** A calendar day as ms since 1970, NaN when there is no such day. */
export function dayMs(year: number, month: number, day: number): number {
  const at = Date.UTC(year, month - 1, day);
  const back = new Date(at);
  return back.getUTCMonth() === month - 1 && back.getUTCDate() === day ? at : Number.NaN;
}

/** ddmmyy; years from 80 on are of the last century. */
function date(b: Uint8Array, from: number, to: number): number {
  if (to - from !== 6) return Number.NaN;
  const year = digits(b, from + 4, to);
  return dayMs(year >= 80 ? 1900 + year : 2000 + year, digits(b, from + 2, from + 4), digits(b, from, from + 2));
}

interface Slot {
  readonly at: number;
  readonly name: string;
  readonly kind: FieldKind;
}

interface Row {
  readonly sentence: NmeaSentence;
  /** The same object as `sentence.fields`, written by name. */
  readonly fields: Record<string, number | string | undefined>;
  readonly slots: readonly Slot[];
}

function code(a: number, b: number, c: number): number {
  return (a << 16) | (b << 8) | c;
}

/** A parser with one preallocated sentence of each type. Never throws. */
export function createNmeaParser(): NmeaParser {
  const counters: NmeaParserCounters = { unknown: 0, badFields: 0 };
  const rows = new Map<number, Row>();
  for (const [type, spec] of Object.entries<SentenceSpec>(SENTENCES)) {
    const slots = Object.entries(spec.fields).map(([name, [at, kind]]) => ({ at, name, kind }));
    const fields = Object.fromEntries(slots.map((s) => [s.name, s.kind === "letter" ? undefined : Number.NaN]));
    // The table types the fields of each type; building them from the table by name is what the compiler cannot follow.
    const sentence = { type, talker: "", fields } as unknown as NmeaSentence;
    rows.set(code(type.charCodeAt(0), type.charCodeAt(1), type.charCodeAt(2)), { sentence, fields, slots });
  }

  const starts = new Int32Array(MAX_FIELDS + 1);
  let fieldCount = 0;

  /** Fills `starts`: field i spans starts[i] to starts[i + 1] − 1. Fields beyond the last one kept are dropped. */
  function split(b: Uint8Array, length: number): void {
    fieldCount = 0;
    starts[0] = 0;
    for (let i = 0; i <= length && fieldCount < MAX_FIELDS; i++) {
      if (i === length || b[i] === COMMA) starts[++fieldCount] = i + 1;
    }
  }

  function read(b: Uint8Array, slot: Slot): number | string | undefined {
    const { at, kind } = slot;
    const letter = kind === "letter";
    const from = at < fieldCount ? starts[at]! : 0;
    const to = at < fieldCount ? starts[at + 1]! - 1 : 0;
    if (from === to) return letter ? undefined : Number.NaN;
    if (letter) {
      if (to - from === 1) return String.fromCharCode(b[from]!);
      counters.badFields++;
      return undefined;
    }
    const value = readNumber(b, kind, at, from, to);
    if (Number.isNaN(value)) counters.badFields++;
    return value;
  }

  function readNumber(b: Uint8Array, kind: FieldKind, at: number, from: number, to: number): number {
    if (kind === "utc") return utc(b, from, to);
    if (kind === "date") return date(b, from, to);
    if (kind === "number") return decimal(b, from, to);
    if (kind === "int") return pointIn(b, from, to) < to ? Number.NaN : decimal(b, from, to);
    if (at + 1 >= fieldCount) return Number.NaN;
    return angle(b, from, to, starts[at + 1]!, starts[at + 2]! - 1, kind === "lat");
  }

  return {
    counters,
    parse(body, length) {
      split(body, length);
      // Two letters of talker and three of type; what begins with P is a maker's own.
      const row = starts[1] === 6 && body[0] !== 0x50 ? rows.get(code(body[2]!, body[3]!, body[4]!)) : undefined;
      if (row === undefined) {
        counters.unknown++;
        return undefined;
      }
      row.sentence.talker = String.fromCharCode(body[0]!, body[1]!);
      for (const slot of row.slots) row.fields[slot.name] = read(body, slot);
      return row.sentence;
    },
  };
}
