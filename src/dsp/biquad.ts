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

/** Sections of a Butterworth high-pass of even order, the mirror image of the low-pass: unit gain at half the rate. */
export function butterworthHighPass(order: number, cutoffHz: number, rateHz: number): Biquad[] {
  const k = Math.tan((Math.PI * cutoffHz) / rateHz);
  return butterworthQ(order).map((q) => {
    const norm = 1 / (1 + k / q + k * k);
    return { b0: norm, b1: -2 * norm, b2: norm, a1: 2 * (k * k - 1) * norm, a2: (1 - k / q + k * k) * norm };
  });
}

/** Sections of a Butterworth band-pass of even order between two edges, each 3.01 dB down; unit gain at the middle. */
export function butterworthBandPass(order: number, lowHz: number, highHz: number, rateHz: number): Biquad[] {
  const [low, high] = [lowHz, highHz].map((hz) => Math.tan((Math.PI * hz) / rateHz)) as [number, number];
  const band = high - low;
  return bandSections(order, band, low * high, false).map(({ a, b }) => {
    const norm = 1 / (1 + a + b);
    const gain = band * norm;
    return { b0: gain, b1: 0, b2: -gain, a1: 2 * (b - 1) * norm, a2: (1 - a + b) * norm };
  });
}

/** Sections of a Butterworth notch of even order: nothing at `hz`, 3.01 dB down at two edges `bandwidthHz` apart. */
export function butterworthNotch(order: number, hz: number, bandwidthHz: number, rateHz: number): Biquad[] {
  const middle = Math.tan((Math.PI * hz) / rateHz) ** 2;
  const band = Math.tan((Math.PI * bandwidthHz) / rateHz) * (1 + middle);
  return bandSections(order, band, middle, true).map(({ a, b }) => {
    const norm = 1 / (1 + a + b);
    const b0 = (1 + middle) * norm;
    return { b0, b1: 2 * (middle - 1) * norm, b2: b0, a1: 2 * (b - 1) * norm, a2: (1 - a + b) * norm };
  });
}

/**
 * The denominators s² + a·s + b of a band filter: each pole p of the low-pass prototype of half the order becomes the two
 * solutions of s² − p·band·s + middle = 0 (for a notch, with 1/p for p); conjugates make one section.
 */
function bandSections(order: number, band: number, middle: number, stop: boolean): { a: number; b: number }[] {
  const half = order / 2;
  const sections: { a: number; b: number }[] = [];
  for (let k = 0; k < Math.ceil(half / 2); k++) {
    const angle = (Math.PI * (2 * k + 1)) / (2 * half) + Math.PI / 2;
    // 1/p is the conjugate of p on the unit circle: which of the two is taken first does not matter.
    const re = (Math.cos(angle) * band) / 2;
    const im = (Math.sin(angle) * band * (stop ? -1 : 1)) / 2;
    if (half % 2 === 1 && k === (half - 1) / 2) {
      sections.push({ a: band, b: middle });
      continue;
    }
    // The root of (re + j·im)² − middle.
    const [u, v] = [re * re - im * im - middle, 2 * re * im];
    const size = Math.hypot(u, v);
    const rootRe = Math.sqrt((size + u) / 2);
    const rootIm = Math.sign(v || 1) * Math.sqrt((size - u) / 2);
    for (const sign of [1, -1]) {
      const [r, i] = [re + sign * rootRe, im + sign * rootIm];
      sections.push({ a: -2 * r, b: r * r + i * i });
    }
  }
  return sections;
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
