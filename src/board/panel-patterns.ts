import type { Lamp } from "../model/operator.ts";

/**
 * What the panel's one lamp does, as times in ms: on, off, on, off … and again from the start. Told apart by counting, not by
 * colour. Every pattern blinks: a lamp that stays dark or stays lit says that the unit does not work.
 */
export const LAMP_PATTERNS: Readonly<Record<Lamp, readonly number[]>> = {
  ok: [150, 2850],
  degraded: [150, 250, 150, 2450],
  no_fix: [150, 250, 150, 250, 150, 2050],
  trial: [1000, 1000],
  reading: [700, 300, 150, 1850],
  accepted: [700, 300, 700, 2300],
  refused: [700, 300, 700, 300, 700, 2300],
  fault: [100, 100],
  switching_off: [150, 250, 150, 250, 150, 250, 150, 1650],
};

/** What the buzzer does, once: on, off, on … in ms. */
export const SOUNDS = {
  /** A short press was taken. */
  short: [80],
  /** A long press was taken. */
  long: [80, 120, 80],
  /** The fault's sound was turned off, or on again. */
  mute: [400],
  /** The lamp has come to `fault`. */
  fault: [500, 250, 500, 250, 500],
  /** A press was not taken: mark it in another way. */
  lost: [1500],
} as const satisfies Record<string, readonly number[]>;
export type Sound = keyof typeof SOUNDS;

/** How long the lamp answers a press before it goes back to its pattern, in ms: on, off … */
export const LAMP_ANSWER: readonly number[] = [60, 60, 60, 60, 60, 60, 60, 400];

/** Whether a pattern is on, `ms` after it began. `once`: it ends after its last time. */
export function isOn(pattern: readonly number[], ms: number, once = false): boolean {
  const whole = lengthOf(pattern);
  if (once && ms >= whole) return false;
  let rest = ms % whole;
  for (let i = 0; i < pattern.length; i++) {
    rest -= pattern[i]!;
    if (rest < 0) return i % 2 === 0;
  }
  return false;
}

/** How long a pattern lasts, in ms. */
export const lengthOf = (pattern: readonly number[]): number => pattern.reduce((sum, ms) => sum + ms, 0);

/** Times of the key, in ms. */
export const KEY = {
  /** A change that does not last so long is the bouncing of a contact. */
  bounceMs: 30,
  /** A press of at least so long is long. */
  longMs: 1000,
  /** A press of at least so long turns the fault's sound off or on. */
  muteMs: 5000,
  /** A press longer than this is a stuck key and nothing. */
  stuckMs: 30_000,
} as const;
