import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

/** Where the recordings lie, beside the repository. */
export const RECORDINGS = resolve(import.meta.dirname, "../../../shared/data/gnss");

/** False when the recordings are not there; says so in one line. */
export function hasRecordings(): boolean {
  const there = existsSync(RECORDINGS);
  if (!there) console.log(`recordings not found: ${RECORDINGS}`);
  return there;
}

/** What the witness says the receiver knew at one time. Position undefined without a fix. */
export interface WitnessFix {
  readonly utcMs: number;
  readonly lat: number | undefined;
  readonly lon: number | undefined;
  readonly mode: number;
}

export interface Recording {
  readonly bytes: Uint8Array;
  /** One entry for each time, in order. */
  readonly witness: readonly WitnessFix[];
}

const WEEK_MS = 7 * 86_400_000;
/** The witness added 1024 weeks to what the sentences say. */
const ROLLED = new Set(["neo-m8n"]);

/**
 * A recording with its witness (`TPV` objects). The witness was made while its program still learned where the
 * receiver's cycle ends, so it tells one time several times over, each with what was known so far: first as 2D from the
 * RMC alone, then 3D. The last of a time is the one told after all sentences of that time. TPV without a time are left
 * out: nothing can be matched with them.
 */
export function loadRecording(name: string): Recording {
  const bytes = readFileSync(resolve(RECORDINGS, `${name}.log`));
  const text = readFileSync(resolve(RECORDINGS, `${name}.chk`), "latin1");
  const byTime = new Map<number, WitnessFix>();
  for (const line of text.split("\n")) {
    if (!line.startsWith('{"class":"TPV"')) continue;
    const tpv = JSON.parse(line) as { time?: string; lat?: number; lon?: number; mode: number };
    if (tpv.time === undefined) continue;
    const utcMs = Date.parse(tpv.time) - (ROLLED.has(name) ? 1024 * WEEK_MS : 0);
    byTime.set(utcMs, { utcMs, lat: tpv.lat, lon: tpv.lon, mode: Math.max(1, tpv.mode) });
  }
  return { bytes, witness: [...byTime.values()] };
}
