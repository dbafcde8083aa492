/** Frames of a simulated ADXL375 at work: hum of the rotor, noise, rock strikes; the same for every run. */
export const FRAME_BYTES = 8;
export const AXES = 3;

/** `count` frames of 8 bytes: three axes little-endian, then what FIFO_CTL and FIFO_STATUS would say. */
export function shockFrames(count: number): Uint8Array {
  const bytes = new Uint8Array(count * FRAME_BYTES);
  const view = new DataView(bytes.buffer);
  let seed = 12345;
  const noise = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32 - 0.5;
  };
  let ring = 0;
  for (let i = 0; i < count; i++) {
    if (noise() > 0.4995) ring = 2500 * noise();
    ring *= 0.8;
    for (let axis = 0; axis < AXES; axis++) {
      const hum = 60 * Math.sin(0.21 * i + axis) + 25 * Math.sin(0.013 * i);
      view.setInt16(
        i * FRAME_BYTES + 2 * axis,
        Math.round(hum + 80 * (noise() + noise()) + ring * (1 - 0.3 * axis)),
        true,
      );
    }
    view.setUint16(i * FRAME_BYTES + 6, 0x90, true);
  }
  return bytes;
}
