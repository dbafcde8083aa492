/**
 * Noise as a pure function of (seed, stream, index): the same seed gives the same machine at any speed and in any order of
 * questions. The hash is the finaliser of MurmurHash3 over the three words.
 */
export function hash01(seed: number, stream: number, index: number): number {
  let h =
    Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^
    Math.imul(stream + 0x7f4a7c15, 0xc2b2ae35) ^
    Math.imul(index, 0x27d4eb2f);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return (h >>> 0) / 2 ** 32;
}

/** White noise with a standard deviation of about 1, from the sum of four uniforms (bounded at ±3.5). */
export function white(seed: number, stream: number, index: number): number {
  const sum =
    hash01(seed, stream, index * 4) +
    hash01(seed, stream, index * 4 + 1) +
    hash01(seed, stream, index * 4 + 2) +
    hash01(seed, stream, index * 4 + 3);
  return (sum - 2) * Math.sqrt(3);
}

/** Slowly wandering noise with a standard deviation of about 1: hashed lattice values `periodS` apart, joined smoothly. */
export function wander(seed: number, stream: number, tS: number, periodS: number): number {
  const u = tS / periodS;
  const i = Math.floor(u);
  const f = u - i;
  const s = f * f * (3 - 2 * f);
  return (white(seed, stream, i) * (1 - s) + white(seed, stream, i + 1) * s) * 1.2;
}
