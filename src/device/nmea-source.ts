import type { SerialLink } from "../bus/serial.ts";
import { createEpochAssembler } from "../codec/nmea-epoch.ts";
import type { Fix } from "../codec/nmea-fix.ts";
import { createNmeaFramer } from "../codec/nmea-framer.ts";
import { createNmeaParser } from "../codec/nmea-parse.ts";
import { createBlock } from "../model/block.ts";
import { QUALITY } from "../model/quality.ts";
import type { Clock } from "../model/time.ts";
import type { NmeaDevice } from "./nmea-device.ts";
import { createSerialState } from "./serial-state.ts";
import type { Source, SourceSink, TimeSink } from "./source.ts";
import { createUtcAgreement } from "./utc-agreement.ts";
import { verifiedBy } from "./verification.ts";

/** No sentence for so long: what is open is closed without its end. */
const FLUSH_MS = 1500;
/** No epoch for so long, before the receiver's period is known. */
const START_MS = 2000;
/** No epoch for so many periods. */
const STALE_PERIODS = 3;
/** Longest time between two epochs that still tells a period. */
const MAX_PERIOD_MS = 10_000;
/** Steps between epochs of which the period is the median. */
const PERIOD_STEPS = 5;
/** Quiet for this part of a period, and at least so many ms: the cycle is over. */
const PAUSE_PART = 0.4;
const PAUSE_MS = 30;
/** The same while the receiver tells no time of day. */
const UNTOLD_PAUSE_MS = 100;
/** Values that a receiver without a fix cannot have, and whose lack is therefore a fault. */
const NEEDS_FIX: ReadonlySet<keyof Fix> = new Set(["lat", "lon", "altMsl"]);

/** What a source over NMEA 0183 is made of. Options that the device's schema refuses throw a `ZodError`. */
export interface NmeaSourceParts {
  readonly device: NmeaDevice;
  readonly name: string;
  readonly options: unknown;
  readonly link: SerialLink;
  readonly clock: Clock;
  readonly sink: SourceSink;
  /** Takes UTC, when this receiver may tell the time. */
  readonly time?: TimeSink;
}

/**
 * A receiver on a serial link, running: starts the link and becomes its listener. Each epoch is one sample of every
 * channel, taken as of the arrival of the epoch's first bytes, followed by `scan`. States: `starting` until three epochs
 * have come, `running`, `degraded` when they stop (reason `silent`, or `no-epochs` when bytes still come), `failed` when
 * the link goes down and `absent` when it is not there.
 */
export function createNmeaSource(parts: NmeaSourceParts): Source {
  const { device, sink, clock } = parts;
  const { dateFloor } = device.options.parse(parts.options);
  const channels = Object.entries(device.channels).map(([key, { field: _, ...spec }]) => ({ key, ...spec }));
  const outputs = Object.values(device.channels).map(({ field }) => ({ field, block: createBlock(1) }));
  const own = { samples: 0 };
  const recognised = verifiedBy(device, parts.options);
  const utc = createUtcAgreement(parts.time);
  const states = createSerialState({
    sink,
    clock,
    expects: "epochs",
    limitMs: () => (Number.isNaN(periodMs) ? START_MS : STALE_PERIODS * periodMs),
    look: () => {
      if (states.nowMs - lastSentenceMs >= FLUSH_MS) assembler.flush();
    },
    silent: () => utc.reset(),
  });

  let verified: Source["verified"] = "none";
  let lastSentenceMs = Number.NEGATIVE_INFINITY;
  let lastFixMs = Number.NaN;
  const steps: number[] = [];
  let periodMs = Number.NaN;
  const ownSteps: number[] = [];
  let ownPeriodMs = Number.NaN;
  let lastTodMs = Number.NaN;

  function qualityOf(field: keyof Fix, fix: Fix): number {
    if (!Number.isNaN(fix[field])) return 0;
    return NEEDS_FIX.has(field) && fix.mode < 2 ? QUALITY.missing | QUALITY.fault : QUALITY.missing;
  }

  function emit(fix: Fix): void {
    for (let i = 0; i < outputs.length; i++) {
      const { field, block } = outputs[i]!;
      block.n = 1;
      block.t[0] = fix.atMs;
      block.x[0] = fix[field];
      block.q[0] = qualityOf(field, fix);
      sink.block(i, block);
    }
    own.samples++;
    sink.scan(fix.atMs);
  }

  /** The median of the last steps: neither one lost epoch nor two that a stall delivered together change it. */
  function medianWith(steps: number[], step: number): number | undefined {
    if (!(step > 0 && step <= MAX_PERIOD_MS)) return undefined;
    steps.push(step);
    if (steps.length > PERIOD_STEPS) steps.shift();
    return steps.toSorted((a, b) => a - b)[steps.length >> 1];
  }

  function learnPeriod(fix: Fix): void {
    periodMs = medianWith(steps, fix.atMs - lastFixMs) ?? periodMs;
    ownPeriodMs = medianWith(ownSteps, fix.todMs - lastTodMs) ?? ownPeriodMs;
    lastFixMs = fix.atMs;
    lastTodMs = fix.todMs;
  }

  /**
   * How long the line is quiet between two cycles at the least, by the receiver's own clock where it tells one: bytes that come
   * faster than they were sent (after a stall, from a recording) have pauses that mean nothing. NaN, which nothing reaches,
   * until a period is known.
   */
  function pauseMs(): number {
    if (Number.isNaN(ownPeriodMs)) return Math.max(UNTOLD_PAUSE_MS, PAUSE_PART * periodMs);
    return Math.max(PAUSE_MS, PAUSE_PART * ownPeriodMs);
  }

  function onFix(fix: Fix): void {
    learnPeriod(fix);
    verified = recognised;
    emit(fix);
    utc.epoch(fix.utcMs, fix.atMs);
    states.good(lastSentenceMs); // not now: an epoch closed by silence is as old as its last sentence
  }

  const parser = createNmeaParser();
  const assembler = createEpochAssembler({ dateFloorMs: Date.parse(dateFloor), onFix });
  const framer = createNmeaFramer((body, length, startedMs) => {
    lastSentenceMs = states.nowMs;
    const sentence = parser.parse(body, length);
    if (sentence !== undefined) assembler.sentence(sentence, startedMs);
  });

  function takeBytes(chunk: Uint8Array, atMs: number): void {
    if (atMs - states.lastByteMs >= pauseMs()) assembler.pause();
    states.bytes(atMs);
    framer.push(chunk, atMs);
  }

  /** What was begun before a break must not be joined with what comes after it. */
  function breakLine(): void {
    framer.reset();
    assembler.flush();
    utc.reset();
    lastFixMs = Number.NaN;
    lastTodMs = Number.NaN;
    steps.length = 0;
    ownSteps.length = 0;
    periodMs = Number.NaN;
    ownPeriodMs = Number.NaN;
  }

  const source: Source = {
    name: parts.name,
    part: device.part,
    channels,
    get state() {
      return states.state;
    },
    get verified() {
      return verified;
    },
    get counters() {
      return { ...framer.counters, ...parser.counters, ...assembler.counters, ...states.counters, ...own };
    },
    get dueMs() {
      return states.dueMs;
    },
    step: (atMs) => states.step(atMs),
  };
  parts.link.start({
    bytes: takeBytes,
    opened: () => states.up(),
    closed(error) {
      breakLine();
      verified = "none";
      states.down(error);
    },
  });
  return source;
}
