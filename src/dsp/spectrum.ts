/**
 * The power spectrum of up to `size` samples (a power of two) in preallocated arrays: their mean taken away, a Hann window,
 * zeros behind, a radix-2 transform.
 */
export class Spectrum {
  readonly size: number;
  /** Power at `k · rate / size` for k from 0 to size/2, after `run`. */
  readonly power: Float64Array;
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;

  constructor(size: number) {
    this.size = size;
    this.power = new Float64Array(size / 2 + 1);
    this.#re = new Float64Array(size);
    this.#im = new Float64Array(size);
    this.#cos = Float64Array.from({ length: size / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / size));
    this.#sin = Float64Array.from({ length: size / 2 }, (_, k) => -Math.sin((2 * Math.PI * k) / size));
  }

  run(samples: Float64Array, n: number): void {
    const re = this.#re;
    const im = this.#im;
    let mean = 0;
    for (let i = 0; i < n; i++) mean += samples[i]! / n;
    re.fill(0);
    im.fill(0);
    for (let i = 0; i < n; i++) re[i] = (samples[i]! - mean) * (0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / n));
    this.#transform();
    for (let k = 0; k < this.power.length; k++) this.power[k] = re[k]! * re[k]! + im[k]! * im[k]!;
  }

  #transform(): void {
    const re = this.#re;
    const im = this.#im;
    const size = this.size;
    for (let i = 1, j = 0; i < size; i++) {
      let bit = size >> 1;
      for (; (j & bit) !== 0; bit >>= 1) j ^= bit;
      j ^= bit;
      if (i >= j) continue;
      const r = re[i]!;
      re[i] = re[j]!;
      re[j] = r;
    }
    for (let half = 1; half < size; half *= 2) {
      const step = size / (2 * half);
      for (let start = 0; start < size; start += 2 * half) {
        for (let k = 0; k < half; k++) {
          const c = this.#cos[k * step]!;
          const s = this.#sin[k * step]!;
          const a = start + k;
          const b = a + half;
          const r = re[b]! * c - im[b]! * s;
          const m = re[b]! * s + im[b]! * c;
          re[b] = re[a]! - r;
          im[b] = im[a]! - m;
          re[a] = re[a]! + r;
          im[a] = im[a]! + m;
        }
      }
    }
  }
}
