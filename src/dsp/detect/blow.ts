import type { Block } from "../../model/block.ts";
import { QUALITY, UNUSABLE } from "../../model/quality.ts";
import { NoiseFloor } from "./noise-floor.ts";

/** What makes a blow out of samples of one axis; accelerations in m/s2 away from the resting value. */
export interface BlowSpec {
  /** Least peak of a detonation candidate. */
  readonly floor: number;
  /** Least peak of a blow worth counting. */
  readonly strikeFloor: number;
  /** How many MAD above the median of the noise a peak must lie. */
  readonly k: number;
}

/** Places in the figures of a blow. */
export const BLOW = {
  onset: 0,
  peakAt: 1,
  end: 2,
  peak: 3,
  rise: 4,
  ring: 5,
  clipped: 6,
  threshold: 7,
  noise: 8,
} as const;
const FIGURES = 9;

/** Length of a stretch whose peak the noise floor learns from, in ms. */
const STRETCH_MS = 20;
/** A blow is over when nothing was above its quiet level for this long, in ms. */
const QUIET_MS = 15;
/** ... or when it has lasted this long, in ms. */
const LONGEST_MS = 250;
/** After a hole of this length, in ms, what was before says nothing about what comes. */
const HOLE_MS = 100;
/** Share of the peak below which a pulse has not begun and a ringing has ended. */
const BEGUN = 0.2;
const ENDED = 0.1;
/** MAD above the median of the noise below which a ringing cannot be seen. */
const QUIET_K = 3;
/** Samples looked back for the rise. */
const BACK = 64;

/** State of an axis, by place. */
const S = { bias: 0, stretchStart: 1, stretchSum: 2, stretchPeak: 3, last: 4, opened: 5, quiet: 6 } as const;

/** Follows one axis: its resting value, its noise, and the blow that is going on. Nothing is allocated. */
export class BlowAxis {
  /** Figures of the blow that is going on or just ended, by `BLOW`. */
  readonly figures = new Float64Array(FIGURES);
  readonly noise = new NoiseFloor();
  /** Whether the noise is learnt from what comes. */
  learning = true;
  open = false;
  readonly #spec: BlowSpec;
  readonly #ended: () => void;
  readonly #s = new Float64Array(7).fill(Number.NaN);
  readonly #backT = new Float64Array(BACK);
  readonly #backD = new Float64Array(BACK);
  #at = 0;
  #known = 0;
  #stretchSamples = 0;
  /** Threshold that opens a blow, and that of a candidate. */
  readonly #thresholds = new Float64Array(2);

  /** `ended` is called when a blow is over, with its figures in place. */
  constructor(spec: BlowSpec, ended: () => void) {
    this.#spec = spec;
    this.#ended = ended;
    this.#setThresholds();
  }

  /** Instant of the newest sample (mono ms); NaN before the first. */
  get newestMs(): number {
    return this.#s[S.last]!;
  }

  process(block: Block): void {
    const { t, x, q, n } = block;
    const s = this.#s;
    for (let i = 0; i < n; i++) {
      if ((q[i]! & UNUSABLE) !== 0) continue;
      const now = t[i]!;
      if (!(now - s[S.last]! <= HOLE_MS)) this.#restart(block, i);
      s[S.last] = now;
      if (now - s[S.stretchStart]! >= STRETCH_MS) this.#closeStretch(block, i);
      const d = x[i]! - s[S.bias]!;
      const size = d < 0 ? -d : d;
      s[S.stretchSum]! += x[i]!;
      this.#stretchSamples++;
      if (size > s[S.stretchPeak]!) s[S.stretchPeak] = size;
      this.#backT[this.#at] = now;
      this.#backD[this.#at] = d;
      this.#at = (this.#at + 1) % BACK;
      if (this.#known < BACK) this.#known++;
      if (this.open) this.#follow(block, i);
      else if (size > this.#thresholds[0]!) this.#begin(block, i);
    }
  }

  /** The first sample ever, or after a hole. */
  #restart(block: Block, i: number): void {
    if (this.open) this.#end();
    const s = this.#s;
    if (Number.isNaN(s[S.bias]!)) s[S.bias] = block.x[i]!;
    s[S.stretchStart] = block.t[i]!;
    s[S.stretchSum] = 0;
    s[S.stretchPeak] = 0;
    this.#stretchSamples = 0;
    this.#known = 0;
  }

  #closeStretch(block: Block, i: number): void {
    const s = this.#s;
    // The resting value (gravity, offset) follows over about a second and ignores what happens in a blow.
    if (this.#stretchSamples > 0 && !this.open)
      s[S.bias]! += (s[S.stretchSum]! / this.#stretchSamples - s[S.bias]!) / (this.noise.known ? 64 : 4);
    if (this.learning) {
      this.noise.add(s, S.stretchPeak);
      this.#setThresholds();
    }
    s[S.stretchStart] = block.t[i]!;
    s[S.stretchSum] = 0;
    s[S.stretchPeak] = 0;
    this.#stretchSamples = 0;
  }

  #setThresholds(): void {
    const { floor, strikeFloor, k } = this.#spec;
    const { level, known } = this.noise;
    const above = level[0]! + k * level[1]!;
    this.#thresholds[0] = known ? Math.max(strikeFloor, above) : floor;
    this.#thresholds[1] = known ? Math.max(floor, above) : floor;
  }

  #begin(block: Block, i: number): void {
    const f = this.figures;
    this.open = true;
    this.#s[S.opened] = block.t[i]!;
    f[BLOW.peak] = 0;
    f[BLOW.clipped] = 0;
    f[BLOW.threshold] = this.#thresholds[1]!;
    f[BLOW.noise] = this.noise.level[0]!;
    this.#follow(block, i);
  }

  #follow(block: Block, i: number): void {
    const f = this.figures;
    const now = block.t[i]!;
    const d = block.x[i]! - this.#s[S.bias]!;
    const size = d < 0 ? -d : d;
    if ((block.q[i]! & QUALITY.clipped) !== 0) f[BLOW.clipped] = 1;
    if (size > f[BLOW.peak]!) {
      f[BLOW.peak] = size;
      f[BLOW.peakAt] = now;
      f[BLOW.ring] = 0;
      f[BLOW.end] = now;
      const noise = this.noise.level;
      this.#s[S.quiet] = Math.max(ENDED * size, noise[0]! + QUIET_K * noise[1]!);
      this.#findOnset();
    } else if (size > this.#s[S.quiet]!) {
      f[BLOW.ring]!++;
      f[BLOW.end] = now;
    }
    if (now - f[BLOW.end]! >= QUIET_MS || now - this.#s[S.opened]! >= LONGEST_MS) this.#end();
  }

  /** Looks back from the newest sample, the peak, for the instant at which its pulse passed a fifth of it. */
  #findOnset(): void {
    const f = this.figures;
    const peak = this.#backD[(this.#at + BACK - 1) % BACK]!;
    const begun = BEGUN * peak;
    const sign = peak < 0 ? -1 : 1;
    let later = (this.#at + BACK - 1) % BACK;
    let onset = this.#backT[later]!;
    for (let back = 2; back <= this.#known; back++) {
      const slot = (this.#at + BACK - back) % BACK;
      const d = this.#backD[slot]!;
      onset = this.#backT[slot]!;
      if (sign * d < sign * begun) {
        const after = this.#backD[later]!;
        onset += ((this.#backT[later]! - onset) * (begun - d)) / (after - d);
        break;
      }
      later = slot;
    }
    f[BLOW.onset] = onset;
    f[BLOW.rise] = f[BLOW.peakAt]! - onset;
  }

  #end(): void {
    this.open = false;
    this.#ended();
  }
}
