import { QUALITY } from "../../model/quality.ts";
import { frameKey } from "../scans.ts";
import type { OneShotRead, Shot } from "../table.ts";
import type { Verb, VerbContext } from "./verb.ts";

interface Turn {
  readonly shot: Shot;
  readonly bytes: Uint8Array;
  readonly group: ReturnType<VerbContext["scans"]["group"]>;
  dueMs: number;
  taken: number;
}

/**
 * Conversions started by the host, one at a time, each read by the step that comes after its conversion time; the wait never
 * blocks. A result belongs to the command that started it.
 */
export function createOneShot(read: OneShotRead, context: VerbContext): Verb {
  const { plan, port, scans, log, clock, sink } = context;
  const turns: Turn[] = read.shots.map((shot) => ({
    shot,
    bytes: new Uint8Array(shot.bytes),
    group: scans.group(frameKey(shot), 1),
    dueMs: 0,
    taken: 0,
  }));
  const discard = read.discard ?? 0;
  let running: Turn | undefined;
  let startedMs = 0;
  let sent = 0;
  let turnedOver = false;
  let dueMs = 0;

  function next(): Turn {
    let first = turns[0]!;
    for (const turn of turns) if (turn.dueMs < first.dueMs) first = turn;
    return first;
  }

  function begin(turn: Turn, nowMs: number): boolean {
    const { start, everyMs, waitMs } = turn.shot;
    turn.dueMs = Math.max(turn.dueMs + everyMs, nowMs + everyMs / 2);
    sent = start.value ?? 0;
    if (turnedOver && read.echo !== undefined) sent ^= read.echo.spare;
    const begun = port.command(start.value === undefined ? start : { reg: start.reg, value: sent });
    startedMs = clock.monoMs();
    running = begun ? turn : undefined;
    dueMs = begun ? startedMs + waitMs : next().dueMs;
    if (!begun) end(turn, 0);
    return begun;
  }

  /** Delivers what the turn has, or a hole. */
  function end(turn: Turn, q: number): void {
    if (turn.group.n === 0) turn.group.miss(startedMs, q);
    if (turn.group.deliver()) sink.scan(startedMs);
  }

  function echoed(turn: Turn): boolean {
    if (read.echo === undefined) return false;
    const register = plan.registers[turn.shot.start.reg]!;
    let value = 0;
    for (let i = 0; i < register.bytes; i++) value = value * 256 + turn.bytes[i]!;
    return (value & read.echo.mask) === (sent & read.echo.mask);
  }

  function finish(turn: Turn): boolean {
    running = undefined;
    const { ready } = turn.shot;
    if (!port.frame(turn.shot, turn.bytes)) {
      end(turn, 0);
      return port.failure === "crc";
    }
    if (echoed(turn)) {
      log.counters.echo += 1;
      turnedOver = !turnedOver;
      end(turn, QUALITY.fault);
      return true;
    }
    scans.flags(frameKey(turn.shot), turn.bytes);
    turn.taken += 1;
    if (turn.taken <= discard) return true;
    if (ready === undefined || (turn.bytes[ready.byte]! & ready.mask) !== 0)
      turn.group.take(turn.bytes, 0, startedMs, 0);
    end(turn, 0);
    return true;
  }

  return {
    get dueMs() {
      return dueMs;
    },
    start(nowMs) {
      running = undefined;
      for (const turn of turns) {
        turn.dueMs = nowMs;
        turn.taken = 0;
      }
      dueMs = nowMs;
      return true;
    },
    step(nowMs) {
      if (nowMs < dueMs) return true;
      if (running !== undefined && !finish(running)) return false;
      const turn = next();
      if (turn.dueMs <= nowMs) return begin(turn, nowMs);
      dueMs = turn.dueMs;
      return true;
    },
  };
}
