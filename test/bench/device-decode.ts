import { adxl375 } from "../../devices/adxl375.ts";
import { createFailureLog } from "../../src/device/failures.ts";
import { createScans } from "../../src/device/scans.ts";
import type { Result } from "./result.ts";

/** What decoding three-axis frames from a table costs: nanoseconds a frame, and heap bytes for a million of them. */
function benchDecode(millions = 4): { nsPerFrame: number; heapBytesPerMillion: number } {
  let delivered = 0;
  const block = (_channel: number, { n }: { n: number }) => {
    delivered += n;
  };
  const sink = { block, scan: () => {}, state: () => {} };
  const scans = createScans(adxl375.plan({}), sink, createFailureLog());
  const group = scans.group("DATAX0", 33);
  const bytes = Uint8Array.from([0x18, 0, 0xee, 0xff, 0x14, 0, 0x90, 0]);

  function drains(n: number): void {
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < 16; k++) {
        bytes[0] = i + k;
        group.take(bytes, 0, k, 0);
      }
      group.deliver();
    }
  }

  drains(200_000);
  const frames = millions * 1e6;
  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  // CPU time, so that a busy machine does not count as slow code.
  const start = process.cpuUsage();
  drains(frames / 16);
  const ns = process.cpuUsage(start).user * 1e3;
  const heap = process.memoryUsage().heapUsed - heapBefore;
  if (delivered === 0) throw new Error("nothing was decoded");
  return { nsPerFrame: ns / frames, heapBytesPerMillion: heap / millions };
}

export function run(): Promise<Result> {
  const { nsPerFrame, heapBytesPerMillion } = benchDecode();
  console.log(
    `${nsPerFrame.toFixed(1)} ns per three-axis frame, ${heapBytesPerMillion.toFixed(0)} bytes of heap per million frames`,
  );
  return Promise.resolve({ name: "decode", figures: { nsPerFrame, heapBytesPerMillion } });
}
