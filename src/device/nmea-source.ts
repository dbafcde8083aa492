import type { SerialLink } from "../bus/serial.ts";
import { createEpochAssembler } from "../codec/nmea-epoch.ts";
import type { Fix } from "../codec/nmea-fix.ts";
import { createNmeaFramer } from "../codec/nmea-framer.ts";
import { createNmeaParser } from "../codec/nmea-parse.ts";
import { createBlock } from "../model/block.ts";
import type { SwathError } from "../model/errors.ts";
import { QUALITY } from "../model/quality.ts";
import type { SourceState } from "../model/record.ts";
import type { Clock } from "../model/time.ts";
import type { NmeaDevice } from "./nmea-device.ts";
import type { Source, SourceSink, TimeSink } from "./source.ts";

/** How often the watchdog looks. */
const WATCH_MS = 250;
/** No sentence for so long: what is open is closed without its end. */
const FLUSH_MS = 1500;
/** No epoch for so long, before the receiver's period is known. */
const START_MS = 2000;
/** No epoch for so many periods. */
const STALE_PERIODS = 3;
/** Epochs in a row before a source counts as running, and before its time is told. */
const GOOD_EPOCHS = 3;
/** Longest time between two epochs that still tells a period. */
const MAX_PERIOD_MS = 10_000;
/** Steps between epochs of which the period is the median. */
const PERIOD_STEPS = 5;
/** Quiet for this part of a period, and at least so many ms: the cycle is over. */
const PAUSE_PART = 0.4;
const PAUSE_MS = 30;
/** UTC and mono must advance alike within this. */
const AGREE_MS = 200;
/** A sentence comes some tens to hundreds of ms after the instant it tells: computing, other sentences, the line. */
const UTC_UNC_MS = 250;

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
  const own = { samples: 0, silences: 0, linkFailures: 0 };

  let state: SourceState = "absent";
  let verified: Source["verified"];
  let good = 0;
  let lastEpochMs = clock.monoMs();
  let lastSentenceMs = Number.NEGATIVE_INFINITY;
  let lastByteMs = Number.NEGATIVE_INFINITY;
  let lastFixMs = Number.NaN;
  const steps: number[] = [];
  let periodMs = Number.NaN;
  let open = false;
  let dueMs = lastEpochMs + WATCH_MS;
  let nowMs = lastEpochMs;
  let excused = false;

  let agreeing = 0;
  let lastUtcMs = Number.NaN;
  let lastUtcAtMs = Number.NaN;

  function move(to: SourceState, reason: string): void {
    if (to === state) return;
    const previous = state;
    state = to;
    sink.state(to, previous, reason);
  }

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

  /** Tells UTC once it has advanced like the mono clock over several epochs, each with a fix and a plausible day. */
  function tellTime(fix: Fix): void {
    if (Number.isNaN(fix.utcMs)) {
      agreeing = 0;
      return;
    }
    const drift = fix.utcMs - lastUtcMs - (fix.atMs - lastUtcAtMs);
    agreeing = agreeing > 0 && Math.abs(drift) <= AGREE_MS ? agreeing + 1 : 1;
    lastUtcMs = fix.utcMs;
    lastUtcAtMs = fix.atMs;
    if (agreeing >= GOOD_EPOCHS) parts.time?.utc(fix.utcMs, fix.atMs, UTC_UNC_MS);
  }

  /** The median step: neither one lost epoch nor two that a stall delivered together change it. */
  function learnPeriod(atMs: number): void {
    const step = atMs - lastFixMs;
    lastFixMs = atMs;
    if (!(step > 0 && step <= MAX_PERIOD_MS)) return;
    steps.push(step);
    if (steps.length > PERIOD_STEPS) steps.shift();
    periodMs = steps.toSorted((a, b) => a - b)[steps.length >> 1]!;
  }

  function onFix(fix: Fix): void {
    learnPeriod(fix.atMs);
    lastEpochMs = lastSentenceMs; // not `nowMs`: an epoch closed by silence is as old as its last sentence
    verified = "sentences";
    emit(fix);
    tellTime(fix);
    good++;
    if (good >= GOOD_EPOCHS) move("running", "epochs");
  }

  const parser = createNmeaParser();
  const assembler = createEpochAssembler({ dateFloorMs: Date.parse(dateFloor), onFix });
  const framer = createNmeaFramer((body, length, startedMs) => {
    lastSentenceMs = nowMs;
    const sentence = parser.parse(body, length);
    if (sentence !== undefined) assembler.sentence(sentence, startedMs);
  });

  function takeBytes(chunk: Uint8Array, atMs: number): void {
    nowMs = atMs;
    if (atMs - lastByteMs >= Math.max(PAUSE_MS, PAUSE_PART * periodMs)) assembler.pause();
    lastByteMs = atMs;
    framer.push(chunk, atMs);
  }

  /** What was begun before a break must not be joined with what comes after it. */
  function breakLine(): void {
    framer.reset();
    assembler.flush();
    good = 0;
    agreeing = 0;
    lastFixMs = Number.NaN;
    steps.length = 0;
    periodMs = Number.NaN;
  }

  function linkDown(error: SwathError): void {
    open = false;
    own.linkFailures++;
    breakLine();
    // A link that reopens a silent port says nothing that `degraded` has not said.
    if (state === "degraded" && error.code === "bus/timeout") return;
    move(error.code === "bus/absent" ? "absent" : "failed", error.code);
  }

  function linkUp(): void {
    open = true;
    lastEpochMs = clock.monoMs();
    nowMs = lastEpochMs;
    if (state !== "degraded") move("starting", "opened");
  }

  function watch(): void {
    if (nowMs - lastSentenceMs >= FLUSH_MS) assembler.flush();
    const limitMs = Number.isNaN(periodMs) ? START_MS : STALE_PERIODS * periodMs;
    if (!open || nowMs - lastEpochMs <= limitMs) return;
    if (good > 0 || state === "starting") own.silences++;
    good = 0;
    agreeing = 0;
    move("degraded", nowMs - lastByteMs <= limitMs ? "no-epochs" : "silent");
  }

  const source: Source = {
    name: parts.name,
    part: device.part,
    channels,
    get state() {
      return state;
    },
    get verified() {
      return verified;
    },
    get counters() {
      return { ...framer.counters, ...parser.counters, ...assembler.counters, ...own };
    },
    get dueMs() {
      return dueMs;
    },
    step(atMs) {
      nowMs = Math.max(nowMs, atMs);
      // After a stall of our own the bytes that came meanwhile are still to be read: judge at the next look.
      excused = atMs - dueMs > WATCH_MS && !excused;
      if (!excused) watch();
      dueMs = atMs + WATCH_MS;
    },
  };
  parts.link.start({ bytes: takeBytes, opened: linkUp, closed: linkDown });
  return source;
}
