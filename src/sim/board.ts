import type { MemorySerial } from "../bus/memory-serial.ts";
import type { BoardInput, BoardListener, BoardPlan, BoardReader } from "../device/board-device.ts";

/** What a board sends with every report here: its reader knows the scene, the bytes say that it lives. */
const REPORT = Uint8Array.of(0xe0, 0, 0);

/** A sub-board that reports what the scene says, and its reader, in one: no process, no library. */
export function createSimulatedBoard(options: {
  readonly plan: BoardPlan;
  readonly link: MemorySerial;
  readonly startMs: number;
  readonly value: (channelKey: string, tMs: number) => number | undefined;
}) {
  const { plan, link, startMs } = options;
  const keys = Object.keys(plan.channels);
  const full = 2 ** plan.adcBits - 1;
  let listener: BoardListener | undefined;
  let dueMs = startMs;
  const pulses = plan.inputs.map(() => 0);

  function report(index: number, input: BoardInput, atMs: number): void {
    const x = options.value(keys[index]!, atMs) ?? 0;
    if (input.kind === "analog") {
      const count = Math.round((x - input.offset) / input.scale);
      listener?.value(index, Math.min(full, Math.max(0, count)), atMs);
    } else if (input.kind === "digital") listener?.value(index, x >= 0.5 === input.invert ? 0 : 1, atMs);
    else {
      pulses[index] = pulses[index]! + (x * input.pulsesPerRevolution * plan.samplingMs) / 60_000;
      listener?.pulses(index, atMs - startMs, Math.floor(pulses[index]!), atMs);
    }
  }

  const reader: BoardReader = {
    start(l) {
      listener = l;
    },
    opened: () => listener?.ready("simulated"),
    closed: () => undefined,
    bytes: () => undefined,
    lamp: () => undefined,
    noted: () => undefined,
    dueMs: Number.POSITIVE_INFINITY,
    step: () => undefined,
    close: () => undefined,
  };
  return {
    reader,
    get dueMs() {
      return dueMs;
    },
    step(nowMs: number): void {
      while (dueMs < nowMs - 1000) dueMs += plan.samplingMs;
      link.feed(REPORT);
      for (const [index, input] of plan.inputs.entries()) report(index, input, dueMs);
      dueMs += plan.samplingMs;
    },
  };
}
