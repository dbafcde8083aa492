import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { type BoardAssignment, READER_EXITS } from "../board/assignment.ts";
import { BOARD_FRAME, boardFrame, createBoardFrames } from "../board/frames.ts";
import { BOARD_TROUBLES, type BoardListener, type BoardReader, KEY_PRESSES } from "../device/board-device.ts";
import { LAMPS, type Lamp } from "../model/operator.ts";

/** Between two starts: at once after a good run, longer and longer while it keeps ending. */
const RESTART_MIN_MS = 250;
const RESTART_MAX_MS = 15_000;
const HEALTHY_MS = 20_000;
/** No sign of life for this long: it hangs, and is killed. Its start is slow on a small machine. */
const HANG_MS = 5000;
const START_MS = 20_000;
const LOOK_MS = 250;
/** The lamp is told again this often, so that a lamp nobody speaks for is found. */
const LAMP_MS = 2000;
/** More unread bytes than this: it stands still. What comes meanwhile is dropped; it is killed soon. */
const UNREAD_MAX_BYTES = 64 * 1024;

/**
 * The process that reads a sub-board: started when the port opens, ended when it closes, started again when it ends or hangs. All
 * calls return at once; what it does not read is dropped.
 */
export function createBoardProcess(spec: {
  readonly entry: string;
  readonly assignment: BoardAssignment;
}): BoardReader {
  let listener: BoardListener | undefined;
  let child: ChildProcess | undefined;
  let isOpen = false;
  let lamp: Lamp | undefined;
  let lampMs = 0;
  let startedMs = 0;
  let lifeMs = 0;
  let spoke = false;
  let lookedMs = Number.NaN;
  let startMs = Number.POSITIVE_INFINITY;
  let backoffMs = RESTART_MIN_MS;
  let nowMs = 0;
  let isHung = false;

  function send(frame: Buffer): void {
    const stdin = child?.stdin;
    if (stdin !== undefined && stdin !== null && stdin.writableLength < UNREAD_MAX_BYTES) stdin.write(frame);
  }

  function hear(type: number, index: number, atMs: number, bytes: Buffer, from: number, to: number): void {
    lifeMs = nowMs;
    spoke = true;
    const length = to - from;
    if (type === BOARD_FRAME.value && length === 8) listener?.value(index, bytes.readDoubleLE(from), atMs);
    else if (type === BOARD_FRAME.pulses && length === 16)
      listener?.pulses(index, bytes.readDoubleLE(from), bytes.readDoubleLE(from + 8), atMs);
    else if (type === BOARD_FRAME.beat) listener?.beat(atMs);
    else if (type === BOARD_FRAME.write) listener?.write(bytes.subarray(from, to));
    else if (type === BOARD_FRAME.ready) {
      listener?.ready(bytes.toString("utf8", from, to));
      tellLamp();
    } else if (type === BOARD_FRAME.refused) listener?.refused(bytes.toString("utf8", from, to));
    else if (type === BOARD_FRAME.key) {
      const press = KEY_PRESSES[index];
      if (press !== undefined) listener?.key(press, atMs);
    } else if (type === BOARD_FRAME.trouble) {
      const kind = BOARD_TROUBLES[index];
      if (kind !== undefined) listener?.trouble(kind);
    }
  }

  function tellLamp(): void {
    if (lamp === undefined) return;
    lampMs = nowMs;
    send(boardFrame(BOARD_FRAME.lamp, LAMPS.indexOf(lamp), 0));
  }

  function start(): void {
    startMs = Number.POSITIVE_INFINITY;
    startedMs = nowMs;
    lifeMs = nowMs;
    spoke = false;
    const c = spawn(process.execPath, [spec.entry, JSON.stringify(spec.assignment)], {
      stdio: ["pipe", "ignore", "inherit", "pipe"],
    });
    child = c;
    const out = c.stdio[3] as Duplex | null | undefined;
    c.stdin?.on("error", () => undefined);
    out?.on("error", () => undefined);
    out?.on("data", (chunk: Buffer) => {
      if (child === c) frames(chunk);
    });
    const frames = createBoardFrames(hear, () => c.kill("SIGKILL"));
    let over = false;
    const end = (code: number | null) => {
      if (over) return;
      over = true;
      if (child === c) ended(code);
    };
    c.on("error", () => end(null));
    // Not `exit`: what it said last is read first.
    c.on("close", end);
  }

  function ended(code: number | null): void {
    child = undefined;
    const why = Object.entries(READER_EXITS).find(([number]) => Number(number) === code)?.[1];
    backoffMs = nowMs - startedMs > HEALTHY_MS ? RESTART_MIN_MS : Math.min(RESTART_MAX_MS, backoffMs * 2);
    startMs = nowMs + backoffMs;
    // What was refused has been told, and stays told until it is tried again.
    if (why === "refused") return;
    if (why === undefined) listener?.trouble(isHung ? "hangs" : "crashes");
    listener?.restarted(why ?? (isHung ? "reader-hung" : "reader-ended"));
    isHung = false;
  }

  function stop(): void {
    const c = child;
    child = undefined;
    startMs = Number.POSITIVE_INFINITY;
    c?.kill("SIGKILL");
  }

  return {
    start(l) {
      listener = l;
    },
    opened(atMs) {
      nowMs = Math.max(nowMs, atMs);
      stop();
      isOpen = true;
      startMs = nowMs;
    },
    closed() {
      isOpen = false;
      stop();
    },
    bytes(chunk, atMs) {
      nowMs = Math.max(nowMs, atMs);
      send(boardFrame(BOARD_FRAME.bytes, 0, atMs, chunk));
    },
    lamp(next) {
      if (next === lamp) return;
      lamp = next;
      tellLamp();
    },
    noted: (press) => send(boardFrame(BOARD_FRAME.noted, KEY_PRESSES.indexOf(press), 0)),
    get dueMs() {
      if (!isOpen) return Number.POSITIVE_INFINITY;
      return child === undefined ? startMs : lookedMs + LOOK_MS;
    },
    step(atMs) {
      nowMs = Math.max(nowMs, atMs);
      if (child === undefined) {
        if (isOpen && nowMs >= startMs) start();
        lookedMs = nowMs;
        return;
      }
      // Who stood still itself has heard nobody.
      if (nowMs - lookedMs > HANG_MS / 2) lifeMs = nowMs;
      lookedMs = nowMs;
      if (nowMs - lampMs > LAMP_MS) tellLamp();
      if (nowMs - lifeMs <= (spoke ? HANG_MS : START_MS)) return;
      isHung = true;
      child.kill("SIGKILL");
      lifeMs = nowMs;
    },
    close() {
      isOpen = false;
      stop();
    },
  };
}
