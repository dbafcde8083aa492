import type { MemorySerial } from "../bus/memory-serial.ts";
import type { LinePlan } from "../device/line-device.ts";

/** Lines per second where the part does not state a rate. */
const DEFAULT_HZ = 10;

/** A part that sends one number on each line: the inverse of its table, at its rate. */
export function createSimulatedLines(options: {
  readonly plan: LinePlan;
  readonly link: MemorySerial;
  readonly startMs: number;
  readonly value: (channelKey: string, tMs: number) => number | undefined;
}) {
  const { plan, link } = options;
  const [key = "value", channel] = Object.entries(plan.channels)[0] ?? [];
  const periodMs = 1000 / (channel?.rateHz ?? DEFAULT_HZ);
  let dueMs = options.startMs;

  return {
    get dueMs() {
      return dueMs;
    },
    step(nowMs: number): void {
      while (dueMs < nowMs - 1000) dueMs += periodMs;
      const value = options.value(key, dueMs) ?? channel?.range[0] ?? 0;
      const number = Math.round((value - plan.offset) / plan.scale);
      link.feed(Buffer.from(`${plan.prefix}${number}\r\n`, "latin1"));
      dueMs += periodMs;
    },
  };
}
