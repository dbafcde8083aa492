import { type Block, createBlock } from "../model/block.ts";
import { QUALITY } from "../model/quality.ts";

/** Samples written in one go: a fraction of a millisecond. */
export const SLICE = 512;

/** What stands at the head of a capture. */
interface Head {
  readonly mono: number;
  readonly detector: string;
  readonly triggers: readonly { readonly name: string; readonly at: number }[];
  readonly peak: number;
}

interface Written {
  readonly name: string;
  readonly unit: string;
  readonly resolution: number;
}

/** Decimal places that keep a step of `resolution`. */
const placesOf = (resolution: number) => Math.min(9, Math.max(0, Math.ceil(-Math.log10(resolution))));

const round = (value: number, places: number) => {
  const scale = 10 ** places;
  return Math.round(value * scale) / scale;
};

/** Writes a capture as JSON, a slice of samples at a time. */
export function createCaptureText(capacity: number) {
  const samples: Block = createBlock(capacity);
  let json = "";
  let zeroMs = 0;
  let x = "";
  let at = "";
  let q = "";
  let next = 0;
  let mean = 0;
  let even = true;
  let idle = true;

  /** Looks over the samples of a channel once: their mean, and whether they are evenly spaced. */
  function look(): void {
    const { n, t, x: values } = samples;
    const dt = n > 1 ? (t[n - 1]! - t[0]!) / (n - 1) : 0;
    let sum = 0;
    let used = 0;
    even = n > 1 && dt > 0;
    for (let i = 0; i < n; i++) {
      const v = values[i]!;
      if (v * 0 === 0) {
        sum += v;
        used++;
      }
      if (Math.abs(t[i]! - t[0]! - i * dt) > dt / 2) even = false;
    }
    mean = used === 0 ? 0 : sum / used;
  }

  /** Of the samples from `from`, at most `every`, the one farthest from the mean. */
  function strongest(from: number, every: number): number {
    let best = from;
    for (let i = from + 1; i < Math.min(samples.n, from + every); i++)
      if (Math.abs(samples.x[i]! - mean) > Math.abs(samples.x[best]! - mean)) best = i;
    return best;
  }

  function bits(): string {
    const { n, q: all } = samples;
    const first = all[0] ?? 0;
    for (let i = 1; i < n; i++) if (all[i] !== first) return `,"q":[${q.slice(1)}]`;
    return first === 0 ? "" : `,"q":${first}`;
  }

  return {
    /** Where the samples of a channel are put before it is written. */
    samples,
    begin({ mono, detector, triggers, peak }: Head): void {
      idle = true;
      zeroMs = mono;
      const head = JSON.stringify({ kind: "capture", mono, detector, triggers, peak: round(peak, 1) });
      json = `${head.slice(0, -1)},"channels":{`;
    },
    /** Writes the next slice of a channel, `every` samples as one; true when all of it is written. */
    write({ name, unit, resolution }: Written, every: number): boolean {
      const { n, t, x: values, q: marks } = samples;
      if (n === 0) return true;
      if (idle) {
        idle = false;
        next = 0;
        x = "";
        at = "";
        q = "";
        look();
        return false;
      }
      const places = placesOf(resolution);
      const until = Math.min(n, next + SLICE * every);
      for (; next < until; next += every) {
        const i = every === 1 ? next : strongest(next, every);
        const v = values[i]!;
        const none = (marks[i]! & QUALITY.missing) !== 0 || !(v * 0 === 0);
        x += none ? ",null" : `,${round(v, places)}`;
        q += `,${marks[i]!}`;
        if (!even) at += `,${round(t[i]! - t[0]!, 1)}`;
      }
      if (next < n) return false;
      const dt = ((t[n - 1]! - t[0]!) / (n - 1)) * every;
      const when = even ? `"dt":${round(dt, 6)}` : `"at":[${at.slice(1)}]`;
      const thinned = every === 1 ? "" : `,"every":${every}`;
      const head = `${JSON.stringify(name)}:{"unit":${JSON.stringify(unit)},"t0":${round(t[0]! - zeroMs, 3)},${when}${thinned}`;
      json += `${json.endsWith("{") ? "" : ","}${head},"x":[${x.slice(1)}]${bits()}}`;
      idle = true;
      return true;
    },
    end(): string {
      return `${json}}}`;
    },
  };
}
