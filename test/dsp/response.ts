import type { Chain } from "../../src/dsp/chain.ts";
import { blockOf, runIn } from "./samples.ts";

export interface Response {
  db: number;
  degrees: number;
}

/**
 * Magnitude and phase of a chain at one frequency, measured: a complex tone is correlated with what comes out once the
 * chain has settled, over a whole number of periods' worth of samples with a window that lets no other frequency in.
 */
export function measureResponse(chain: Chain, hz: number, rateHz: number): Response {
  const settle = 4000;
  const n = Math.max(8000, Math.ceil((40 * rateHz) / hz));
  const w = (2 * Math.PI * hz) / rateHz;
  const tone = blockOf(
    Array.from({ length: settle + n }, (_, i) => Math.cos(w * i)),
    0,
    1000 / rateHz,
  );
  const out = runIn(chain, tone, [64]).slice(settle);
  let re = 0;
  let im = 0;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const a = (2 * Math.PI * i) / n;
    const hann4 = 0.35875 - 0.48829 * Math.cos(a) + 0.14128 * Math.cos(2 * a) - 0.01168 * Math.cos(3 * a);
    re += hann4 * out[i]!.x * Math.cos(w * (i + settle));
    im -= hann4 * out[i]!.x * Math.sin(w * (i + settle));
    sum += hann4;
  }
  return { db: 20 * Math.log10((2 * Math.hypot(re, im)) / sum), degrees: (Math.atan2(im, re) * 180) / Math.PI };
}
