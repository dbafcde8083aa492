/**
 * Consecutive samples of one channel, oldest first, in preallocated arrays: the currency of the sampling loop.
 * `t` is the instant each sample was taken (mono ms), `x` its value in the channel's unit (NaN where missing), `q` its
 * quality bits. A block belongs to whoever made it and is valid only during the call it is passed to: copy what you keep.
 */
export interface Block {
  n: number;
  readonly t: Float64Array;
  readonly x: Float64Array;
  readonly q: Uint16Array;
}

/** A block with room for `capacity` samples. */
export function createBlock(capacity: number): Block {
  return { n: 0, t: new Float64Array(capacity), x: new Float64Array(capacity), q: new Uint16Array(capacity) };
}
