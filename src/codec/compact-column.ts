import { type BitReader, BitsError, type BitWriter, bitLength } from "./bits.ts";

/**
 * A column of numbers as integers: decimal steps, or multiples of a channel's resolution where every value is one. What is
 * left of them after the best of four predictions is written in Rice's code, whose parameter is found for every 32 values.
 */

/** How a column is written, in 3 bits. */
const FORM = { absent: 0, empty: 1, constant: 2, delta: 3, slope: 4, level: 5, side: 6, raw: 7 } as const;
const BLOCK = 32;
/** Longest quotient in Rice's code; a longer one is written as itself behind so many zeros. */
const LONGEST = 23;
/** Beyond this an integer is not predicted, so that no difference of differences leaves what a double counts exactly. */
const LARGEST = 2 ** 49;

export type Values = readonly (number | null)[];

/** The step of a column: values have this many decimals, or are multiples of `resolution`, rounded to them. */
export interface Step {
  readonly decimals: number;
  readonly resolution: number;
}

/** A column as integers, for the columns beside it to be predicted from. */
export interface Counted {
  readonly multiples: boolean;
  readonly counts: readonly number[];
  readonly whole: boolean;
}

/** Decimals needed so that values a `resolution` apart stay apart. */
export function stepOf(resolution: number): Step {
  return { resolution, decimals: Math.min(12, Math.max(0, Math.ceil(-Math.log10(resolution) - 1e-9))) };
}

/** A multiple of the resolution, rounded to its decimals: plain arithmetic of doubles, the same everywhere. */
const multipleOf = (count: number, resolution: number, scale: number) => Math.round(count * resolution * scale) / scale;

/** Values as integers of the step, or undefined when they are none; `present` of them are no holes. */
function countsOf(
  values: Values,
  present: number,
  { resolution, decimals }: Step,
): { multiples: boolean; counts: number[] } | undefined {
  const scale = 10 ** decimals;
  const counts: number[] = [];
  if (resolution !== 1 / scale) {
    for (const v of values) {
      if (v === null) continue;
      const n = Math.round(v / resolution) + 0;
      if (multipleOf(n, resolution, scale) !== v || n > LARGEST || n < -LARGEST) break;
      counts.push(n);
    }
    if (counts.length > 0 && counts.length === present) return { multiples: true, counts };
    counts.length = 0;
  }
  for (const v of values) {
    if (v === null) continue;
    const n = Math.round(v * scale) + 0;
    if (n / scale !== v || n > LARGEST || n < -LARGEST) return undefined;
    counts.push(n);
  }
  return { multiples: false, counts };
}

function presentIn(values: Values): number {
  let n = 0;
  for (let i = 0; i < values.length; i++) if (values[i] !== null) n++;
  return n;
}

const zigzag = (n: number) => (n >= 0 ? 2 * n : -2 * n - 1);
const unzigzag = (z: number) => (z % 2 === 0 ? z / 2 : -(z + 1) / 2);

/** The parameter of Rice's code for `n` integers of this sum. */
function bestRice(n: number, sum: number): number {
  let k = Math.max(0, bitLength(Math.floor(sum / n)) - 1);
  let unit = 2 ** k;
  let bits = n * (k + 1) + sum / unit;
  // What the floors of the quotients save, half of each on average, favours the next parameter as much as it costs.
  for (unit *= 2; n * (k + 2) + sum / unit < bits; unit *= 2) bits = n * (++k + 1) + sum / unit;
  return k;
}

/** What `counts[i]` is expected to be from those before it, and from the column beside it. */
function expected(form: number, counts: readonly number[], i: number, beside: readonly number[] | undefined): number {
  const before = counts[i - 1]!;
  if (form === FORM.level) return counts[0]!;
  if (form === FORM.slope) return i === 1 ? before : 2 * before - counts[i - 2]!;
  if (form === FORM.side) return counts[0]! + beside![i]! - beside![0]!;
  return before;
}

/** Writes what a prediction leaves of `counts` behind the first into `z`, as integers from 0 up; returns their sum. */
function residuals(
  form: number,
  counts: readonly number[],
  beside: readonly number[] | undefined,
  z: number[],
): number {
  let sum = 0;
  for (let i = 1; i < counts.length; i++) {
    const left = zigzag(counts[i]! - expected(form, counts, i, beside));
    z[i - 1] = left;
    sum += left;
  }
  return sum;
}

const PREDICTIONS = [FORM.delta, FORM.level, FORM.side, FORM.slope];

/** Writes a column, or that there is none; `beside` is the first column of its channel. Returns it as integers. */
export function writeColumn(
  out: BitWriter,
  values: Values | undefined,
  step: Step,
  beside: Counted | undefined,
): Counted | undefined {
  if (values === undefined) {
    out.write(FORM.absent, 3);
    return undefined;
  }
  const present = presentIn(values);
  if (present === 0) {
    out.write(FORM.empty, 3);
    return undefined;
  }
  const whole = present === values.length;
  const counted = countsOf(values, present, step);
  if (counted === undefined) {
    out.write(FORM.raw, 3);
    writeHoles(out, values, whole);
    for (const v of values) if (v !== null) writeDouble(out, v + 0);
    return undefined;
  }
  const { multiples, counts } = counted;
  const near = beside?.multiples === multiples ? beside : undefined;
  const sides = near?.whole && whole ? near.counts : undefined;
  let form: number = FORM.constant;
  let z: number[] = [];
  if (!whole || counts.some((n) => n !== counts[0])) {
    let least = Number.POSITIVE_INFINITY;
    let spare: number[] = [];
    for (const candidate of PREDICTIONS) {
      if (candidate === FORM.side && sides === undefined) continue;
      const sum = residuals(candidate, counts, sides, spare);
      if (sum >= least) continue;
      least = sum;
      form = candidate;
      [z, spare] = [spare, z];
    }
  }
  out.write(form, 3);
  out.write(multiples ? 1 : 0, 1);
  if (form !== FORM.constant) writeHoles(out, values, whole);
  out.counted(zigzag(counts[0]! - (near?.counts[0] ?? 0)));
  for (let from = 0; form !== FORM.constant && from < counts.length - 1; from += BLOCK)
    writeRice(out, z, from, Math.min(counts.length - 1, from + BLOCK));
  return { multiples, counts, whole };
}

/** The inverse of `writeColumn` for `n` values. Throws `BitsError`. */
export function readColumn(
  from: BitReader,
  n: number,
  step: Step,
  beside: Counted | undefined,
): { values?: (number | null)[]; counted?: Counted } {
  const form = from.read(3);
  if (form === FORM.absent) return {};
  if (form === FORM.empty) return { values: new Array<null>(n).fill(null) };
  if (form === FORM.raw) {
    const at = readHoles(from, n);
    const present = at === undefined ? n : at.reduce((sum, is) => sum + is, 0);
    return {
      values: spread(
        Array.from({ length: present }, () => readDouble(from)),
        at,
        n,
      ),
    };
  }
  const multiples = from.read(1) === 1;
  const at = form === FORM.constant ? undefined : readHoles(from, n);
  const present = at === undefined ? n : at.reduce((sum, is) => sum + is, 0);
  if (present === 0) throw new BitsError("a column of holes that is not marked as empty");
  const near = beside?.multiples === multiples ? beside : undefined;
  const sides = near?.whole && at === undefined ? near.counts : undefined;
  if (form === FORM.side && sides === undefined) throw new BitsError("no column to predict from");
  const counts = new Array<number>(present);
  counts[0] = unzigzag(from.counted()) + (near?.counts[0] ?? 0);
  if (form === FORM.constant) counts.fill(counts[0]!);
  else
    for (let i = 1; i < present; ) {
      const end = Math.min(present, i + BLOCK);
      const k = from.read(6);
      for (; i < end; i++) counts[i] = unzigzag(readRice(from, k)) + expected(form, counts, i, sides);
    }
  const scale = 10 ** step.decimals;
  const values = counts.map((count) => (multiples ? multipleOf(count, step.resolution, scale) : count / scale));
  return { values: spread(values, at, n), counted: { multiples, counts, whole: at === undefined } };
}

function writeHoles(out: BitWriter, values: Values, whole: boolean): void {
  out.write(whole ? 0 : 1, 1);
  if (!whole) for (const v of values) out.write(v === null ? 0 : 1, 1);
}

function readHoles(from: BitReader, n: number): number[] | undefined {
  return from.read(1) === 0 ? undefined : Array.from({ length: n }, () => from.read(1));
}

function spread(present: readonly number[], at: readonly number[] | undefined, n: number): (number | null)[] {
  if (at === undefined) return [...present];
  const out = new Array<number | null>(n);
  let next = 0;
  for (let i = 0; i < n; i++) out[i] = at[i] === 1 ? present[next++]! : null;
  return out;
}

function writeRice(out: BitWriter, z: readonly number[], from: number, to: number): void {
  let sum = 0;
  for (let i = from; i < to; i++) sum += z[i]!;
  const k = bestRice(to - from, sum);
  const unit = 2 ** k;
  out.write(k, 6);
  for (let i = from; i < to; i++) {
    const quotient = Math.floor(z[i]! / unit);
    const rest = z[i]! - quotient * unit;
    if (quotient + 1 + k <= 24) out.write(unit + rest, quotient + 1 + k);
    else if (quotient < LONGEST) {
      out.unary(quotient);
      out.write(rest, k);
    } else {
      out.unary(LONGEST);
      out.write(z[i]!, 53);
    }
  }
}

function readRice(from: BitReader, k: number): number {
  if (k > 53) throw new BitsError(`a parameter of ${k}`);
  const quotient = from.unary(LONGEST);
  return quotient === LONGEST ? from.read(53) : quotient * 2 ** k + from.read(k);
}

const view = new DataView(new ArrayBuffer(8));

function writeDouble(out: BitWriter, value: number): void {
  view.setFloat64(0, value);
  out.write(view.getUint32(0), 32);
  out.write(view.getUint32(4), 32);
}

function readDouble(from: BitReader): number {
  view.setUint32(0, from.read(32));
  view.setUint32(4, from.read(32));
  const value = view.getFloat64(0);
  if (!Number.isFinite(value)) throw new BitsError("a number that JSON does not have");
  return value;
}
