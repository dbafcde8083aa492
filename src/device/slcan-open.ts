import { encodeSlcanCommand, type SLCAN_COMMANDS, type SlcanAnswer } from "../codec/slcan.ts";

type Command = keyof typeof SLCAN_COMMANDS;

const ANSWER_MS = 500;
const FLUSH_MS = 100;
const TRIES = 3;
/** After an adapter that could not be opened listen-only. */
const AGAIN_MS = 10_000;

/**
 * Opens an adapter listen-only: close, version, bit rate, open, each answered before the next. `isOpen` only after the open
 * command itself was acknowledged; an adapter that does not is refused, and tried again later.
 */
export function createSlcanOpening(options: {
  readonly rate: Command;
  readonly write: (bytes: Uint8Array) => boolean;
  readonly refused: (reason: string) => void;
  readonly retry: () => void;
}) {
  const steps: readonly Command[] = ["version", options.rate, "openListenOnly"];
  const counters = { notListenOnly: 0, adapterTimeouts: 0 };
  /** Place in `steps` of the command that waits for its answer; −1 while what is old runs out, or nothing is asked. */
  let step = -1;
  let tries = 0;
  let isOpen = false;
  let dueMs = Number.POSITIVE_INFINITY;

  function ask(nowMs: number): void {
    options.write(encodeSlcanCommand(steps[step]!));
    tries++;
    dueMs = nowMs + ANSWER_MS;
  }

  function begin(nowMs: number): void {
    isOpen = false;
    step = -1;
    tries = 0;
    for (let i = 0; i < 3; i++) options.write(encodeSlcanCommand("close"));
    dueMs = nowMs + FLUSH_MS;
  }

  function refuse(nowMs: number, reason: string): void {
    counters.notListenOnly++;
    isOpen = false;
    step = steps.length;
    dueMs = nowMs + AGAIN_MS;
    options.write(encodeSlcanCommand("close"));
    options.refused(reason);
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
    answer({ kind }: SlcanAnswer, nowMs: number): void {
      const asked = steps[step];
      if (isOpen || asked === undefined) return;
      if (kind === "error") refuse(nowMs, asked === "openListenOnly" ? "not-listen-only" : "adapter-refused");
      else if ((asked === "version") !== (kind === "text")) return;
      else if (asked === "openListenOnly") {
        isOpen = true;
        dueMs = Number.POSITIVE_INFINITY;
      } else {
        step++;
        tries = 0;
        ask(nowMs);
      }
    },
    step(nowMs: number): void {
      if (nowMs < dueMs) return;
      if (step === steps.length) {
        options.retry();
        begin(nowMs);
      } else if (step < 0) {
        step = 0;
        ask(nowMs);
      } else {
        counters.adapterTimeouts++;
        if (tries >= TRIES) refuse(nowMs, "no-answer");
        else ask(nowMs);
      }
    },
    stop(): void {
      isOpen = false;
      step = -1;
      dueMs = Number.POSITIVE_INFINITY;
    },
  };
}
