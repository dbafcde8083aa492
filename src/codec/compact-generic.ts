import { deflateRawSync, inflateRawSync } from "node:zlib";
import { decode, encode } from "cborg";
import { BitReader, BitsError, BitWriter } from "./bits.ts";
import { type Counted, readColumn, type Step, type Values, writeColumn } from "./compact-column.ts";

/**
 * Any JSON value in CBOR, with every long array of numbers as a byte string (`packed column`): JSON has no bytes, so a byte
 * string in it can be nothing else.
 */

/** Arrays shorter than this stay arrays. */
const PACK_FROM = 4;
/** Decimals that are looked for in an array of numbers. */
const MOST_DECIMALS = 9;

/** Words that records are made of: what is deflated may refer to them. Part of the wire format: never changed. */
const WORDS = Buffer.from(
  [
    ...["thinned", "disk-full", "corrupt", "capture-dropped", "poison", "sampler-restart", "sampler-stalled"],
    ...[
      "unit-restart",
      "link-overflow",
      "offsetMs",
      "calibrate",
      "filters",
      "simulated",
      "quality",
      "machine",
      "config",
    ],
    ...["label", "range", "resolution", "rateHz", "columns", ".mean", ".min", ".max", ".rms", "telemetry", "track"],
    ...[
      "unit",
      "body",
      "hash",
      "channels",
      "detector",
      "triggers",
      "peak",
      "absent",
      "starting",
      "running",
      "degraded",
    ],
    ...[
      "failed",
      "detonation_candidate",
      "rock_strike",
      "reason",
      "previous",
      "state",
      "detail",
      "source_state",
      "source",
    ],
    ...["severity", "warning", "alarm", "info", "name", "mono", "boot", "trust", "none", "rtc", "ntp", "gnss", "unc"],
    ...["outage", "anchor", "capture", "event", "from", "to", "gap", "desc", "kind", "at", "t", "v"],
  ].join(" "),
);

/** What may still be made of one message: a body of few bytes may ask for many. */
export interface Budget {
  bytes: number;
  values: number;
}

export class BudgetError extends Error {}

/** Takes `n` of what is left. Throws `BudgetError`. */
export function spend(budget: Budget, what: keyof Budget, n: number): void {
  budget[what] -= n;
  if (budget[what] < 0) throw new BudgetError(`more ${what} than one message may hold`);
}

/** A JSON value as CBOR, deflated when that is shorter. */
export function packJson(value: unknown): { bytes: Uint8Array; deflated: boolean } {
  const plain = encode(packed(value));
  const small = deflateRawSync(plain, { dictionary: WORDS, level: 6 });
  return small.length < plain.length ? { bytes: small, deflated: true } : { bytes: plain, deflated: false };
}

/** The inverse of `packJson`. Throws, whatever the bytes, rather than go beyond the budget. */
export function unpackJson(bytes: Uint8Array, deflated: boolean, budget: Budget): unknown {
  let plain = bytes;
  if (deflated) {
    if (budget.bytes <= 0) throw new BudgetError("more bytes than one message may hold");
    plain = inflateRawSync(bytes, { dictionary: WORDS, maxOutputLength: budget.bytes });
  }
  spend(budget, "bytes", plain.length);
  return unpacked(decodeCbor(plain), budget);
}

/** CBOR as this wire uses it: what JSON has, and byte strings. Throws. */
export function decodeCbor(bytes: Uint8Array): unknown {
  return decode(bytes, {
    ...{ allowIndefinite: false, allowUndefined: false, allowInfinity: false, allowNaN: false, allowBigInt: false },
    rejectDuplicateMapKeys: true,
  });
}

/** What JSON would keep of a value: no `undefined`, null for what is no number. Throws for text that is not Unicode. */
function packed(value: unknown): unknown {
  if (typeof value === "number") return Number.isFinite(value) ? value + 0 : null;
  if (typeof value === "string") {
    return unicode(value);
  }
  if (Array.isArray(value)) {
    const list: unknown[] = value;
    return list.length >= PACK_FROM && list.every(isEntry) ? packColumn(list) : list.map((v) => packed(v ?? null));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .map(([k, v]) => [unicode(k), packed(v)]),
  );
}

function unicode(text: string): string {
  if (/\p{Surrogate}/u.test(text)) throw new BitsError("text that is not Unicode");
  return text;
}

const isEntry = (v: unknown): v is number | null => v === null || typeof v === "number";

function unpacked(value: unknown, budget: Budget): unknown {
  if (value instanceof Uint8Array) return unpackColumn(value, budget);
  if (Array.isArray(value)) return value.map((v) => unpacked(v, budget));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, unpacked(v, budget)]));
}

/** The array's length, then the decimals (4 bits) and the divisor of its values, then a column of that step. */
export function packColumn(values: Values): Uint8Array {
  const finite = values.map((v) => (v === null || !Number.isFinite(v) ? null : v));
  const step = stepFor(finite.filter((v) => v !== null));
  const out = new BitWriter();
  out.counted(finite.length);
  out.write(step.decimals, 4);
  out.counted(Math.round(step.resolution * 10 ** step.decimals));
  writeColumn(out, finite, step, undefined);
  return out.take();
}

/** The inverse of `packColumn`. Throws. */
export function unpackColumn(bytes: Uint8Array, budget: Budget): (number | null)[] {
  const from = new BitReader(bytes);
  const n = from.counted();
  spend(budget, "values", n);
  const decimals = from.read(4);
  const divisor = from.counted();
  if (decimals > MOST_DECIMALS || divisor < 1) throw new BitsError("a step that no writer makes");
  const { values }: { values?: (number | null)[]; counted?: Counted } = readColumn(
    from,
    n,
    { decimals, resolution: divisor / 10 ** decimals },
    undefined,
  );
  from.end();
  if (values === undefined) throw new BitsError("an array that is absent");
  return values;
}

/** The step all values lie on: their decimals, and what divides them all. */
function stepFor(values: readonly number[]): Step {
  let decimals = 0;
  let scale = 1;
  for (const v of values)
    while (decimals < MOST_DECIMALS && Math.round(v * scale) / scale !== v) {
      decimals++;
      scale = 10 ** decimals;
    }
  let divisor = 0;
  for (const v of values) divisor = divisorOf(divisor, Math.abs(Math.round(v * scale)));
  const whole = divisor >= 1 && divisor < 2 ** 49;
  return { decimals, resolution: (whole ? divisor : 1) / scale };
}

function divisorOf(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
