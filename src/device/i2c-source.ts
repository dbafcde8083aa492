import type { I2cBus } from "../bus/i2c.ts";
import type { SourceState } from "../model/record.ts";
import type { Clock } from "../model/time.ts";
import { type BringUpResult, createBringUp, finallyWanted, holds } from "./bring-up.ts";
import type { I2cDevice } from "./define.ts";
import { createFailureLog, type Failure, REASONS } from "./failures.ts";
import { createRegisterPort } from "./register-port.ts";
import { createScans } from "./scans.ts";
import type { Source, SourceSink } from "./source.ts";
import { createArmedFifo } from "./verbs/armed-fifo.ts";
import { createOneShot } from "./verbs/one-shot.ts";
import { createPoll } from "./verbs/poll.ts";
import { createStreamFifo } from "./verbs/stream-fifo.ts";
import type { Verb, VerbContext } from "./verbs/verb.ts";
import { verifiedBy } from "./verification.ts";

/** What the one driver needs to run a part: its table, its place, its time and who takes the samples. */
export interface I2cSourceSpec {
  readonly device: I2cDevice;
  /** The name in the configuration; channels are `<name>.<key>`. */
  readonly name: string;
  readonly options: unknown;
  readonly bus: I2cBus;
  readonly address: number;
  readonly clock: Clock;
  readonly sink: SourceSink;
}

/** One wanted register is read again this often. */
const BEAT_MS = 1000;
/** A parked part is tried again after this long, doubled each time up to `SLOWEST_MS`. */
const FIRST_MS = 1000;
const SLOWEST_MS = 60_000;
/** A parked part is not asked twice: it may hang the bus each time. */
const PARKED_ATTEMPTS = 1;
/** A part that has run this long without a failure is well again. */
const HOLD_MS = 3000;
/** A bus that is busy (held low, or asked by another) is tried again this often, and given up after so long. */
const BUSY_RETRY_MS = 100;
const BUSY_MS = 3000;
/** Set-ups anew within `STRIKE_MS` after which a part is parked: it keeps falling over. */
const STRIKES = 3;
const STRIKE_MS = 10_000;

/**
 * The one driver: runs any I2C part from its table. Throws only here, for options that the part's schema refuses; afterwards
 * every failure is counted and moves `state`.
 */
export function createI2cSource(spec: I2cSourceSpec): Source {
  const { device, bus, address, clock, sink } = spec;
  const plan = device.plan(spec.options);
  const log = createFailureLog();
  const port = createRegisterPort(bus, address, plan.registers, log);
  const scans = createScans(plan, sink, log);
  const bringUp = createBringUp(plan, port, scans, log);
  const verb = createVerb({ plan, port, scans, log, clock, sink });
  const checks = [...finallyWanted(plan.setup), ...(plan.awake === undefined ? [] : [plan.awake])];

  let state: SourceState = "starting";
  let phase: "parked" | "bringUp" | "run" = "parked";
  let retryMs = 0;
  let backoffMs = FIRST_MS;
  let beatMs = 0;
  let check = 0;
  let strikes = 0;
  let failedMs = Number.NEGATIVE_INFINITY;
  let wasStuck = false;
  let busySinceMs = Number.NaN;
  let verified: Source["verified"] = "none";
  let pausedMs = Number.NEGATIVE_INFINITY;

  function move(next: SourceState, reason: string): void {
    if (next === state) return;
    const previous = state;
    state = next;
    sink.state(next, previous, reason);
  }

  function begin(nowMs: number, afresh: boolean): void {
    phase = "bringUp";
    verified = "none";
    scans.reset();
    bringUp.begin(nowMs, afresh);
  }

  function park(next: SourceState, reason: string, nowMs: number): void {
    phase = "parked";
    verified = "none";
    retryMs = nowMs + backoffMs;
    backoffMs = Math.min(2 * backoffMs, SLOWEST_MS);
    move(next, reason);
  }

  /** A busy bus says nothing about the part: nothing is set up anew, and for a while nothing is given up. */
  function waits(nowMs: number): boolean {
    if (Number.isNaN(busySinceMs)) busySinceMs = nowMs;
    pausedMs = nowMs + BUSY_RETRY_MS;
    if (nowMs - busySinceMs < BUSY_MS) return true;
    busySinceMs = Number.NaN;
    return false;
  }

  /** A running part failed: set it up anew at once, unless it hangs the bus or keeps failing. */
  function recover(failure: Failure, nowMs: number): void {
    if (failure === "busy" && waits(nowMs)) return;
    strikes = nowMs - failedMs < STRIKE_MS ? strikes + 1 : 1;
    failedMs = nowMs;
    if (failure === "timeout" || failure === "busy" || strikes > STRIKES) {
      park("failed", REASONS[failure], nowMs);
      return;
    }
    log.counters.reinits += 1;
    move("degraded", REASONS[failure]);
    begin(nowMs, true);
  }

  function broughtUp(result: BringUpResult, nowMs: number): void {
    if (result === "busy") return;
    if (result === "ready") {
      phase = "run";
      verified = verifiedBy(device, spec.options);
      if (state !== "degraded") move("starting", "found");
      beatMs = nowMs + BEAT_MS;
      if (!verb.start(nowMs)) recover(port.failure, nowMs);
    } else if (result === "silent") {
      park(port.failure === "noAck" ? "absent" : "failed", REASONS[port.failure], nowMs);
    } else park("failed", REASONS[result], nowMs);
  }

  /** Reads one wanted register again; what is wrong with it, if anything is. */
  function recheck(): Failure | undefined {
    if (checks.length === 0) return undefined;
    const wanted = checks[check++ % checks.length]!;
    const held = holds(port, wanted);
    if (held === undefined) return port.failure;
    // Read twice: a bit turned over on the wire is not a part that lost its settings.
    if (held || holds(port, wanted) !== false) return undefined;
    log.count("brownOut");
    return "brownOut";
  }

  /** Once a second: one register read again, levels leaked, the state made to fit them. */
  function beat(nowMs: number): void {
    beatMs = nowMs + BEAT_MS;
    log.leak(nowMs);
    if (scans.stuck && !wasStuck) {
      // Once: a set-up may free it; if not, its samples stay marked and it is watched.
      wasStuck = true;
      recover("stuck", nowMs);
    } else settle(nowMs);
  }

  function settle(nowMs: number): void {
    if (log.ailing !== undefined) move("degraded", REASONS[log.ailing]);
    else if (!scans.stuck && nowMs - failedMs >= HOLD_MS) {
      backoffMs = FIRST_MS;
      wasStuck = false;
      if (log.counters.samples > 0 || plan.read.verb === "armedFifo") move("running", "settled");
    }
  }

  function run(nowMs: number): void {
    let failure: Failure | undefined;
    if (verb.dueMs <= nowMs) {
      const before = log.counters.samples;
      if (!verb.step(nowMs)) failure = port.failure;
      else if (state === "starting" && log.counters.samples > before) settle(nowMs);
    }
    if (failure === undefined && beatMs <= nowMs) {
      failure = recheck();
      if (failure === undefined) beat(nowMs);
    }
    if (failure !== undefined) recover(failure, nowMs);
    else busySinceMs = Number.NaN;
  }

  return {
    name: spec.name,
    part: device.part,
    channels: scans.channels,
    counters: log.counters,
    get state() {
      return state;
    },
    get verified() {
      return verified;
    },
    get dueMs() {
      if (phase === "parked") return retryMs;
      if (phase === "bringUp") return bringUp.dueMs;
      return Math.max(pausedMs, Math.min(verb.dueMs, beatMs));
    },
    step(nowMs) {
      if (phase === "parked") {
        if (nowMs < retryMs) return;
        port.attempts = PARKED_ATTEMPTS;
        begin(nowMs, false);
      }
      if (phase === "bringUp") broughtUp(bringUp.step(nowMs), nowMs);
      else if (phase === "run" && nowMs >= pausedMs) run(nowMs);
    },
  };
}

function createVerb(context: VerbContext): Verb {
  const { read } = context.plan;
  switch (read.verb) {
    case "poll":
      return createPoll(read, context);
    case "oneShot":
      return createOneShot(read, context);
    case "streamFifo":
      return createStreamFifo(read, context);
    case "armedFifo":
      return createArmedFifo(read, context);
  }
}
