/** Pulses seen so far and when, turned into a speed. */
export interface PulseRate {
  /** Revolutions per minute over the window that ends at `tMs`; NaN until it spans two readings. `count` is modulo 2³². */
  add(tMs: number, count: number): number;
  /** Pulses between the last two readings. */
  readonly pulses: number;
  /** Forgets what came before: the counter was away or began anew. */
  reset(): void;
}

/** Readings that a window may hold. */
const CAPACITY = 256;

/**
 * Speed from a counter that only grows and rolls over at 2³²: 60 × pulses ÷ (pulses per revolution × seconds), over the
 * newest `windowMs` of readings. A count is exact, so the error is one pulse in the window, whatever the jitter of the host.
 */
export function createPulseRate(pulsesPerRevolution: number, windowMs: number): PulseRate {
  const times = new Float64Array(CAPACITY);
  const counts = new Float64Array(CAPACITY);
  let newest = -1;
  let held = 0;
  let pulses = 0;

  return {
    add(tMs, count) {
      const previous = newest;
      newest = (newest + 1) % CAPACITY;
      times[newest] = tMs;
      counts[newest] = count;
      held = Math.min(held + 1, CAPACITY);
      pulses = held > 1 ? (count - counts[previous]!) >>> 0 : 0;
      // The oldest reading that is needed is the newest one that lies a whole window back.
      while (held > 2 && tMs - times[(newest - held + 2 + CAPACITY) % CAPACITY]! >= windowMs) held--;
      if (held < 2) return Number.NaN;
      const oldest = (newest - held + 1 + CAPACITY) % CAPACITY;
      const spanMs = tMs - times[oldest]!;
      return spanMs > 0 ? (60_000 * ((count - counts[oldest]!) >>> 0)) / (pulsesPerRevolution * spanMs) : Number.NaN;
    },
    get pulses() {
      return pulses;
    },
    reset() {
      held = 0;
      pulses = 0;
    },
  };
}
