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

/** A cascade of sections, transposed direct form II, run section by section over a stretch of an array in place. */
export class Cascade {
  readonly #sections: readonly Biquad[];
  readonly #s1: Float64Array;
  readonly #s2: Float64Array;

  constructor(sections: readonly Biquad[]) {
    this.#sections = sections;
    this.#s1 = new Float64Array(sections.length);
    this.#s2 = new Float64Array(sections.length);
  }

  /** As though the input had been `x` for ever. */
  settle(x: number): void {
    let u = x;
    for (let s = 0; s < this.#sections.length; s++) {
      const { b0, b1, b2, a1, a2 } = this.#sections[s]!;
      const y = (u * (b0 + b1 + b2)) / (1 + a1 + a2);
      this.#s2[s] = b2 * u - a2 * y;
      this.#s1[s] = b1 * u - a1 * y + this.#s2[s]!;
      u = y;
    }
  }

  run(x: Float64Array, from: number, to: number): void {
    for (let s = 0; s < this.#sections.length; s++) {
      const { b0, b1, b2, a1, a2 } = this.#sections[s]!;
      let s1 = this.#s1[s]!;
      let s2 = this.#s2[s]!;
      for (let i = from; i < to; i++) {
        const u = x[i]!;
        const y = b0 * u + s1;
        s1 = b1 * u - a1 * y + s2;
        s2 = b2 * u - a2 * y;
        x[i] = y;
      }
      this.#s1[s] = s1;
      this.#s2[s] = s2;
    }
  }
}
