import { type ChildProcess, spawn } from "node:child_process";
import type { SamplerEnd } from "../model/record.ts";
import type { Clock } from "../model/time.ts";

/** What the supervisor reports. */
export interface SupervisorListener {
  started(pid: number, restarts: number): void;
  ended(end: SamplerEnd, inMs: number): void;
}

const RESTART_MIN_MS = 100;
const RESTART_MAX_MS = 5000;
/** A run at least this long was a healthy one: the next restart is immediate again. */
const HEALTHY_MS = 10_000;
/** No sign of life for this long: the sampler hangs in a transfer and is killed. */
const HANG_MS = 15_000;
/**
 * Until it is heard for the first time it reads its program from a card that may be slow: it gets longer, and each start in
 * which it was not heard gives the next one twice as long, or a slow computer would never have one.
 */
const START_MS = 30_000;
const START_MAX_MS = 240_000;
const LOOK_MS = 1000;

/**
 * Keeps the sampler process running: started again at once after a crash, with back-off while it keeps crashing, and killed
 * when it shows no sign of life. The sampler ends by itself when its standard input closes, so it never outlives the unit.
 */
export function createSupervisor(options: {
  readonly command: string;
  readonly args: readonly string[];
  readonly clock: Clock;
  readonly listener: SupervisorListener;
}) {
  const { clock, listener } = options;
  let child: ChildProcess | undefined;
  let timer: NodeJS.Timeout | undefined;
  let hang: NodeJS.Timeout | undefined;
  let stopping = false;
  let restarts = -1;
  let backoffMs = RESTART_MIN_MS;
  let startedMs = 0;
  let lastLifeMs = 0;
  let heard = false;
  let unheardStarts = 0;
  /** Why it was killed, when it was. */
  let killed: string | undefined;
  let exited: (() => void) | undefined;

  function start(): void {
    restarts++;
    startedMs = clock.monoMs();
    lastLifeMs = startedMs;
    heard = false;
    killed = undefined;
    const c = spawn(options.command, options.args, { stdio: ["pipe", "inherit", "inherit"] });
    child = c;
    let over = false;
    const end = (how: SamplerEnd) => {
      if (over) return;
      over = true;
      child = undefined;
      if (stopping) return exited?.();
      backoffMs = clock.monoMs() - startedMs > HEALTHY_MS ? RESTART_MIN_MS : Math.min(RESTART_MAX_MS, backoffMs * 2);
      listener.ended(killed === undefined ? how : { cause: "hung", words: killed }, backoffMs);
      timer = setTimeout(start, backoffMs);
    };
    c.stdin?.on("error", () => undefined);
    c.on("error", (e) => end({ cause: "not-started", words: e.message }));
    c.on("exit", (code, signal) =>
      end(
        signal === null ? { cause: "ended", words: `exit code ${code}` } : { cause: "died", words: `signal ${signal}` },
      ),
    );
    if (c.pid !== undefined) listener.started(c.pid, restarts);
  }

  return {
    start(): void {
      start();
      let lookedMs = clock.monoMs();
      hang = setInterval(() => {
        const now = clock.monoMs();
        // Who was stopped itself has heard nobody: the sampler gets its time anew.
        if (now - lookedMs > HANG_MS / 2) lastLifeMs = now;
        lookedMs = now;
        const allowedMs = heard ? HANG_MS : Math.min(START_MAX_MS, START_MS * 2 ** unheardStarts);
        if (child === undefined || killed !== undefined || now - lastLifeMs <= allowedMs) return;
        if (!heard) unheardStarts++;
        killed = `no sign of life for ${Math.round((now - lastLifeMs) / 1000)} s; it was killed`;
        child.kill("SIGKILL");
      }, LOOK_MS);
    },
    /** The sampler was heard. */
    alive(): void {
      heard = true;
      unheardStarts = 0;
      lastLifeMs = clock.monoMs();
    },
    get restarts() {
      return Math.max(0, restarts);
    },
    /** Asks the sampler to end, and insists after `graceMs`. */
    async stop(graceMs: number): Promise<void> {
      stopping = true;
      clearTimeout(timer);
      clearInterval(hang);
      const c = child;
      if (c === undefined) return;
      const gone = new Promise<void>((done) => {
        exited = done;
      });
      c.kill("SIGTERM");
      const insist = setTimeout(() => c.kill("SIGKILL"), graceMs);
      await gone;
      clearTimeout(insist);
    },
  };
}
