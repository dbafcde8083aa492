/**
 * Quality of one sample or one window, as bits: 0 is good. The low nibble says what the value is worth, the rest says why.
 * Nothing is ever deleted for its quality; it is marked and travels with the value (QARTOD's rule: flag, never delete).
 */
export const QUALITY = {
  /** At the end of the sensor's range: the true value lies at or beyond it. */
  clipped: 1 << 0,
  /** Older than its source promises. */
  stale: 1 << 1,
  /** Read without error but not believable. */
  suspect: 1 << 2,
  /** There is no value. */
  missing: 1 << 3,
  /** Reason: outside the plausible range. */
  range: 1 << 4,
  /** Reason: moved faster than it can. */
  rate: 1 << 5,
  /** Reason: did not move when it should have. */
  stuck: 1 << 6,
  /** Reason: the part or its wiring reported a fault (open loop, no fix, checksum). */
  fault: 1 << 7,
  /** Reason: samples before this one were lost (FIFO overrun, bus time-out). */
  overrun: 1 << 8,
  /** Reason: a filter had not settled yet. */
  warmup: 1 << 9,
  /** Reason: made by a simulator; never evidence. */
  simulated: 1 << 10,
  /** Reason: other sensors of the same thing say otherwise. */
  disagrees: 1 << 11,
} as const;

/** Bits that make a value unusable in statistics: there is none, or it is not believable. */
export const UNUSABLE = QUALITY.missing | QUALITY.suspect;

/** The names of the bits set in `q`, lowest first; empty when the sample is good. */
export function qualityNames(q: number): string[] {
  return Object.entries(QUALITY)
    .filter(([, bit]) => (q & bit) !== 0)
    .map(([name]) => name);
}
