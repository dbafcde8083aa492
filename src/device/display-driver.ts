import type { I2cBus } from "../bus/i2c.ts";
import type { SourceState, Verified } from "../model/record.ts";
import { DISPLAY_CHUNK_BYTES, DISPLAY_STEP_MS, type DisplayDevice, type DisplaySize } from "./display-device.ts";
import { drawLines, drawMark } from "./display-text.ts";
import { createFailureLog, type Failure, failureOf } from "./failures.ts";
import { verifiedBy } from "./verification.ts";

/** A configured display, running. Never throws once made: failures are counted and move `state`. */
export interface DisplayDriver {
  readonly part: string;
  readonly state: SourceState;
  /** How it was recognised since it was last lost: nothing can be read from it. */
  readonly verified: Verified;
  readonly counters: Readonly<Record<string, number>>;
  /** When `step` wants to be called next (mono ms). */
  readonly dueMs: number;
  /** Writes what is due: at most one window and its pixels. */
  step(nowMs: number): void;
  /** What shall be seen: the first line at double size, the others below it. */
  show(lines: readonly string[]): void;
  /** Makes it dark, so that no old picture stays behind. */
  off(): void;
}

/** The mark of life changes so often: a write a second also finds a display that was pulled. */
const BEAT_MS = 1000;
/**
 * So often it is set up and drawn anew: what browned out between two writes has lost its settings and cannot tell. The picture
 * moves by a pixel then, so that it does not burn in.
 */
const REFRESH_MS = 60_000;
const SHIFTS = 3;
/** Writes that fail one after the other before it is parked. */
const STRIKES = 3;
/** A parked display is tried again after this long, doubled each time up to `SLOWEST_MS`. */
const FIRST_MS = 1000;
const SLOWEST_MS = 60_000;

/** Runs a display: one transfer of pixels at a time, only what has changed, at a rate that the bus budget counts on. */
export function createDisplay(spec: {
  readonly device: DisplayDevice;
  readonly size: DisplaySize;
  readonly bus: I2cBus;
  readonly address: number;
}): DisplayDriver {
  const { device, size, bus, address } = spec;
  const shape = device.shapes[size];
  const setup = device.setup(size);
  const log = createFailureLog();
  const wanted = new Uint8Array(shape.columns * shape.pages);
  const written = new Uint8Array(wanted.length);
  const chunks = wanted.length / DISPLAY_CHUNK_BYTES;
  /** What is in its memory there is not known. */
  const unknown = new Uint8Array(chunks).fill(1);
  const transfer = new Uint8Array(DISPLAY_CHUNK_BYTES);

  let lines: readonly string[] = ["STARTING"];
  let shift = 0;
  let mark = false;
  let state: SourceState = "starting";
  let phase: "parked" | "dark" | "lit" = "parked";
  let retryMs = 0;
  let backoffMs = FIRST_MS;
  let writeMs = 0;
  let beatMs = 0;
  let refreshMs = 0;
  let strikes = 0;
  /** The next piece to be written; -1 when all is as wanted. */
  let next = -1;

  function draw(): void {
    drawLines(lines, shape, shift, wanted);
    drawMark(mark, wanted);
    next = findNext();
  }

  function differs(chunk: number): boolean {
    if (unknown[chunk] === 1) return true;
    const from = chunk * DISPLAY_CHUNK_BYTES;
    for (let i = from; i < from + DISPLAY_CHUNK_BYTES; i++) if (wanted[i] !== written[i]) return true;
    return false;
  }

  /** In turn from the last one on, so that a piece that changes all the time keeps no other waiting. */
  function findNext(): number {
    const after = Math.max(0, next);
    for (let i = 0; i < chunks; i++) if (differs((after + i) % chunks)) return (after + i) % chunks;
    return -1;
  }

  function send(control: number, bytes: ArrayLike<number>): Failure | undefined {
    for (let i = 0; i < bytes.length; i++) transfer[i] = bytes[i]!;
    try {
      bus.writeRegister(address, control, transfer, bytes.length);
      return undefined;
    } catch (e) {
      const failure = failureOf(e);
      log.count(failure);
      return failure;
    }
  }

  function park(failure: Failure, nowMs: number): void {
    phase = "parked";
    retryMs = nowMs + backoffMs;
    backoffMs = Math.min(2 * backoffMs, SLOWEST_MS);
    state = failure === "noAck" ? "absent" : "failed";
  }

  /** One that hangs the bus is parked at once: its neighbours wait for it each time. */
  function missed(failure: Failure, nowMs: number): void {
    strikes += 1;
    if (failure === "timeout" || failure === "busy" || strikes >= STRIKES) park(failure, nowMs);
  }

  function bringUp(nowMs: number): void {
    const failure = send(device.control.command, [...device.off, ...setup]);
    if (failure !== undefined) {
      park(failure, nowMs);
      return;
    }
    phase = "dark";
    state = "starting";
    strikes = 0;
    unknown.fill(1);
    beatMs = nowMs + BEAT_MS;
    refreshMs = nowMs + REFRESH_MS;
    draw();
  }

  function beat(nowMs: number): void {
    beatMs = nowMs + BEAT_MS;
    log.leak(nowMs);
    mark = !mark;
    if (phase === "lit" && refreshMs <= nowMs) {
      refreshMs = nowMs + REFRESH_MS;
      shift = (shift + 1) % SHIFTS;
      unknown.fill(1);
      const failure = send(device.control.command, [...setup, ...device.on]);
      if (failure !== undefined) missed(failure, nowMs);
    }
    if (phase === "lit") state = log.ailing === undefined ? "running" : "degraded";
    draw();
  }

  function write(nowMs: number): void {
    const from = next * DISPLAY_CHUNK_BYTES;
    const page = Math.floor(from / shape.columns);
    const window = device.window(from % shape.columns, page, DISPLAY_CHUNK_BYTES);
    const pixels = wanted.subarray(from, from + DISPLAY_CHUNK_BYTES);
    const failure = send(device.control.command, window) ?? send(device.control.data, pixels);
    if (failure !== undefined) {
      missed(failure, nowMs);
      return;
    }
    strikes = 0;
    backoffMs = FIRST_MS;
    written.set(pixels, from);
    unknown[next] = 0;
    next = findNext();
  }

  /** What stood in its memory when its power came must not be seen: it is lit once everything is written. */
  function light(nowMs: number): void {
    const failure = send(device.control.command, device.on);
    if (failure !== undefined) {
      missed(failure, nowMs);
      return;
    }
    phase = "lit";
    state = log.ailing === undefined ? "running" : "degraded";
  }

  return {
    part: device.part,
    counters: log.counters,
    get state() {
      return state;
    },
    get verified() {
      return phase === "parked" ? "none" : verifiedBy(device, undefined);
    },
    get dueMs() {
      if (phase === "parked") return retryMs;
      return next >= 0 || phase === "dark" ? Math.min(writeMs, beatMs) : beatMs;
    },
    step(nowMs) {
      if (phase === "parked") {
        if (nowMs >= retryMs) bringUp(nowMs);
        return;
      }
      if (nowMs >= writeMs && (next >= 0 || phase === "dark")) {
        writeMs = nowMs + DISPLAY_STEP_MS;
        if (next >= 0) write(nowMs);
        else light(nowMs);
      } else if (nowMs >= beatMs) beat(nowMs);
    },
    show(told) {
      lines = told;
      if (phase !== "parked") draw();
    },
    off() {
      if (phase === "lit") send(device.control.command, device.off);
    },
  };
}
