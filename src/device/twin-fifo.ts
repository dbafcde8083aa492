import type { I2cPlan } from "./define.ts";
import type { ArmedFifoRead, StreamFifoRead } from "./table.ts";
import type { TwinCodec } from "./twin-codec.ts";
import type { RegisterFile } from "./twin-registers.ts";

/** The FIFO of a twin: filled at its own rate as time goes by. */
export interface TwinFifo {
  /** Takes the samples that are due up to `nowMs`. */
  fill(nowMs: number): void;
  /** What reading the register would change or show, before the bytes are read from the file. */
  beforeRead(at: number, length: number): void;
  /** What a write has done to the FIFO. */
  afterWrite(at: number): void;
  reset(): void;
}

/** How a FIFO keeps the instants at which its entries were taken; their bytes are made when they are read. */
interface Ring {
  readonly length: number;
  push(tMs: number): boolean;
  shift(): number;
  empty(): void;
}

function createRing(depth: number): Ring {
  const times: number[] = [];
  return {
    get length() {
      return times.length;
    },
    push(tMs) {
      times.push(tMs);
      if (times.length <= depth) return true;
      times.shift();
      return false;
    },
    shift: () => times.shift() ?? Number.NaN,
    empty() {
      times.length = 0;
    },
  };
}

interface Parts {
  readonly plan: I2cPlan;
  readonly file: RegisterFile;
  readonly codec: TwinCodec;
  readonly periodMs: number;
  awake(): boolean;
}

/** Calls `take` for every sample instant up to now, while the part is awake. */
function createPacer(parts: Parts, take: (tMs: number) => void): (nowMs: number) => void {
  let nextMs = Number.NaN;
  return (nowMs) => {
    if (!parts.awake()) {
      nextMs = Number.NaN;
      return;
    }
    if (Number.isNaN(nextMs)) nextMs = nowMs + parts.periodMs;
    // After a long time without a look only the newest entries matter.
    if (nowMs - nextMs > 10_000) nextMs = nowMs - 10_000;
    for (; nextMs <= nowMs; nextMs += parts.periodMs) take(nextMs);
  };
}

export function createTwinStream(read: StreamFifoRead, parts: Parts): TwinFifo {
  const { plan, file, codec } = parts;
  const tags = [...new Set(Object.values(plan.channels).map((c) => ("tag" in c ? c.tag : undefined)))];
  const data = plan.registers[read.data]!;
  const ring = createRing(read.depth);
  const entry = new Uint8Array(read.bytes);
  const block = new Uint8Array(read.bytes * (read.perRead ?? 1));
  let turn = 0;
  let newestMs = Number.NaN;
  let overrun = false;

  const streaming = () => (file.value(read.mode.reg) & read.mode.mask) === read.mode.value;
  const fill = createPacer(parts, (tMs) => {
    newestMs = tMs;
    if (!streaming()) ring.empty();
    else for (const _ of tags) if (!ring.push(tMs)) overrun = true;
  });

  /** The bytes of one entry; entries of several sensors take turns. */
  function encode(tMs: number): void {
    const tag = tags[turn]!;
    turn = (turn + 1) % tags.length;
    file.read(data.at, entry, read.bytes);
    if (read.tag !== undefined) entry[read.tag.byte] = tag! << read.tag.shift;
    codec.encode(read.data, tMs, entry, 0, tag);
    read.seal?.(entry, 0);
  }

  return {
    fill,
    beforeRead(at, length) {
      const status = plan.registers[read.overrun.reg]!;
      if (at === status.at)
        file.put(
          read.overrun.reg,
          (file.value(read.overrun.reg) & ~read.overrun.mask) | (overrun ? read.overrun.mask : 0),
        );
      if (!("byte" in read.entries) && at === plan.registers[read.entries.reg]!.at)
        file.put(read.entries.reg, (file.value(read.entries.reg) & ~read.entries.mask) | ring.length);
      if (at !== data.at || Number.isNaN(newestMs)) return;
      overrun = false;
      const n = Math.max(1, Math.floor(length / read.bytes));
      for (let i = 0; i < n; i++) {
        if (ring.length > 0) encode(ring.shift());
        else if (!streaming()) encode(newestMs);
        if ("byte" in read.entries) {
          const { byte, mask } = read.entries;
          entry[byte] = (entry[byte]! & ~mask) | ring.length;
        }
        block.set(entry, i * read.bytes);
      }
      file.putBytes(data.at, block.subarray(0, n * read.bytes));
    },
    afterWrite(at) {
      if (at === plan.registers[read.mode.reg]!.at && !streaming()) {
        ring.empty();
        turn = 0;
      }
    },
    reset() {
      ring.empty();
      turn = 0;
      newestMs = Number.NaN;
      overrun = false;
    },
  };
}

export function createTwinArmed(read: ArmedFifoRead, parts: Parts): TwinFifo {
  const { plan, file, codec } = parts;
  const keys = Object.keys(plan.channels);
  const data = plan.registers[read.data]!;
  const status = plan.registers[read.status.reg]!;
  const arming = read.rearm.at(-1)!;
  const ring = createRing(read.depth);
  const entry = new Uint8Array(read.bytes);
  const reference = new Float64Array(keys.length);
  let newestMs = Number.NaN;
  let triggered = false;
  let referred = false;

  const armed = () => file.value(arming.reg) === arming.value;
  const moved = (tMs: number) =>
    keys.some((key, i) => Math.abs(codec.count(key, tMs) - reference[i]!) >= read.thresholdCounts);

  const fill = createPacer(parts, (tMs) => {
    newestMs = tMs;
    if (!armed()) {
      ring.empty();
      return;
    }
    if (!referred) reference.set(keys.map((key) => codec.count(key, tMs)));
    referred = true;
    if (triggered) {
      if (ring.length < read.depth) ring.push(tMs);
      return;
    }
    ring.push(tMs);
    triggered = moved(tMs);
    while (ring.length > read.before + (triggered ? 1 : 0)) ring.shift();
  });

  return {
    fill,
    beforeRead(at) {
      if (at === status.at) file.put(read.status.reg, (triggered ? read.status.trigger : 0) | ring.length);
      if (at !== data.at || Number.isNaN(newestMs)) return;
      file.read(data.at, entry, read.bytes);
      if (ring.length > 0) codec.encode(read.data, ring.shift(), entry, 0);
      else if (!armed()) codec.encode(read.data, newestMs, entry, 0);
      file.putBytes(data.at, entry);
    },
    afterWrite(at) {
      if (at !== plan.registers[arming.reg]!.at) return;
      if (!armed()) ring.empty();
      triggered = false;
      referred = false;
    },
    reset() {
      ring.empty();
      newestMs = Number.NaN;
      triggered = false;
      referred = false;
    },
  };
}
