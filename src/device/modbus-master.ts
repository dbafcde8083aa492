import {
  encodeModbusAnswer,
  encodeModbusException,
  encodeModbusRead,
  judgeModbusAnswer,
  type ModbusFunction,
  type ModbusType,
  modbusCrc,
  readModbusValue,
  registersOf,
  writeModbusValue,
} from "../codec/modbus-rtu.ts";
import { QUALITY } from "../model/quality.ts";
import type { SerialOutput, SerialProtocol, SerialTwin, SerialTwinSpec } from "./serial-device.ts";

/** One register that is read again and again: value = number × scale + offset. */
export interface ModbusPoint {
  readonly slave: number;
  readonly fn: ModbusFunction;
  readonly register: number;
  readonly type: ModbusType;
  readonly scale: number;
  readonly offset: number;
  readonly everyMs: number;
  /** Numbers (as sent) that mean there is no value. */
  readonly absent: readonly number[];
  /** Numbers the sensor can send, lowest and highest. */
  readonly range: readonly [number, number];
}

/** Failures in a row after which a point is asked at a tenth of its rate. */
const PARK_AFTER = 3;
/** Exceptions that the configuration caused: wrong function, register or count. The point is asked once a minute. */
const OUR_FAULT_MS = 60_000;
/** Exceptions that pass: device failure, acknowledge, busy. */
const BUSY_MS = 10_000;

/** Silence between frames: 3.5 characters of 11 bits, and 1.75 ms above 19200 baud. */
export function silenceMs(baud: number): number {
  return baud > 19_200 ? 1.75 : 38_500 / baud;
}

/** One master that asks one register at a time; every answer must be of the slave, function and length that was asked. */
export function modbusProtocol(
  points: readonly ModbusPoint[],
  timing: { readonly baud: number; readonly timeoutMs: number },
  out: SerialOutput,
): SerialProtocol {
  const gapMs = silenceMs(timing.baud);
  const counters = { answers: 0, timeouts: 0, retries: 0, crc: 0, stranger: 0, unasked: 0, exceptions: 0, parked: 0 };
  const dueAtMs = points.map(() => Number.POSITIVE_INFINITY);
  const failures = points.map(() => 0);
  const bytes = new Uint8Array(256);
  let length = 0;
  /** The point whose answer is awaited; −1 when none is. */
  let asked = -1;
  let tries = 0;
  /** The line must be quiet until then before the next request. */
  let quietMs = 0;
  let dueMs = Number.POSITIVE_INFINITY;

  function ask(i: number, nowMs: number): void {
    const { slave, fn, register, type } = points[i]!;
    asked = i;
    length = 0;
    tries++;
    out.write(encodeModbusRead(slave, fn, register, registersOf(type)));
    dueMs = nowMs + timing.timeoutMs;
  }

  /** The point was dealt with; it is asked again after `afterMs`, on the grid of its requests. */
  function done(nowMs: number, afterMs: number): void {
    const onGrid = dueAtMs[asked]! + afterMs;
    dueAtMs[asked] = onGrid > nowMs ? onGrid : nowMs + afterMs;
    asked = -1;
    tries = 0;
    length = 0;
    quietMs = nowMs + gapMs;
    dueMs = Math.max(quietMs, Math.min(...dueAtMs));
  }

  function missing(nowMs: number, afterMs: number): void {
    out.put(asked, Number.NaN, QUALITY.missing | QUALITY.fault);
    out.missed(nowMs);
    done(nowMs, afterMs);
  }

  /** No good answer: asked once more, then the value is missing, and after three times the point is asked rarely. */
  function failed(nowMs: number): void {
    if (tries < 2) {
      counters.retries++;
      ask(asked, nowMs);
      return;
    }
    const n = ++failures[asked]!;
    if (n === PARK_AFTER) counters.parked++;
    missing(nowMs, points[asked]!.everyMs * (n >= PARK_AFTER ? 10 : 1));
  }

  function value(nowMs: number): void {
    const p = points[asked]!;
    const raw = readModbusValue(p.type, bytes, 3);
    counters.answers++;
    failures[asked] = 0;
    if (p.absent.includes(raw) || Number.isNaN(raw)) out.put(asked, Number.NaN, QUALITY.missing);
    else {
      const isOut = raw < p.range[0] || raw > p.range[1];
      const isEnd = raw <= p.range[0] || raw >= p.range[1];
      const q = (isEnd ? QUALITY.clipped : 0) | (isOut ? QUALITY.suspect | QUALITY.range : 0);
      out.put(asked, raw * p.scale + p.offset, q);
    }
    out.verified(true);
    out.scan(nowMs);
    done(nowMs, p.everyMs);
  }

  function exception(nowMs: number): void {
    counters.exceptions++;
    const code = bytes[2]!;
    missing(nowMs, code <= 3 ? OUR_FAULT_MS : BUSY_MS);
  }

  function answered(nowMs: number): void {
    const { slave, fn, type } = points[asked]!;
    const verdict = judgeModbusAnswer(bytes, length, { slave, fn, count: registersOf(type) });
    if (verdict === "more") return;
    if (verdict === "values") value(nowMs);
    else if (verdict === "exception") exception(nowMs);
    else {
      counters[verdict]++;
      // What else comes belongs to it: the time-out ends the wait, so that it is not taken for the next answer.
      length = bytes.length;
    }
  }

  return {
    get counters() {
      return { ...counters };
    },
    take(chunk, atMs) {
      quietMs = atMs + gapMs;
      if (asked < 0) counters.unasked += chunk.length;
      if (asked < 0 || length === bytes.length) return;
      const n = Math.min(chunk.length, bytes.length - length);
      bytes.set(chunk.subarray(0, n), length);
      length += n;
      answered(atMs);
    },
    reset() {
      asked = -1;
      length = 0;
      dueMs = Number.POSITIVE_INFINITY;
    },
    opened(atMs) {
      dueAtMs.fill(atMs + gapMs);
      asked = -1;
      tries = 0;
      quietMs = atMs + gapMs;
      dueMs = quietMs;
    },
    get dueMs() {
      return asked < 0 ? Math.max(dueMs, quietMs) : dueMs;
    },
    step(nowMs) {
      if (nowMs < dueMs || (asked < 0 && nowMs < quietMs)) return;
      if (asked >= 0) {
        counters.timeouts++;
        failed(nowMs);
        return;
      }
      let first = 0;
      for (let i = 1; i < dueAtMs.length; i++) if (dueAtMs[i]! < dueAtMs[first]!) first = i;
      if (dueAtMs[first]! <= nowMs) ask(first, nowMs);
      else dueMs = dueAtMs[first]!;
    },
  };
}

/** Slaves that hold what the scene knows in the registers of these points; other registers are refused with exception 2. */
export function modbusTwin(points: Readonly<Record<string, ModbusPoint>>, spec: SerialTwinSpec): SerialTwin {
  const answers: Uint8Array[] = [];
  let nowMs = spec.startMs;
  return {
    get dueMs() {
      return answers.length > 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    },
    step(atMs) {
      nowMs = atMs;
      for (const answer of answers.splice(0)) spec.send(answer);
    },
    hears(b) {
      if (b.length !== 8 || modbusCrc(b, 6) !== b[6]! + b[7]! * 256) return;
      const [slave, fn, register] = [b[0]!, b[1]!, b[2]! * 256 + b[3]!];
      const hit = Object.entries(points).find(([, p]) => p.slave === slave && p.fn === fn && p.register === register);
      if (hit === undefined) {
        if (Object.values(points).some((p) => p.slave === slave)) answers.push(encodeModbusException(slave, fn, 2));
        return;
      }
      const [key, p] = hit;
      const raw = ((spec.value(key, nowMs) ?? p.range[0] * p.scale + p.offset) - p.offset) / p.scale;
      answers.push(encodeModbusAnswer(slave, fn, writeModbusValue(p.type, raw)));
    },
  };
}
