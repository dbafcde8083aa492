import type { SerialLink } from "../bus/serial.ts";
import { createNumberLines } from "../codec/number-lines.ts";
import { createBlock } from "../model/block.ts";
import { QUALITY } from "../model/quality.ts";
import type { Clock } from "../model/time.ts";
import { createFifoClock } from "./fifo-clock.ts";
import type { LineDevice } from "./line-device.ts";
import { createSerialState } from "./serial-state.ts";
import type { Source, SourceSink } from "./source.ts";
import { verifiedBy } from "./verification.ts";

/** Lines of one read that become one block. */
const CAPACITY = 1024;
/** How long lines that come fast gather between two reads: they have the times of their count, and rows wait longer. */
const GATHER_MS = 50;
const FAST_HZ = 100;
/** Reads after an opening before lines gather: the clock of their times has settled by then. */
const SETTLED_READS = 250;
const SILENT_MIN_MS = 2000;

/**
 * A part that sends one number on each line, running. With a stated rate, sample times are reconstructed from the count of
 * lines (a USB adapter hands over many at once); without, they are the arrival of their bytes.
 */
export function createLineSource(spec: {
  readonly device: LineDevice;
  readonly name: string;
  readonly options: unknown;
  readonly link: SerialLink;
  readonly clock: Clock;
  readonly sink: SourceSink;
}): Source {
  const { link, clock, sink } = spec;
  const plan = spec.device.plan(spec.options);
  const channels = Object.entries(plan.channels).map(([key, channel]) => ({ key, ...channel }));
  const rateHz = channels[0]?.rateHz;
  const silentMs = Math.max(SILENT_MIN_MS, rateHz === undefined ? 0 : 3000 / rateHz);
  const fifo = rateHz === undefined ? undefined : createFifoClock(rateHz);
  const block = createBlock(CAPACITY);
  const counters = { samples: 0, clipped: 0, implausible: 0, malformed: 0, tooLong: 0 };
  const [clipLo, clipHi] = plan.clip ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const [low, high] = plan.plausible ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const states = createSerialState({
    sink,
    clock,
    expects: "lines",
    limitMs: () => silentMs,
    silent: () => fifo?.lost(),
  });
  const isFast = rateHz !== undefined && rateHz >= FAST_HZ;
  let reads = 0;
  let arrivalMs = clock.monoMs();

  function flush(): void {
    if (block.n === 0) return;
    if (fifo !== undefined) fifo.drained(block.n, arrivalMs, 0, block.t);
    else block.t.fill(arrivalMs, 0, block.n);
    counters.samples += block.n;
    states.good(arrivalMs, block.n);
    sink.block(0, block);
    block.n = 0;
  }

  const lines = createNumberLines(plan.prefix, (number) => {
    let q = 0;
    if (number <= clipLo || number >= clipHi) {
      q |= QUALITY.clipped;
      counters.clipped++;
    }
    if (number < low || number > high) {
      q |= QUALITY.suspect | QUALITY.range;
      counters.implausible++;
    }
    block.x[block.n] = number * plan.scale + plan.offset;
    block.q[block.n] = q;
    block.n++;
    if (block.n === CAPACITY) flush();
  });

  link.start({
    bytes(chunk, monoMs) {
      arrivalMs = monoMs;
      reads++;
      states.bytes(monoMs);
      lines.push(chunk);
      flush();
      counters.malformed = lines.counters.malformed;
      counters.tooLong = lines.counters.tooLong;
    },
    opened() {
      lines.reset();
      reads = 0;
      fifo?.lost();
      states.up();
    },
    closed: (error) => states.down(error),
    get gatherMs() {
      return isFast && reads > SETTLED_READS ? GATHER_MS : 0;
    },
  });

  return {
    name: spec.name,
    part: spec.device.part,
    channels,
    verified: verifiedBy(spec.device, spec.options),
    get counters() {
      return { ...counters, ...states.counters };
    },
    get state() {
      return states.state;
    },
    get dueMs() {
      return states.dueMs;
    },
    step: (nowMs) => states.step(nowMs),
  };
}
