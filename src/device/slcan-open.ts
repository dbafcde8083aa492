import { encodeSlcanCommand, type SLCAN_COMMANDS, type SlcanAnswer } from "../codec/slcan.ts";
import type { SlcanDialect } from "./slcan-dialects.ts";

type Command = keyof typeof SLCAN_COMMANDS;

const ANSWER_MS = 500;
const FLUSH_MS = 100;
/**
 * After a command without an answer nothing is asked for this long: an answer that is later than any adapter's would otherwise be
 * taken for that of another command. Answers come in the order of the commands.
 */
const QUIET_MS = 2000;
const TRIES = 3;
/** After an adapter that could not be opened listen-only. */
const AGAIN_MS = 10_000;

/**
 * Opens an adapter listen-only in its dialect: close, then each step answered before the next. `isOpen` only after the last, which
 * opens, was itself acknowledged; an adapter that does not is closed and refused, and tried again later. A command without an
 * answer is never said again: all begins anew with close, because a late answer would be taken for that of another command.
 */
export function createSlcanOpening(options: {
  readonly dialect: SlcanDialect;
  readonly rate: Command;
  readonly write: (bytes: Uint8Array) => boolean;
  readonly refused: (reason: string) => void;
  readonly retry: () => void;
}) {
  const { dialect } = options;
  const steps: readonly Command[] = dialect.steps.map((s) => (s === "rate" ? options.rate : s));
  const firstThatListens = steps.findIndex((s) => s === "silent" || s === "openListenOnly");
  const counters = { notListenOnly: 0, adapterTimeouts: 0 };
  /** Place in `steps` of the command that waits for its answer; −1 while what is old runs out, or nothing is asked. */
  let step = -1;
  let tries = 0;
  /** Versions that were asked and not yet told. */
  let owed = 0;
  let isTold = false;
  let isOpen = false;
  let dueMs = Number.POSITIVE_INFINITY;

  function ask(nowMs: number): void {
    const command = steps[step]!;
    if (command === "version") owed++;
    isTold = false;
    options.write(encodeSlcanCommand(command));
    dueMs = nowMs + ANSWER_MS;
  }

  function close(nowMs: number, waitMs: number): void {
    isOpen = false;
    step = -1;
    for (let i = 0; i < 3; i++) options.write(encodeSlcanCommand("close"));
    dueMs = nowMs + waitMs;
  }

  function begin(nowMs: number): void {
    tries = 0;
    close(nowMs, FLUSH_MS);
  }

  function refuse(nowMs: number, reason: string): void {
    counters.notListenOnly++;
    isOpen = false;
    step = steps.length;
    dueMs = nowMs + AGAIN_MS;
    options.write(encodeSlcanCommand("close"));
    options.refused(reason);
  }

  function next(nowMs: number): void {
    step++;
    if (step < steps.length) ask(nowMs);
    else {
      isOpen = true;
      dueMs = Number.POSITIVE_INFINITY;
    }
  }

  function answered(answer: SlcanAnswer, nowMs: number): void {
    const isVersion = steps[step] === "version";
    // Asked a second time, the version shows whether every answer so far was that of its own command.
    const isProof = isVersion && step > 0;
    if (answer.kind === "error") refuse(nowMs, step < firstThatListens ? "adapter-refused" : "not-listen-only");
    else if (answer.kind === "text") {
      if (!dialect.version.test(answer.text)) refuse(nowMs, "other-adapter");
      else if (isProof && owed !== 0) refuse(nowMs, "out-of-step");
      else if (isVersion && dialect.acksVersion) isTold = true;
      else if (isVersion) next(nowMs);
    } else if (isProof && !isTold) refuse(nowMs, "out-of-step");
    else if (isTold || !isVersion) next(nowMs);
  }

  return {
    counters: counters as Readonly<typeof counters>,
    get isOpen() {
      return isOpen;
    },
    get dueMs() {
      return dueMs;
    },
    begin,
    answer(answer: SlcanAnswer, nowMs: number): void {
      if (answer.kind === "text") owed--;
      if (!isOpen && steps[step] !== undefined) answered(answer, nowMs);
    },
    step(nowMs: number): void {
      if (nowMs < dueMs) return;
      if (step === steps.length) {
        options.retry();
        begin(nowMs);
      } else if (step < 0) {
        step = 0;
        owed = 0;
        ask(nowMs);
      } else {
        counters.adapterTimeouts++;
        tries++;
        if (tries >= TRIES) refuse(nowMs, "no-answer");
        else close(nowMs, QUIET_MS);
      }
    },
    stop(): void {
      isOpen = false;
      step = -1;
      dueMs = Number.POSITIVE_INFINITY;
    },
  };
}
