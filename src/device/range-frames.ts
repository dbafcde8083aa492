import { createSummedFrames, encodeSummedFrame, type SummedFrame } from "../codec/summed-frames.ts";
import type { SerialOutput, SerialProtocol, SerialTwin, SerialTwinSpec } from "./serial-device.ts";

/** A distance sensor that sends frames by itself: what one frame puts, and the payload that says these values. */
export interface RangeFrames {
  readonly shape: SummedFrame;
  readonly put: (frame: Uint8Array, out: SerialOutput) => void;
  readonly payload: (value: (channelKey: string) => number | undefined) => readonly number[];
  readonly frameHz: number;
}

/** Each frame is a scan as of its arrival. */
export function rangeProtocol(frames: RangeFrames, out: SerialOutput): SerialProtocol {
  let nowMs = 0;
  const framer = createSummedFrames(frames.shape, (frame) => {
    frames.put(frame, out);
    out.verified(true);
    out.scan(nowMs);
  });
  return {
    get counters() {
      return { ...framer.counters };
    },
    take(chunk, atMs) {
      nowMs = atMs;
      framer.push(chunk);
    },
    reset: () => framer.reset(),
  };
}

/** A sensor that sends at its rate what the scene knows. */
export function rangeTwin(frames: RangeFrames, spec: SerialTwinSpec): SerialTwin {
  const periodMs = 1000 / frames.frameHz;
  let dueMs = spec.startMs;
  return {
    get dueMs() {
      return dueMs;
    },
    step(nowMs) {
      while (dueMs < nowMs - 1000) dueMs += periodMs;
      const atMs = dueMs;
      const payload = frames.payload((key) => spec.value(key, atMs));
      spec.send(encodeSummedFrame(frames.shape, payload));
      dueMs += periodMs;
    },
  };
}
