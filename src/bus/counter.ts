/**
 * A pulse counter that the kernel keeps: it counts in the interrupt, so nothing the programs do loses a pulse. Every method throws
 * a `SwathError` with a `bus/*` code and nothing else.
 */
export interface PulseCounter {
  readonly name: string;
  /** In which way it counts, in the kernel's word; `increase` for one that only grows. */
  direction(): string;
  isEnabled(): boolean;
  enable(): void;
  /** Pulses so far, modulo 2³². */
  read(): number;
  close(): void;
}

/** Counts are taken modulo this: older kernels keep 32 bits, and tell them with the sign carried on. */
export const COUNT_MODULUS = 4_294_967_296;

/** A counter made of memory. */
export interface MemoryCounter extends PulseCounter {
  /** Pulses so far; counted only while it is enabled and plugged in. */
  pulse(n: number): void;
  /** What the far end does: `gone` is a counter that is not there. */
  set(change: { gone?: boolean; enabled?: boolean; count?: number; direction?: string }): void;
}
