import type { Note } from "../link/frame.ts";
import type { SourceState } from "../model/record.ts";
import type { HookEnd } from "./hook-run.ts";
import type { Due } from "./schedule.ts";

/** Scripts of a bus or a part, by full path. */
export interface Hooks {
  /** Frees the wires of a bus that hangs. */
  readonly busClear?: string | undefined;
  /** Takes the power away for a moment. */
  readonly powerCycle?: string | undefined;
}

/** Where the hooks of a machine are. */
export interface RecoverySpec {
  /** Buses by name; `port` is what the hook is told: `/dev/i2c-1`. */
  readonly buses: Readonly<Record<string, { readonly port: string; readonly hooks?: Hooks | undefined }>>;
  readonly parts: readonly { readonly name: string; readonly bus: string; readonly hooks?: Hooks | undefined }[];
}

/** The last rungs of the ladder: behind retries and new set-ups by the driver, scripts that only this machine has. */
export interface Recovery {
  readonly due: Due;
  /** A part moved to another state. */
  state(part: string, state: SourceState, reason: string): void;
  /** What was run for a part, by kind; only what is not 0. */
  counters(part: string): Readonly<Record<string, number>>;
}

type HookKind = "busClear" | "powerCycle";

/** How a hook is started; a parameter so that a test needs no processes. */
export type HookStarter = (
  path: string,
  args: readonly string[],
  limitMs: number,
  onEnd: (end: HookEnd) => void,
) => void;

/** A hook that runs longer is killed. */
const LIMIT_MS = 10_000;
/** How long a part is unwell before its power is taken away: the driver tries for itself first. */
const POWER_CYCLE_AFTER_MS = 15_000;
/** Least time from one run of a hook to its next, doubled after each that did not help up to `SLOWEST_MS`. */
const FIRST_MS = 60_000;
const SLOWEST_MS = 3_600_000;
const LOOK_MS = 1000;

/** The wires hang: no part of this bus can be read. */
const HANGS: readonly string[] = ["bus/timeout", "bus/busy", "bus/arbitration"];
/** What no script mends: another part, a missing permission, an adapter that will not listen only. */
const BEYOND_REPAIR: readonly string[] = [
  "device/stranger",
  "bus/denied",
  "bus/addon",
  "not-listen-only",
  "adapter-refused",
  "other-adapter",
];
/** Degraded in a way that taking the power away may mend; noise on the wires is none. */
const FROZEN: readonly string[] = ["silent", "device/stuck", "bus/timeout", "bus/no-ack"];

interface Watched {
  readonly name: string;
  readonly bus: string;
  readonly counts: Record<string, number>;
  hasRun: boolean;
  state: SourceState;
  reason: string;
  /** Since when it is unwell; NaN while it is well. */
  sinceMs: number;
}

interface Hook {
  readonly kind: HookKind;
  readonly path: string;
  readonly args: readonly string[];
  isRunning: boolean;
  notBeforeMs: number;
  waitMs: number;
}

/** Whether a script may help this part at all. */
function isMendable({ state, reason, hasRun }: Watched): boolean {
  if (BEYOND_REPAIR.includes(reason)) return false;
  if (state === "failed") return true;
  // What was never there is not plugged in.
  if (state === "absent") return hasRun;
  return state === "degraded" && FROZEN.includes(reason);
}

/** Watches the states of all parts and runs the hooks of those that the driver cannot bring back. */
export function createRecovery(
  spec: RecoverySpec,
  around: { readonly start: HookStarter; readonly note: (note: Note) => void; readonly nowMs: () => number },
): Recovery {
  const hooks = new Map<string, Hook>();
  const parts = new Map<string, Watched>(
    spec.parts.map(({ name, bus }) => [
      name,
      { name, bus, counts: {}, hasRun: false, state: "starting", reason: "", sinceMs: around.nowMs() },
    ]),
  );

  function addHook(key: string, kind: HookKind, path: string | undefined, args: readonly string[]): void {
    if (path === undefined) return;
    hooks.set(`${kind} ${key}`, { kind, path, args, isRunning: false, notBeforeMs: 0, waitMs: FIRST_MS });
  }
  for (const [name, { port, hooks: own }] of Object.entries(spec.buses)) {
    addHook(`bus ${name}`, "busClear", own?.busClear, [port]);
    addHook(`bus ${name}`, "powerCycle", own?.powerCycle, [port]);
  }
  for (const { name, bus, hooks: own } of spec.parts)
    addHook(`part ${name}`, "powerCycle", own?.powerCycle, [spec.buses[bus]?.port ?? bus, name]);

  /** A part's own hook, else that of its bus. */
  const hookOf = (kind: HookKind, { name, bus }: Watched) =>
    hooks.get(`${kind} part ${name}`) ?? hooks.get(`${kind} bus ${bus}`);

  function run(hook: Hook, part: Watched, nowMs: number): void {
    hook.isRunning = true;
    // A long time without need of it: the next fault begins with short waits.
    if (nowMs - hook.notBeforeMs > hook.waitMs) hook.waitMs = FIRST_MS;
    hook.notBeforeMs = nowMs + hook.waitMs;
    hook.waitMs = Math.min(2 * hook.waitMs, SLOWEST_MS);
    const count = (kind: string) => {
      part.counts[kind] = (part.counts[kind] ?? 0) + 1;
    };
    count(hook.kind === "busClear" ? "busClears" : "powerCycles");
    around.start(hook.path, hook.args, LIMIT_MS, ({ outcome, code }) => {
      hook.isRunning = false;
      if (outcome !== "done") count("hookFailures");
      const mono = around.nowMs();
      const detail = {
        hook: hook.kind,
        bus: part.bus,
        reason: part.reason,
        outcome,
        code,
        tookMs: Math.round(mono - nowMs),
      };
      const severity = outcome === "done" ? "info" : "warning";
      around.note({ kind: "event", mono, name: "recovery_hook", severity, source: part.name, detail });
    });
  }

  function look(part: Watched, nowMs: number): void {
    if (Number.isNaN(part.sinceMs) || !isMendable(part)) return;
    const hangs = part.state === "failed" && HANGS.includes(part.reason);
    const wanted = [
      hangs ? hookOf("busClear", part) : undefined,
      nowMs - part.sinceMs >= POWER_CYCLE_AFTER_MS ? hookOf("powerCycle", part) : undefined,
    ];
    for (const hook of wanted)
      if (hook !== undefined && !hook.isRunning && nowMs >= hook.notBeforeMs) run(hook, part, nowMs);
  }

  let dueMs = hooks.size === 0 ? Number.POSITIVE_INFINITY : around.nowMs() + LOOK_MS;
  return {
    due: {
      get dueMs() {
        return dueMs;
      },
      step(nowMs) {
        dueMs = nowMs + LOOK_MS;
        for (const part of parts.values()) look(part, nowMs);
      },
    },
    state(name, state, reason) {
      const part = parts.get(name);
      if (part === undefined) return;
      part.state = state;
      if (state !== "starting") part.reason = reason;
      if (state !== "running") {
        if (Number.isNaN(part.sinceMs)) part.sinceMs = around.nowMs();
        return;
      }
      part.hasRun = true;
      part.sinceMs = Number.NaN;
    },
    counters: (name) => parts.get(name)?.counts ?? {},
  };
}
