import { manualClock } from "../../src/bus/clock.ts";
import { createMemorySerial } from "../../src/bus/memory-serial.ts";
import type { SerialDevice } from "../../src/device/serial-device.ts";
import { createSerialSource } from "../../src/device/serial-source.ts";

/** One scan as delivered: values and qualities by channel key. */
export interface Scan {
  t: number;
  x: Record<string, number>;
  q: Record<string, number>;
}

/** A serial part on a link of memory, with time that stands still until `run` moves it. */
export function serialRig(device: SerialDevice, options: unknown = {}, prepare?: (link: Link) => void) {
  const clock = manualClock(1000);
  const link = createMemorySerial({ name: "test", clock });
  prepare?.(link);
  const scans: Scan[] = [];
  const states: string[] = [];
  const told: { utcMs: number; monoMs: number }[] = [];
  const samples: Record<string, { t: number; x: number; q: number }[]> = {};
  let scan: Scan = { t: 0, x: {}, q: {} };
  const keys = Object.keys(device.plan(options).channels);
  const source = createSerialSource({
    device,
    name: "part",
    options,
    link,
    clock,
    sink: {
      block: (channel, b) => {
        const key = keys[channel]!;
        samples[key] ??= [];
        for (let i = 0; i < b.n; i++) samples[key].push({ t: b.t[i]!, x: b.x[i]!, q: b.q[i]! });
        scan.x[key] = b.x[b.n - 1]!;
        scan.q[key] = b.q[b.n - 1]!;
      },
      scan: (t) => {
        scans.push({ ...scan, t });
        scan = { t: 0, x: {}, q: {} };
      },
      state: (to, _from, reason) => states.push(`${to}: ${reason}`),
    },
    time: { utc: (utcMs, monoMs) => told.push({ utcMs, monoMs }) },
  });
  return {
    clock,
    link,
    source,
    scans,
    states,
    told,
    samples,
    send: (bytes: Uint8Array | string) => link.feed(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes),
    /** Moves time on in steps of `beatMs`, stepping what is due and, before it, whatever else acts. */
    run(ms: number, other?: { readonly dueMs: number; step(nowMs: number): void }, beatMs = 5) {
      for (let passed = 0; passed < ms; passed += beatMs) {
        clock.advance(beatMs);
        while (other !== undefined && other.dueMs <= clock.monoMs()) other.step(clock.monoMs());
        if (source.dueMs <= clock.monoMs()) source.step(clock.monoMs());
      }
    },
  };
}

type Link = ReturnType<typeof createMemorySerial>;

/** A stream cut at these places. */
export function pieces(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [0, ...cuts.filter((c) => c < bytes.length).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => bytes.subarray(at[i]!, end));
}

/** Places to cut, the same at every run. */
export function someCuts(length: number, seed: number): number[] {
  const cuts: number[] = [];
  let x = seed;
  for (let at = 0; at < length; at += 1 + (x % 97)) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) & 0x7fffffff;
    cuts.push(at);
  }
  return cuts;
}
