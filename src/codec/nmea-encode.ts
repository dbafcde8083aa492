import {
  type FieldSpec,
  SENTENCES,
  type SentenceFields,
  type SentenceSpec,
  type SentenceType,
} from "./nmea-sentence.ts";

/** The XOR of the characters between `$` and `*`, as two upper-case hex digits. */
export function nmeaChecksum(body: string): string {
  let sum = 0;
  for (let i = 0; i < body.length; i++) sum ^= body.charCodeAt(i);
  return (sum & 0xff).toString(16).toUpperCase().padStart(2, "0");
}

function two(n: number): string {
  return String(n).padStart(2, "0");
}

/** Degrees as ddmm.mmm and hemisphere, in whole steps of the last decimal, so that 59.9999… minutes carry. */
function angle(deg: number, decimals: number, lat: boolean): [string, string] {
  const steps = 10 ** decimals;
  const total = Math.round(Math.abs(deg) * 60 * steps);
  const degrees = Math.floor(total / (60 * steps));
  const minutes = (total - degrees * 60 * steps) / steps;
  const negative = deg < 0 && total > 0;
  const side = lat ? (negative ? "S" : "N") : negative ? "W" : "E";
  return [String(degrees).padStart(lat ? 2 : 3, "0") + minutes.toFixed(decimals).padStart(decimals + 3, "0"), side];
}

function utc(ms: number, decimals: number): string {
  const steps = 10 ** decimals;
  const whole = Math.round((ms * steps) / 1000);
  const minutes = Math.min(Math.floor(whole / (60 * steps)), 24 * 60 - 1); // a leap second is second 60 of the last minute
  const seconds = (whole - minutes * 60 * steps) / steps;
  return two(Math.floor(minutes / 60)) + two(minutes % 60) + seconds.toFixed(decimals).padStart(decimals + 3, "0");
}

function date(ms: number): string {
  const d = new Date(ms);
  return two(d.getUTCDate()) + two(d.getUTCMonth() + 1) + two(d.getUTCFullYear() % 100);
}

function write(cells: string[], [at, kind, digits]: FieldSpec, value: number | string | undefined): void {
  if (typeof value === "string") cells[at] = value;
  else if (value === undefined || Number.isNaN(value)) return;
  else if (kind === "lat" || kind === "lon") [cells[at], cells[at + 1]] = angle(value, digits, kind === "lat");
  else if (kind === "utc") cells[at] = utc(value, value % 10 === 0 ? digits : 3);
  else if (kind === "date") cells[at] = date(value);
  else if (kind === "int") cells[at] = (value < 0 ? "-" : "") + String(Math.abs(value)).padStart(digits, "0");
  else cells[at] = (value + 0).toFixed(digits);
}

/**
 * The line of one sentence with checksum and line end: the inverse of the parser, for the simulator.
 * What is absent (left out, undefined, NaN) becomes an empty field.
 */
export function encodeNmea<T extends SentenceType>(
  talker: string,
  type: T,
  fields: Readonly<Partial<SentenceFields<T>>>,
): string {
  const spec: SentenceSpec = SENTENCES[type];
  const cells = Array.from({ length: spec.length + 1 }, (_, i) => spec.fixed[i] ?? "");
  cells[0] = talker + type;
  const values: Readonly<Record<string, number | string | undefined>> = fields;
  for (const [name, field] of Object.entries(spec.fields)) write(cells, field, values[name]);
  const body = cells.join(",");
  return `$${body}*${nmeaChecksum(body)}\r\n`;
}
