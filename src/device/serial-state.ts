import type { SwathError } from "../model/errors.ts";
import type { SourceState } from "../model/record.ts";
import type { Clock } from "../model/time.ts";
import type { SourceSink } from "./source.ts";

/** How often the watchdog looks. */
const WATCH_MS = 250;
/** Good messages in a row before a source counts as running. */
const GOOD_WANTED = 3;

/** What the states of a serial source hang on. */
export interface SerialStateOptions {
  readonly sink: SourceSink;
  readonly clock: Clock;
  /** What a good message is called in reasons: `epochs`, `lines`, `blocks`. */
  readonly expects: string;
  /** No good message for so long (ms): silent. Asked at each look, because it may be learnt. */
  limitMs(): number;
  /** Called at each look, before silence is judged. */
  look?(): void;
  /** Called when silence is found. */
  silent?(): void;
}

/**
 * The states of a source on a serial link: `starting` when it opens, `running` after three good messages, `degraded` when
 * they stop (reason `silent`, or `no-…` when bytes still come), `failed` when the link goes down or the far end refuses,
 * `absent` when the port is not there. After a stall of the loop itself the verdict waits for the next look.
 */
export function createSerialState(options: SerialStateOptions) {
  const { sink, clock, expects } = options;
  const counters = { silences: 0, linkFailures: 0 };
  let state: SourceState = "absent";
  let good = 0;
  let isOpen = false;
  let isRefused = false;
  let nowMs = clock.monoMs();
  let lastGoodMs = nowMs;
  let lastByteMs = Number.NEGATIVE_INFINITY;
  let dueMs = nowMs + WATCH_MS;
  let excused = false;

  function move(to: SourceState, reason: string): void {
    if (to === state) return;
    const previous = state;
    state = to;
    sink.state(to, previous, reason);
  }

  function watch(): void {
    options.look?.();
    const limitMs = options.limitMs();
    if (!isOpen || isRefused || nowMs - lastGoodMs <= limitMs) return;
    if (good > 0 || state === "starting") counters.silences++;
    good = 0;
    options.silent?.();
    move("degraded", nowMs - lastByteMs <= limitMs ? `no-${expects}` : "silent");
  }

  return {
    counters: counters as Readonly<typeof counters>,
    get state() {
      return state;
    },
    get dueMs() {
      return dueMs;
    },
    /** The newest instant told by bytes or a look (mono ms). */
    get nowMs() {
      return nowMs;
    },
    /** When the newest bytes came; minus infinity before the first. */
    get lastByteMs() {
      return lastByteMs;
    },
    /** Bytes came, of whatever worth. */
    bytes(atMs: number): void {
      nowMs = atMs;
      lastByteMs = atMs;
    },
    /** Good messages came, the last at `atMs`. */
    good(atMs: number, n = 1): void {
      lastGoodMs = atMs;
      good += n;
      if (good >= GOOD_WANTED && !isRefused) move("running", expects);
    },
    /** The far end is there and must not be read, or cannot be set up. */
    refuse(reason: string): void {
      isRefused = true;
      good = 0;
      move("failed", reason);
    },
    /** What was refused is tried again. */
    retry(): void {
      if (!isRefused) return;
      isRefused = false;
      lastGoodMs = nowMs;
      move("starting", "retry");
    },
    /** What speaks to the far end begins anew, for a reason that is told. */
    again(reason: string): void {
      isRefused = false;
      good = 0;
      lastGoodMs = nowMs;
      if (isOpen) move("starting", reason);
    },
    up(): void {
      isOpen = true;
      isRefused = false;
      nowMs = clock.monoMs();
      lastGoodMs = nowMs;
      if (state !== "degraded") move("starting", "opened");
    },
    down(error: SwathError): void {
      isOpen = false;
      counters.linkFailures++;
      good = 0;
      // A link that reopens a silent port says nothing that `degraded` has not said.
      if (state === "degraded" && error.code === "bus/timeout") return;
      move(error.code === "bus/absent" ? "absent" : "failed", error.code);
    },
    step(atMs: number): void {
      nowMs = Math.max(nowMs, atMs);
      excused = atMs - dueMs > WATCH_MS && !excused;
      if (!excused) watch();
      dueMs = atMs + WATCH_MS;
    },
  };
}
