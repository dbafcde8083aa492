import type { SerialLink } from "../bus/serial.ts";
import { createBlock } from "../model/block.ts";
import { QUALITY } from "../model/quality.ts";
import type { Clock } from "../model/time.ts";
import { createFifoClock } from "./fifo-clock.ts";
import type { SerialDevice, SerialOutput } from "./serial-device.ts";
import { createSerialState } from "./serial-state.ts";
import type { Source, SourceSink, TimeSink } from "./source.ts";
import { createUtcAgreement } from "./utc-agreement.ts";
import { verifiedBy } from "./verification.ts";

/** Regular scans of one read that become one block. */
const CAPACITY = 256;

/**
 * A part on a serial port, running: starts the link, hands bytes to the part's protocol and delivers what it puts. With a
 * stated rate of scans, times are reconstructed from their count (a USB adapter hands over many at once); without, they are
 * those that the protocol tells.
 */
export function createSerialSource(spec: {
  readonly device: SerialDevice;
  readonly name: string;
  readonly options: unknown;
  readonly link: SerialLink;
  readonly clock: Clock;
  readonly sink: SourceSink;
  /** Takes UTC, when this part may tell the time. */
  readonly time?: TimeSink;
}): Source {
  const { link, clock, sink } = spec;
  const plan = spec.device.plan(spec.options);
  const channels = Object.entries(plan.channels).map(([key, channel]) => ({ key, ...channel }));
  const fifo = plan.scanHz === undefined ? undefined : createFifoClock(plan.scanHz);
  const capacity = fifo === undefined ? 1 : CAPACITY;
  const blocks = channels.map(() => createBlock(capacity));
  const put = new Uint8Array(channels.length);
  const own = { samples: 0, clipped: 0, missing: 0, fault: 0, implausible: 0 };
  const utc = createUtcAgreement(spec.time);
  const states = createSerialState({
    sink,
    clock,
    expects: plan.expects,
    limitMs: () => plan.silentMs,
    silent() {
      fifo?.lost();
      utc.reset();
    },
  });
  let scans = 0;
  const recognised = verifiedBy(spec.device, spec.options);
  let verified: Source["verified"] = "none";

  function count(q: number): void {
    if (q === 0) return;
    if ((q & QUALITY.clipped) !== 0) own.clipped++;
    if ((q & QUALITY.missing) !== 0) own.missing++;
    if ((q & QUALITY.fault) !== 0) own.fault++;
    if ((q & QUALITY.range) !== 0) own.implausible++;
  }

  function deliver(tMs: number): void {
    for (let i = 0; i < blocks.length; i++) {
      if (put[i] === 0) continue;
      put[i] = 0;
      const block = blocks[i]!;
      block.n = 1;
      block.t[0] = tMs;
      sink.block(i, block);
    }
    own.samples++;
    sink.scan(tMs);
  }

  /** Hands on the regular scans of one read, with the times at which they were taken. */
  function drain(): void {
    const first = blocks[0];
    if (fifo === undefined || first === undefined || scans === 0) return;
    fifo.drained(scans, states.nowMs, 0, first.t);
    for (let i = 0; i < blocks.length; i++) {
      const block = blocks[i]!;
      if (i > 0) for (let k = 0; k < scans; k++) block.t[k] = first.t[k]!;
      block.n = scans;
      sink.block(i, block);
    }
    own.samples += scans;
    const newestMs = first.t[scans - 1]!;
    scans = 0;
    sink.scan(newestMs);
  }

  /** A regular scan carries every channel: what was not put is missing. */
  function collect(): void {
    for (let i = 0; i < blocks.length; i++) {
      if (put[i] === 0) {
        blocks[i]!.x[scans] = Number.NaN;
        blocks[i]!.q[scans] = QUALITY.missing;
      }
      put[i] = 0;
    }
    scans++;
    if (scans === CAPACITY) drain();
  }

  const out: SerialOutput = {
    put(channel, x, q) {
      const block = blocks[channel]!;
      const quality = Number.isNaN(x) ? q | QUALITY.missing : q;
      block.x[scans] = x;
      block.q[scans] = quality;
      put[channel] = 1;
      count(quality);
    },
    scan(tMs) {
      states.good(tMs);
      if (fifo === undefined) deliver(tMs);
      else collect();
    },
    missed: deliver,
    heard: (atMs) => states.good(atMs),
    write: (bytes) => link.write(bytes),
    verified(is) {
      verified = is ? recognised : "none";
    },
    refuse(reason) {
      verified = "none";
      states.refuse(reason);
    },
    retry: () => states.retry(),
    utc: (utcMs, atMs) => utc.epoch(utcMs, atMs),
  };
  const protocol = plan.protocol(out);

  const source: Source = {
    name: spec.name,
    part: spec.device.part,
    channels,
    get verified() {
      return verified;
    },
    get counters() {
      return { ...protocol.counters, ...states.counters, ...own };
    },
    get state() {
      return states.state;
    },
    get dueMs() {
      return Math.min(states.dueMs, protocol.dueMs ?? Number.POSITIVE_INFINITY);
    },
    step(nowMs) {
      if (link.isOpen) protocol.step?.(nowMs);
      if (nowMs >= states.dueMs) states.step(nowMs);
    },
  };
  link.start({
    bytes(chunk, atMs) {
      states.bytes(atMs);
      protocol.take(chunk, atMs);
      drain();
    },
    opened() {
      states.up();
      fifo?.lost();
      protocol.opened?.(clock.monoMs());
    },
    closed(error) {
      protocol.reset();
      verified = "none";
      utc.reset();
      states.down(error);
    },
  });
  return source;
}
