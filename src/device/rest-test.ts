import type { I2cPlan } from "./define.ts";
import { codecOf } from "./encoding.ts";
import type { RegisterPort } from "./register-port.ts";
import type { AtRest } from "./table.ts";

/** Tells apart parts with one identity by the size of gravity in counts, while the part is at rest. */
export interface RestTest {
  readonly dueMs: number;
  begin(): void;
  /** A part that moves cannot be told by its size, and passes. */
  step(nowMs: number): "busy" | "passed" | "stranger" | "silent";
}

/** The middle half of the magnitudes lies within this share of the median when the part is at rest. */
const CALM = 0.2;

export function createRestTest(plan: I2cPlan, test: AtRest, port: RegisterPort): RestTest {
  const frame = plan.frame!;
  const bytes = new Uint8Array(frame.bytes);
  const sizes = new Float64Array(test.samples);
  const axes = Object.entries(test.axes).map(([key, at]) => {
    const channel = plan.channels[key];
    return { at, codec: codecOf(channel !== undefined && "encoding" in channel ? channel.encoding : "i16le") };
  });
  let n = 0;
  let dueMs = 0;

  function verdict(): "passed" | "stranger" {
    sizes.sort();
    const quarter = Math.floor(n / 4);
    const median = sizes[Math.floor(n / 2)]!;
    const calm = sizes[n - 1 - quarter]! - sizes[quarter]! <= CALM * median;
    return calm && test.strangers.some(([from, to]) => median >= from && median <= to) ? "stranger" : "passed";
  }

  return {
    get dueMs() {
      return dueMs;
    },
    begin() {
      n = 0;
      dueMs = 0;
    },
    step(nowMs) {
      // The first result comes one conversion after the part was woken.
      if (dueMs === 0) {
        dueMs = nowMs + 2 * test.everyMs;
        return "busy";
      }
      if (nowMs < dueMs) return "busy";
      if (!port.frame(frame, bytes)) return "silent";
      let square = 0;
      for (const { at, codec } of axes) square += codec.read(bytes, at) ** 2;
      sizes[n++] = Math.sqrt(square);
      dueMs = nowMs + test.everyMs;
      return n < test.samples ? "busy" : verdict();
    },
  };
}
