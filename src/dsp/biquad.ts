/** One second-order section, a0 = 1. */
export interface Biquad {
  readonly b0: number;
  readonly b1: number;
  readonly b2: number;
  readonly a1: number;
  readonly a2: number;
}

/** The Q of each second-order section of a Butterworth filter of even order. */
function butterworthQ(order: number): number[] {
  return Array.from({ length: order / 2 }, (_, k) => 1 / (2 * Math.cos((Math.PI * (2 * k + 1)) / (2 * order))));
}

/**
 * Sections of a Butterworth low-pass of even order: bilinear transform, pre-warped so that the cut-off is exact (-3.01 dB).
 * Every section has unit gain at 0 Hz.
 */
export function butterworthLowPass(order: number, cutoffHz: number, rateHz: number): Biquad[] {
  const k = Math.tan((Math.PI * cutoffHz) / rateHz);
  return butterworthQ(order).map((q) => {
    const norm = 1 / (1 + k / q + k * k);
    const b0 = k * k * norm;
    return { b0, b1: 2 * b0, b2: b0, a1: 2 * (k * k - 1) * norm, a2: (1 - k / q + k * k) * norm };
  });
}

/** Samples until a step has settled to 1 %, from the slowest pole. */
export function settlingSamples(sections: readonly Biquad[]): number {
  let radius = 0;
  for (const { a1, a2 } of sections) {
    const disc = a1 * a1 - 4 * a2;
    const r = disc < 0 ? Math.sqrt(a2) : (Math.abs(a1) + Math.sqrt(disc)) / 2;
    radius = Math.max(radius, r);
  }
  return radius === 0 ? 1 : Math.ceil(Math.log(0.01) / Math.log(radius));
}

/**
 * A cascade of sections run one after the other over a stretch of an array in place, in direct form I: of the forms it has the
 * shortest path from one output to the next (a product and a difference), and doubles leave no rounding to fear.
 */
export class Cascade {
  readonly #sections: readonly Biquad[];
  /** Four values a section: the last two inputs and the last two outputs, newest first. */
  readonly #past: Float64Array;

  constructor(sections: readonly Biquad[]) {
    this.#sections = sections;
    this.#past = new Float64Array(4 * sections.length);
  }

  /** As though the input had been `x` for ever. */
  settle(x: number): void {
    let u = x;
    for (let s = 0; s < this.#sections.length; s++) {
      const { b0, b1, b2, a1, a2 } = this.#sections[s]!;
      const y = (u * (b0 + b1 + b2)) / (1 + a1 + a2);
      this.#past.fill(u, 4 * s, 4 * s + 2);
      this.#past.fill(y, 4 * s + 2, 4 * s + 4);
      u = y;
    }
  }

  run(x: Float64Array, from: number, to: number): void {
    const past = this.#past;
    for (let s = 0; s < this.#sections.length; s++) {
      const { b0, b1, b2, a1, a2 } = this.#sections[s]!;
      let u1 = past[4 * s]!;
      let u2 = past[4 * s + 1]!;
      let y1 = past[4 * s + 2]!;
      let y2 = past[4 * s + 3]!;
      for (let i = from; i < to; i++) {
        const u = x[i]!;
        const y = b0 * u + b1 * u1 + (b2 * u2 - a2 * y2) - a1 * y1;
        u2 = u1;
        u1 = u;
        y2 = y1;
        y1 = y;
        x[i] = y;
      }
      past[4 * s] = u1;
      past[4 * s + 1] = u2;
      past[4 * s + 2] = y1;
      past[4 * s + 3] = y2;
    }
  }
}
