import type { SerialLink } from "../bus/serial.ts";
import { type Block, createBlock } from "../model/block.ts";
import { QUALITY } from "../model/quality.ts";
import type { Clock } from "../model/time.ts";
import {
  BOARD_TROUBLES,
  type BoardDevice,
  type BoardInput,
  type BoardReader,
  type BoardTrouble,
  type KeyPress,
} from "./board-device.ts";
import { createPulseRate, type PulseRate } from "./pulse-rate.ts";
import { createSerialState } from "./serial-state.ts";
import type { Source, SourceSink } from "./source.ts";
import { verifiedBy } from "./verification.ts";

/** A bootloader, the start of the reader and its questions take so long on a small machine. */
const SETTING_UP_MS = 30_000;

/**
 * A sub-board, running: keeps its port open, hands its bytes to the reader and delivers what the reader makes of them. A sample
 * has the time at which its bytes came, so that nothing the reader remembers can ever pass for news.
 */
export function createBoardSource(spec: {
  readonly device: BoardDevice;
  readonly name: string;
  readonly options: unknown;
  readonly link: SerialLink;
  readonly reader: BoardReader;
  readonly clock: Clock;
  readonly sink: SourceSink;
  /** A key of the operator's panel was pressed. */
  readonly onKey?: (press: KeyPress, atMs: number) => void;
}): Source {
  const { link, reader, clock, sink } = spec;
  const plan = spec.device.plan(spec.options);
  const { inputs } = plan;
  const channels = Object.entries(plan.channels).map(([key, channel]) => ({ key, ...channel }));
  const block: Block = createBlock(1);
  const rates = inputs.map((i): PulseRate | undefined =>
    i.kind === "pulses" ? createPulseRate(i.pulsesPerRevolution, i.windowMs) : undefined,
  );
  const boardMs = inputs.map(() => Number.NaN);
  const fullCount = 2 ** plan.adcBits - 1;
  const counters: Record<BoardTrouble | "samples" | "clipped" | "implausible" | "stale", number> = {
    samples: 0,
    clipped: 0,
    implausible: 0,
    stale: 0,
    ...(Object.fromEntries(BOARD_TROUBLES.map((kind) => [kind, 0])) as Record<BoardTrouble, number>),
  };
  const states = createSerialState({
    sink,
    clock,
    expects: "reports",
    limitMs: () => (isReady ? plan.silentMs : SETTING_UP_MS),
    silent: forget,
  });
  let verified: Source["verified"] = "none";
  /** Whether the board has been set up since its port opened. */
  let isReady = false;
  let newestMs = Number.NEGATIVE_INFINITY;

  function forget(): void {
    for (const rate of rates) rate?.reset();
    boardMs.fill(Number.NaN);
  }

  function deliver(input: number, tMs: number, x: number, q: number): void {
    // Bytes older than those already told were held up; time does not run backwards.
    if (tMs < newestMs) {
      counters.stale++;
      return;
    }
    newestMs = tMs;
    block.n = 1;
    block.t[0] = tMs;
    block.x[0] = x;
    block.q[0] = q;
    counters.samples++;
    if ((q & QUALITY.clipped) !== 0) counters.clipped++;
    if ((q & QUALITY.range) !== 0) counters.implausible++;
    sink.block(input, block);
  }

  function value(input: number, raw: number, atMs: number): void {
    const i: BoardInput | undefined = inputs[input];
    if (i === undefined || i.kind === "pulses") return;
    states.good(atMs);
    if (i.kind === "digital") deliver(input, atMs, (raw === 0) === i.invert ? 1 : 0, 0);
    else deliver(input, atMs, raw * i.scale + i.offset, raw <= 0 || raw >= fullCount ? QUALITY.clipped : 0);
  }

  /** The board's own clock times its pulses: what the host adds in delay does not matter. */
  function pulses(input: number, ms: number, count: number, atMs: number): void {
    const i = inputs[input];
    const rate = rates[input];
    if (i?.kind !== "pulses" || rate === undefined) return;
    states.good(atMs);
    const seen = boardMs[input]!;
    const passedMs = Number.isNaN(seen) ? 0 : (ms - (seen % 4_294_967_296)) >>> 0;
    boardMs[input] = Number.isNaN(seen) ? ms : seen + passedMs;
    if (passedMs === 0 && !Number.isNaN(seen)) return;
    const rpm = rate.add(boardMs[input]!, count);
    if (Number.isNaN(rpm)) return;
    const tooFast = rate.pulses > (i.maxHz * passedMs) / 1000 + 1;
    deliver(input, atMs, rpm, tooFast ? QUALITY.clipped | QUALITY.suspect | QUALITY.range : 0);
  }

  reader.start({
    ready() {
      verified = verifiedBy(spec.device, spec.options);
      isReady = true;
      forget();
      states.retry();
      // It has answered: silence is counted from here.
      states.good(clock.monoMs());
    },
    value,
    pulses,
    beat: (atMs) => states.good(atMs),
    write: (bytes) => void link.write(bytes),
    refused(reason) {
      verified = "none";
      states.refuse(reason);
    },
    key: (press, atMs) => spec.onKey?.(press, atMs),
    trouble(kind) {
      counters[kind]++;
    },
    restarted(reason) {
      isReady = false;
      verified = "none";
      forget();
      states.again(reason);
    },
  });
  link.start({
    bytes(chunk, atMs) {
      states.bytes(atMs);
      reader.bytes(chunk, atMs);
    },
    opened() {
      isReady = false;
      states.up();
      reader.opened(clock.monoMs());
    },
    closed(error) {
      verified = "none";
      forget();
      reader.closed();
      states.down(error);
    },
  });

  return {
    name: spec.name,
    part: spec.device.part,
    channels,
    get verified() {
      return verified;
    },
    get counters() {
      return { ...counters, ...states.counters };
    },
    get state() {
      return states.state;
    },
    get dueMs() {
      return Math.min(states.dueMs, reader.dueMs);
    },
    step(nowMs) {
      if (nowMs >= reader.dueMs) reader.step(nowMs);
      if (nowMs >= states.dueMs) states.step(nowMs);
    },
  };
}
