import type { PulseCounter } from "../bus/counter.ts";
import { createBlock } from "../model/block.ts";
import { QUALITY } from "../model/quality.ts";
import type { SourceState } from "../model/record.ts";
import type { CounterDevice } from "./counter-device.ts";
import { type Failure, failureOf, REASONS } from "./failures.ts";
import { createPulseRate } from "./pulse-rate.ts";
import type { Source, SourceSink } from "./source.ts";
import { verifiedBy } from "./verification.ts";

/** Readings in a row before it counts as running, and failures in a row before it is given up for a while. */
const GOOD_WANTED = 3;
const BAD_MAX = 3;
const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 10_000;
/** How often it is asked whether it still counts. */
const CHECK_MS = 1000;
/** Times the last time between two pulses after which they have ceased. */
const CEASED_PERIODS = 3;

/**
 * A pulse counter, running: switched on and read back, read on a grid, asked every second whether it still counts. Pulses that end
 * faster than what turns could stop are found: the samples are marked and the source is degraded until pulses come again, because
 * a rotor said to stand still while it turns is the worst that this part can say.
 */
export function createCounterSource(spec: {
  readonly device: CounterDevice;
  readonly name: string;
  readonly options: unknown;
  readonly counter: PulseCounter;
  readonly startMs: number;
  readonly sink: SourceSink;
}): Source {
  const { counter, sink } = spec;
  const plan = spec.device.plan(spec.options);
  const channels = Object.entries(plan.channels).map(([key, channel]) => ({ key, ...channel }));
  const { pulsesPerRevolution, everyMs, maxRpm } = plan;
  /** Fastest loss of speed that can be, in rpm a millisecond. */
  const slowing = plan.coast === undefined ? undefined : plan.coast.fromRpm / plan.coast.ms;
  const rate = createPulseRate(pulsesPerRevolution, plan.windowMs);
  const block = createBlock(1);
  const counters = {
    ...{
      samples: 0,
      noAck: 0,
      denied: 0,
      io: 0,
      stranger: 0,
      readback: 0,
      brownOut: 0,
      stuck: 0,
      jumps: 0,
      implausible: 0,
    },
  };
  let state: SourceState = "absent";
  let verified: Source["verified"] = "none";
  let isOn = false;
  let good = 0;
  let bad = 0;
  let retryMs = RETRY_MIN_MS;
  let dueMs = spec.startMs;
  let checkMs = 0;
  let readMs = 0;
  let pulseMs = Number.NaN;
  /** Speed when the last pulse came; no pulse since then changes it. */
  let pulseRpm = 0;
  let isCut = false;

  function move(to: SourceState, reason: string): void {
    if (to === state) return;
    const previous = state;
    state = to;
    sink.state(to, previous, reason);
  }

  function forget(): void {
    rate.reset();
    good = 0;
    pulseMs = Number.NaN;
    pulseRpm = 0;
    isCut = false;
  }

  function count(kind: Failure): void {
    counters[kind in counters ? (kind as keyof typeof counters) : "io"]++;
  }

  /** It is given up for a while: absent when it never answered, failed when it did. */
  function park(kind: Failure, nowMs: number): void {
    isOn = false;
    verified = "none";
    forget();
    dueMs = nowMs + retryMs;
    retryMs = Math.min(RETRY_MAX_MS, retryMs * 2);
    if (kind === "noAck") move("absent", "bus/absent");
    else move("failed", REASONS[kind]);
  }

  function switchOn(nowMs: number): void {
    try {
      if (counter.direction() !== "increase") {
        counters.stranger++;
        park("stranger", nowMs);
        return;
      }
      // Where a udev rule has switched it on, no right to write is needed.
      if (!counter.isEnabled()) counter.enable();
      if (!counter.isEnabled()) {
        counters.readback++;
        park("readback", nowMs);
        return;
      }
    } catch (e) {
      const kind = failureOf(e);
      count(kind);
      park(kind, nowMs);
      return;
    }
    verified = verifiedBy(spec.device, spec.options);
    isOn = true;
    bad = 0;
    checkMs = nowMs + CHECK_MS;
    dueMs = nowMs;
    forget();
    move("starting", "opened");
  }

  function deliver(tMs: number, x: number, q: number): void {
    block.n = 1;
    block.t[0] = tMs;
    block.x[0] = x;
    block.q[0] = q;
    counters.samples++;
    sink.block(0, block);
    sink.scan(tMs);
  }

  /** Pulses ceased at full speed: nothing that heavy stops between two pulses. */
  function look(nowMs: number, rpm: number): void {
    if (rate.pulses > 0) {
      pulseMs = nowMs;
      pulseRpm = rpm;
      isCut = false;
      return;
    }
    if (isCut || Number.isNaN(pulseMs) || slowing === undefined) return;
    // At least so fast when the last pulse came, slowed down as hard as can be since the middle of the window.
    const leastRpm = pulseRpm - (slowing * plan.windowMs) / 2;
    if (leastRpm <= 0) return;
    const quietMs = nowMs - pulseMs;
    const periodMs = 60_000 / (pulsesPerRevolution * leastRpm);
    if (quietMs < Math.max(CEASED_PERIODS * periodMs, 2 * everyMs) || quietMs > leastRpm / slowing) return;
    isCut = true;
    counters.stuck++;
    good = 0;
    move("degraded", "device/stuck");
  }

  function sample(nowMs: number): void {
    const rpm = rate.add(nowMs, counter.read());
    bad = 0;
    retryMs = RETRY_MIN_MS;
    const most = (maxRpm * pulsesPerRevolution * (nowMs - readMs)) / 60_000;
    readMs = nowMs;
    if (Number.isNaN(rpm)) return;
    // A counter that begins anew or leaps says nothing about speed: a thousand times what can be.
    if (rate.pulses > 1000 * (most + 1)) {
      counters.jumps++;
      forget();
      deliver(nowMs, Number.NaN, QUALITY.missing | QUALITY.fault);
      return;
    }
    look(nowMs, rpm);
    let q = isCut ? QUALITY.suspect | QUALITY.stuck : 0;
    if (rpm > maxRpm) {
      counters.implausible++;
      q |= QUALITY.clipped | QUALITY.suspect | QUALITY.range;
    }
    deliver(nowMs, rpm, q);
    if (!isCut && ++good >= GOOD_WANTED) move("running", "counts");
  }

  function check(nowMs: number): void {
    checkMs = nowMs + CHECK_MS;
    if (counter.isEnabled()) return;
    counters.brownOut++;
    isOn = false;
    verified = "none";
    dueMs = nowMs;
    move("degraded", "device/brown-out");
  }

  return {
    name: spec.name,
    part: spec.device.part,
    channels,
    counters,
    get verified() {
      return verified;
    },
    get state() {
      return state;
    },
    get dueMs() {
      return dueMs;
    },
    step(nowMs) {
      if (nowMs < dueMs) return;
      if (!isOn) {
        switchOn(nowMs);
        return;
      }
      dueMs = dueMs + everyMs > nowMs ? dueMs + everyMs : nowMs + everyMs;
      try {
        if (nowMs >= checkMs) check(nowMs);
        if (isOn) sample(nowMs);
      } catch (e) {
        const kind = failureOf(e);
        count(kind);
        if (++bad >= BAD_MAX || kind === "noAck") park(kind, nowMs);
      }
    },
  };
}
