import { EventEmitter } from "node:events";
import { AXES, FRAME_BYTES } from "./filter-frames.ts";

interface Sample {
  axis: number;
  t: number;
  value: number;
}

const COUNT = 0.049 * 9.80665;

/**
 * The default vibration chain the obvious way: an object a sample, an event emitter a stage, windows by push and shift,
 * median by sorting a copy, statistics by reducing an array.
 */
export function createNaiveChains(
  section: { b0: number; b1: number; b2: number; a1: number; a2: number },
  report: () => void,
) {
  const calibrated = new EventEmitter();
  const despiked = new EventEmitter();
  const smooth = new EventEmitter();
  const windows: number[][] = [[], [], []];
  const states = Array.from({ length: AXES }, () => ({ s1: 0, s2: 0 }));
  const batches: Sample[][] = [[], [], []];
  const last: ({ mean: number; min: number; max: number } | undefined)[] = [undefined, undefined, undefined];

  calibrated.on("sample", (s: Sample) => {
    const window = windows[s.axis]!;
    window.push(s.value);
    if (window.length > 5) window.shift();
    const sorted = [...window].sort((a, b) => a - b);
    despiked.emit("sample", { ...s, value: sorted[Math.floor(sorted.length / 2)]! });
  });
  despiked.on("sample", (s: Sample) => {
    const state = states[s.axis]!;
    const value = section.b0 * s.value + state.s1;
    state.s1 = section.b1 * s.value - section.a1 * value + state.s2;
    state.s2 = section.b2 * s.value - section.a2 * value;
    smooth.emit("sample", { ...s, value });
  });
  smooth.on("sample", (s: Sample) => {
    const batch = batches[s.axis]!;
    batch.push(s);
    if (batch.length < 16) return;
    const values = batch.map((b) => b.value);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const rms = Math.sqrt(values.reduce((a, b) => a + b * b, 0) / values.length);
    const out = { ...s, mean, rms, min: Math.min(...values), max: Math.max(...values) };
    batches[s.axis] = [];
    const before = last[s.axis];
    const moved = (a: number, b: number) => Math.abs(a - b) > 5;
    if (before && !moved(out.mean, before.mean) && !moved(out.min, before.min) && !moved(out.max, before.max)) return;
    last[s.axis] = out;
    report();
  });
  return {
    run(frames: Uint8Array): void {
      const bytes = Buffer.from(frames.buffer, frames.byteOffset, frames.length);
      for (let at = 0, i = 0; at < bytes.length; at += FRAME_BYTES, i++) {
        for (let axis = 0; axis < AXES; axis++) {
          const value = 0.98 * bytes.readInt16LE(at + 2 * axis) * COUNT + 0.3;
          calibrated.emit("sample", { axis, t: i * 1.25, value });
        }
      }
    },
  };
}
